"""A coordinator's copy of the state of its trials."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats, History
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.standing import Standing, completion
from hpsearch.core.stopping.forecast import Forecast
from hpsearch.core.trial import FINISHED, State, Trial, is_unreadable
from hpsearch.space.distribution import SLACK, Categorical, Distribution, Integer
from hpsearch.space.tree import Space, Values


@dataclass(frozen=True, slots=True)
class _Deferred:
    """A final trial that counts as open until the history may contain it."""

    point: Trial  #: only the fields needed for learning
    is_learnable: bool  #: whether it enters the history at all


class TrialState:
    """The open trials, the history of the finished ones, the best, and the counts.

    Parameters
    ----------
    space : Space
        The search space.
    trials : iterable of Trial
        All trials of the experiment so far, by number; only their points and outcomes are kept.
    lag : int, optional
        Defer final trials, so that trial n learns from all trials before ``n - lag``, in order of number. By
        default a trial enters the history as soon as it has finished.
    outcomes : Outcomes, optional
        Several objectives, or limits.
    """

    def __init__(
        self,
        space: Space,
        trials: Iterable[Trial] = (),
        lag: int | None = None,
        outcomes: Outcomes | None = None,
    ) -> None:
        self.lag = lag
        self._deferred: dict[int, _Deferred] = {}
        self.history = History(space, outcomes)  #: finished trials as columns
        self.open: dict[int, Values] = {}  #: points of the open trials, by tid
        self.n_outside_space = 0  #: trials whose values were altered to be no point of the space
        self._ranges = {p.label: _range(p.distribution) for p in space.parameters}
        self.n_final = dict.fromkeys((state for state in State if state.is_final), 0)
        self.standing = Standing(outcomes)  #: the best trial or the front
        self.last_failure: Trial | None = None
        self.n_invalid = 0  #: finished trials that a user marked; they are in no count, and not learned from
        self.next_tid = 0
        self._forecasts: Mapping[int, Forecast] = {}
        self._learn(trials)

    @property
    def n_finished(self) -> int:
        """Trials that count towards the budget."""
        return sum(self.n_final[state] for state in FINISHED)

    @property
    def best(self) -> Trial | None:
        """The best trial; None with several objectives."""
        return self.standing.best

    @property
    def counted_losses(self) -> Floats:
        """(n,) array: the losses that trials returned; NaN where there is none, or a limit is exceeded."""
        return np.where(self.history.within_limits, self.history.measured, np.nan)

    @property
    def pending(self) -> list[Values]:
        """The points of the open and deferred trials, by number."""
        return self._pending_without({})

    def set_forecasts(self, forecasts: Mapping[int, Forecast]) -> None:
        """Set the predicted losses of pruned and running trials, by number; of others they are not used."""
        self._forecasts = forecasts

    @property
    def known(self) -> tuple[History, list[Values]]:
        """What a suggester learns from: a history, and the pending points.

        Without forecasts, these are ``history`` and ``pending``. A running trial with a forecast is in the
        history with its predicted loss, and not pending.
        """
        if not self._forecasts:
            return self.history, self.pending
        running = {
            tid: values
            for tid, values in sorted(self.open.items())
            if tid in self._forecasts and self._is_point(values)
        }
        return self.history.with_predicted(self._forecasts, running), self._pending_without(running)

    @property
    def first_open(self) -> int:
        """The lowest number of an open trial; the next number if none is open."""
        return min(self.open, default=self.next_tid)

    def add_open(self, trials: Iterable[Trial]) -> None:
        """Add trials that are pending or running."""
        for trial in trials:
            self.open[trial.tid] = trial.values
            self.next_tid = max(self.next_tid, trial.tid + 1)

    def add_final(self, trials: Iterable[Trial]) -> None:
        """Move trials that became final into the history, in the order in which they finished."""
        for trial in sorted(trials, key=completion):
            is_learnable = self._count_final(trial)
            if self.lag is not None:
                self._deferred[trial.tid] = _Deferred(trial.point(), is_learnable)
            elif is_learnable:
                self.history.add(trial)

    def learn_before(self, tid: int) -> None:
        """Move the deferred trials below a number into the history, in order of number."""
        for ready in sorted(deferred for deferred in self._deferred if deferred < tid):
            one = self._deferred.pop(ready)
            if one.is_learnable:
                self.history.add(one.point)

    def set_lag(self, lag: int | None) -> None:
        """Change the lag; without one, move all deferred trials into the history."""
        self.lag = lag
        if lag is None:
            deferred, self._deferred = self._deferred, {}
            for one in sorted(deferred.values(), key=lambda one: completion(one.point)):
                if one.is_learnable:
                    self.history.add(one.point)

    def _learn(self, trials: Iterable[Trial]) -> None:
        """Add all trials one by one, since they may not fit into memory as objects."""
        if self.lag is not None:
            self._learn_in_order(trials, self.lag)
            return
        by_tid = History(self.history.space, self.history.outcomes)
        completions: list[tuple[float, int]] = []
        for trial in trials:
            if not trial.state.is_final:
                self.add_open([trial])
                continue
            if self._count_final(trial):
                by_tid.add(trial)
                completions.append(completion(trial))
        times, tids = np.array(completions).reshape(-1, 2).T
        self.history = by_tid.reordered(np.lexsort((tids, times)))

    def _learn_in_order(self, trials: Iterable[Trial], lag: int) -> None:
        """Add all trials by number, and defer those from which the next trial must not learn."""
        for trial in trials:
            if trial.state.is_final:
                self._deferred[trial.tid] = _Deferred(trial.point(), self._count_final(trial))
            else:
                self.add_open([trial])
            self.learn_before(self.next_tid - lag)

    def _count_final(self, trial: Trial) -> bool:
        """Count a trial that became final; return whether the history may contain it."""
        self.open.pop(trial.tid, None)
        self.next_tid = max(self.next_tid, trial.tid + 1)
        if trial.invalid is not None:
            self.n_invalid += 1
            return False
        self.n_final[trial.state] += 1
        self.standing.add(trial)
        if trial.state is State.FAILED:
            self.last_failure = max(self.last_failure or trial, trial, key=completion)
        if trial.state not in FINISHED or is_unreadable(trial):
            return False
        is_point = self._is_point(trial.values)
        self.n_outside_space += not is_point
        return is_point

    def _pending_without(self, running: Mapping[int, Values]) -> list[Values]:
        deferred = {tid: one.point.values for tid, one in self._deferred.items()}
        waiting = sorted({**self.open, **deferred}.items())
        return [values for tid, values in waiting if tid not in running and self._is_point(values)]

    def _is_point(self, values: Values) -> bool:
        """Whether each value belongs to a parameter and lies in its range."""
        empty_range = (1.0, 0.0)
        for label, value in values.items():
            low, high = self._ranges.get(label, empty_range)
            if not low <= value <= high:
                return False
        return True


def _range(distribution: Distribution) -> tuple[float, float]:
    """Return finite bounds of the possible values, with slack for rounding."""
    match distribution:
        case Categorical():
            return 0, len(distribution.probabilities) - 1
        case Integer():
            return distribution.low, distribution.high - 1
    low, high = distribution.support()
    most = sys.float_info.max
    return max(low - SLACK * abs(low), -most), min(high + SLACK * abs(high), most)
