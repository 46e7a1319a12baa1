"""The warm start of an experiment: the points of earlier searches that its first trials evaluate.

It is chosen once, when the experiment is created, and stored with it. A restart, a standby coordinator and a
later change or deletion of a source therefore change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hpsearch.space.tree import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStartSource:
    """An earlier search from which points were chosen."""

    exp_key: str  #: its name
    created_at: datetime | None  #: distinguishes it from a later search of the same name
    n_trials: int  #: finished trials of it that the choice learned from


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStartPoint:
    """A point to evaluate, and the trial that it comes from."""

    values: Values  #: in the space of the new experiment
    exp_key: str  #: name of the source
    tid: int  #: number of the trial in the source


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """Where a search starts; without sources if there were none."""

    sources: tuple[WarmStartSource, ...] = ()
    points: tuple[WarmStartPoint, ...] = ()  #: in the order of evaluation
