"""Rules that rank trials at rungs: ``median``, ``asha`` and ``hyperband``.

They count every trial that reached the rung, whether it went on, stopped or ended. They assume that a trial's
rank early is its rank in the end, and stop the wrong trials where curves cross.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.core.stopping.curve import RATIO
from hpsearch.core.stopping.decision import share_of
from hpsearch.suggest.stopping.evidence import Evidence
from hpsearch.suggest.stopping.options import require
from hpsearch.suggest.stopping.rung_table import Rungs

#: Largest number of brackets.
_MAX_BRACKETS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Median:
    """Options of ``median``: stop a value worse than the median (Golovin et al. 2017, "Google Vizier")."""

    min_trials: int = 5  #: trials at a rung from which on others are stopped there

    def __post_init__(self) -> None:
        require("median", "min_trials", self.min_trials, above=1, below=math.inf, kind="a number from 1 up")

    def fields(self, known: Evidence) -> dict[str, Any] | None:
        """Return the rule's part of a policy; None before enough trials have reached a rung."""
        rungs = known.table.rungs_below(math.inf if known.end is None else known.end)
        cuts = []
        for column in range(rungs.values.shape[1]):
            values = _values(rungs, column, known.sign)
            if len(values) >= self.min_trials and math.isfinite(cut := float(np.median(values))):
                cuts.append([rungs.first + column, known.sign * cut, len(values)])
        return {"brackets": [{"until": 1.0, "cuts": cuts}], "cut_name": "median"} if cuts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asha:
    """Options of ``asha``: stop what is not among the best at a level.

    Asynchronous successive halving (Li et al. 2020, arXiv 1810.05934) without resuming: at each level, a
    value must be among the best of ``1 / eta`` of those so far, itself included.
    """

    eta: float = 3.0  #: ratio of the levels, and of the trials that pass one

    def __post_init__(self) -> None:
        _require_eta("asha", self.eta)

    def fields(self, known: Evidence) -> dict[str, Any] | None:
        """Return the rule's part of a policy; None before enough trials have reached a level."""
        return _halving(known, self.eta, math.inf if known.end is None else known.end, shares=(1.0,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperband:
    """Options of ``hyperband``: successive halving in brackets, each of which begins one level later.

    The shares of the brackets are those of Li et al. 2018, arXiv 1603.06560, algorithm 1. All trials take
    part from the first one on, each in the bracket that its number says.
    """

    eta: float = 3.0  #: ratio of the levels, and of the trials that pass one

    def __post_init__(self) -> None:
        _require_eta("hyperband", self.eta)

    def fields(self, known: Evidence) -> dict[str, Any] | None:
        """Return the rule's part of a policy; None while the number of brackets is unknown."""
        if known.end is None:
            return None
        n_levels = len(_levels(known.table.rungs_below(known.end), self.eta))
        n = min(_MAX_BRACKETS, n_levels + 1)  # trials of the last bracket run to their end
        counts = [math.ceil(n * self.eta ** (n - 1 - s) / (n - s)) for s in range(n)]
        return _halving(known, self.eta, known.end, shares=[count / sum(counts) for count in counts])


def _halving(known: Evidence, eta: float, end: float, *, shares: Sequence[float]) -> dict[str, Any] | None:
    """Return the cuts of successive halving in brackets with some shares of the trials."""
    rungs = known.table.rungs_below(end)
    levels = _levels(rungs, eta)
    places = np.array([share_of(tid) for tid in known.table.tids.tolist()])
    ends = [*np.cumsum(shares)[:-1].tolist(), 1.0]
    brackets = []
    for s, (begin, until) in enumerate(zip([0.0, *ends], ends, strict=False)):
        mine = Rungs(first=rungs.first, values=rungs.values[(places >= begin) & (places < until)])
        cuts = [cut for column in levels[s:] if (cut := _cut(mine, column, known.sign, eta))]
        brackets.append({"until": until, "cuts": cuts})
    is_empty = not any(bracket["cuts"] for bracket in brackets)
    return None if is_empty else {"brackets": brackets, "cut_name": f"cut for the best 1/{eta:g}"}


def _levels(rungs: Rungs, eta: float) -> range:
    """Return the columns of the levels, whose steps grow about by ``eta``."""
    return range(0, rungs.values.shape[1], max(1, round(math.log(eta) / math.log(RATIO))))


def _cut(rungs: Rungs, column: int, sign: float, eta: float) -> list[float] | None:
    """Return rung, worst value that passes, and number of trials; None if all pass."""
    values = np.sort(_values(rungs, column, sign))
    n_passing = int((len(values) + 1) / eta)
    if not n_passing or not math.isfinite(cut := float(values[n_passing - 1])):
        return None
    return [rungs.first + column, sign * cut, len(values)]


def _require_eta(rule: str, eta: float) -> None:
    require(rule, "eta", eta, above=1.5, below=math.inf, kind="a number from 1.5 up")


def _values(rungs: Rungs, column: int, sign: float) -> Floats:
    """Return the values at a rung, lower is better; diverged ones are ``inf``."""
    values = rungs.values[:, column]
    values = values[~np.isnan(values)]
    return np.where(np.isinf(values), np.inf, sign * values)
