"""How well early values of trials rank them like their losses do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from hpsearch.core.stopping.curve import RungValue, curve_of
from hpsearch.core.trial import State, Trial

#: Trials without which a correlation says nothing.
_MIN_TRIALS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyRank:
    """The rank correlation between the values at a step and the losses of the same trials."""

    step: float
    correlation: float  #: Spearman's, from -1 to 1
    n_trials: int


class EarlyRanks:
    """Collects the values of done trials at rungs; trials are added one by one, since they may be large."""

    def __init__(self) -> None:
        self._at: dict[float, list[tuple[float, float]]] = defaultdict(list)  # values and losses, by step

    def add(self, trial: Trial) -> None:
        """Add a trial; only valid done ones with reports count."""
        if trial.state is not State.DONE or trial.invalid is not None or trial.loss is None:
            return
        rungs: Sequence[RungValue] = curve_of((report.step, report.value) for report in trial.reports).rungs
        for rung in rungs:
            self._at[rung.step].append((rung.value, trial.loss))

    def correlations(self) -> tuple[EarlyRank, ...]:
        """Return the correlation at each step that enough trials have reached, in order of steps.

        Where higher values are better, they fall as the losses rise: all signs are turned so that the
        correlation at the last step is not negative.
        """
        found = []
        for step, pairs in sorted(self._at.items()):
            values, losses = np.array(pairs).T
            if len(pairs) >= _MIN_TRIALS and np.ptp(rankdata(values)) > 0 and np.ptp(rankdata(losses)) > 0:
                r = float(np.corrcoef(rankdata(values), rankdata(losses))[0, 1])
                found.append(EarlyRank(step=step, correlation=r, n_trials=len(pairs)))
        sign = -1.0 if found and found[-1].correlation < 0 else 1.0
        return tuple(
            EarlyRank(step=one.step, correlation=sign * one.correlation, n_trials=one.n_trials)
            for one in found
        )
