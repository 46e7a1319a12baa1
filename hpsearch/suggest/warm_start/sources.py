"""Earlier searches, as far as a portfolio needs them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hpsearch.space.tree import Values

#: Trials of a source, which bound the cost of its GP: the best ones; the first ones, which come from
#: everywhere in the space; the newest ones, which failed near the best ones, if any did.
N_BEST, N_FIRST, N_NEWEST = 150, 100, 50


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTrial:
    """A finished trial of an earlier search."""

    tid: int  #: its number there
    values: Values  #: its values in the new space; only known labels
    loss: float  #: NaN if it failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The trials of an earlier search that have a counterpart in the new space."""

    known: frozenset[str]  #: labels of the new space that its trials can have
    trials: Sequence[SourceTrial]


def has_loss_in(source: Source) -> bool:
    """Whether an earlier search has a loss; NaN and infinity count as failures."""
    return any(trial.loss < math.inf for trial in source.trials)
