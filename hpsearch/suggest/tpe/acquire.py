"""Candidates and their order of merit.

Expected improvement below the split's threshold grows with ``l(x) / g(x)``, the density of
the good trials over that of the bad (Bergstra et al. 2011, equation 3). A few candidates are
drawn from ``l`` and ranked by that ratio. Twice as many, or a search for the maximum, were
measured to be no better: what the draw leaves to chance is exploration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Bools, Floats
from hpsearch.suggest.tpe.activation import Activation, active_mask
from hpsearch.suggest.tpe.parzen import Mixture

#: Suggestions whose candidates are drawn and ranked together: more would save no time, but cost memory.
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Candidates:
    """Points to choose from, the best first."""

    values: Floats  #: (m, d) raw values, 0 where inactive
    active: Bools  #: (m, d)


def ranked_candidates(
    good: Mixture, bad: Mixture, activation: Activation, n: int, rngs: Sequence[np.random.Generator]
) -> Iterator[Candidates]:
    """Draw ``n`` points from ``good`` with each generator; order them by falling ``log good - log bad``."""
    for first in range(0, len(rngs), _BATCH):
        batch = rngs[first : first + _BATCH]
        drawn = good.draw(np.concatenate([rng.random((n, 1 + len(activation))) for rng in batch]))
        active = active_mask(activation, drawn)
        values = np.where(active, drawn, 0.0)
        merits = good.log_density(values, active) - bad.log_density(values, active)
        for i, merit in enumerate(merits.reshape(len(batch), n)):
            order = i * n + np.argsort(-merit, kind="stable")
            yield Candidates(values=values[order], active=active[order])
