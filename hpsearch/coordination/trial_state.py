"""What a coordinator knows of the trials of its experiment, kept up to date in memory."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import History
from hpsearch.core.trial import FINISHED, State, Trial, is_unreadable
from hpsearch.space.distribution import SLACK, Categorical, Distribution, Integer
from hpsearch.space.tree import Space, Values


@dataclass(frozen=True, slots=True)
class _Held:
    """A final trial that counts as open until its turn comes to be learned from."""

    point: Trial  #: without what nobody learns from
    is_learnable: bool  #: whether it enters the history then


class TrialState:
    """The open trials, and what is worth remembering of the final ones.

    Parameters
    ----------
    space : Space
        The search space.
    trials : iterable of Trial
        All trials of the experiment so far, by number; only their points and outcomes are kept.
    lag : int, optional
        Hold final trials back, to be learned from in order of number: trial n from those before
        ``n - lag``. By default they enter the history at once, in the order in which they finished.
    """

    def __init__(self, space: Space, trials: Iterable[Trial] = (), lag: int | None = None) -> None:
        self.lag = lag
        self._held: dict[int, _Held] = {}
        self.history = History(space)  #: finished trials as columns
        self.open: dict[int, Values] = {}  #: points of the trials that are not known to be final, by tid
        self.n_strange = 0  #: trials whose values are no point of the space: somebody altered them
        self._ranges = {p.label: _range(p.distribution) for p in space.parameters}
        self.n_final = dict.fromkeys((State.DONE, State.FAILED, State.CANCELLED), 0)
        self.best: Trial | None = None  #: the done trial with the lowest loss, the earliest of equals
        self.last_failure: Trial | None = None
        self.next_tid = 0
        self._learn(trials)

    @property
    def n_finished(self) -> int:
        """Trials that count towards the budget."""
        return self.n_final[State.DONE] + self.n_final[State.FAILED]

    @property
    def pending(self) -> list[Values]:
        """The points of the open trials and of those held back, by number, as a suggester takes them."""
        waiting = {**self.open, **{tid: held.point.values for tid, held in self._held.items()}}
        return [values for _, values in sorted(waiting.items()) if self._is_point(values)]

    @property
    def first_open(self) -> int:
        """The lowest number of an open trial; the next one to be given if none is open."""
        return min(self.open, default=self.next_tid)

    def add_open(self, trials: Iterable[Trial]) -> None:
        """Take note of trials that are pending or running."""
        for trial in trials:
            self.open[trial.tid] = trial.values
            self.next_tid = max(self.next_tid, trial.tid + 1)

    def add_final(self, trials: Iterable[Trial]) -> None:
        """Move trials that are final now into the history, in the order in which they finished."""
        for trial in sorted(trials, key=_completion):
            is_learnable = self._close(trial)
            if self.lag is not None:
                self._hold(trial, is_learnable)
            elif is_learnable:
                self.history.add(trial)

    def learn_before(self, tid: int) -> None:
        """Move trials that were held back into the history, up to a number, in order of number."""
        for ready in sorted(held for held in self._held if held < tid):
            held = self._held.pop(ready)
            if held.is_learnable:
                self.history.add(held.point)

    def set_lag(self, lag: int | None) -> None:
        """Hold more or fewer trials back from now on; without a lag, learn at once from all that were."""
        self.lag = lag
        if lag is None:
            held, self._held = self._held, {}
            for one in sorted(held.values(), key=lambda one: _completion(one.point)):
                if one.is_learnable:
                    self.history.add(one.point)

    def _hold(self, trial: Trial, is_learnable: bool) -> None:
        """Keep what a trial is learned from later; its result may be large."""
        point = Trial(
            exp_key=trial.exp_key,
            tid=trial.tid,
            values=trial.values,
            state=trial.state,
            loss=trial.loss,
            finished_at=trial.finished_at,
        )
        self._held[trial.tid] = _Held(point, is_learnable)

    def _learn(self, trials: Iterable[Trial]) -> None:
        """Take in all trials one by one, since there may be more than fit into memory as trials."""
        if self.lag is not None:
            self._learn_in_order(trials, self.lag)
            return
        came = History(self.history.space)
        completions: list[tuple[float, int]] = []
        for trial in trials:
            if not trial.state.is_final:
                self.add_open([trial])
                continue
            if self._close(trial):
                came.add(trial)
                completions.append(_completion(trial))
        times, tids = np.array(completions).reshape(-1, 2).T
        self.history = came.reordered(np.lexsort((tids, times)))

    def _learn_in_order(self, trials: Iterable[Trial], lag: int) -> None:
        """Take in all trials by number, and hold back what the next one is not to learn from."""
        for trial in trials:
            if trial.state.is_final:
                self._hold(trial, self._close(trial))
            else:
                self.add_open([trial])
            self.learn_before(self.next_tid - lag)

    def _close(self, trial: Trial) -> bool:
        """Count a trial that is final now; return whether it is one to learn from."""
        self.open.pop(trial.tid, None)
        self.next_tid = max(self.next_tid, trial.tid + 1)
        self.n_final[trial.state] += 1
        if trial.state is State.FAILED:
            self.last_failure = max(self.last_failure or trial, trial, key=_completion)
        elif trial.state is State.DONE:
            self.best = min(self.best or trial, trial, key=_merit)
        if trial.state not in FINISHED or is_unreadable(trial):
            return False
        is_point = self._is_point(trial.values)
        self.n_strange += not is_point
        return is_point

    def _is_point(self, values: Values) -> bool:
        """Whether each value is one of a parameter, in its range."""
        nowhere = (1.0, 0.0)
        for label, value in values.items():
            low, high = self._ranges.get(label, nowhere)
            if not low <= value <= high:
                return False
        return True


def _range(distribution: Distribution) -> tuple[float, float]:
    """Return the bounds of the values that can occur, with slack for rounding, all of them finite."""
    match distribution:
        case Categorical():
            return 0, len(distribution.probabilities) - 1
        case Integer():
            return distribution.low, distribution.high - 1
    low, high = distribution.support()
    most = sys.float_info.max
    return max(low - SLACK * abs(low), -most), min(high + SLACK * abs(high), most)


def _completion(trial: Trial) -> tuple[float, int]:
    """Sort finished trials by when they finished, those that finished together by number."""
    return math.inf if trial.finished_at is None else trial.finished_at.timestamp(), trial.tid


def _merit(trial: Trial) -> tuple[float, float, int]:
    """Sort done trials by loss, equals by when they finished."""
    assert trial.loss is not None  # the state is done
    return trial.loss, *_completion(trial)
