"""What a coordinator knows of the trials of its experiment, kept up to date in memory."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime

from hpsearch.history import History
from hpsearch.space.distribution import SLACK, Categorical, Distribution, Integer
from hpsearch.space.tree import Space, Values
from hpsearch.trial import FINISHED, State, Trial, is_unreadable

_NEVER = datetime.max.replace(tzinfo=UTC)


class Ledger:
    """The open trials, and what is worth remembering of the final ones.

    Parameters
    ----------
    space : Space
        The search space.
    trials : iterable of Trial
        All trials of the experiment so far.
    """

    def __init__(self, space: Space, trials: Iterable[Trial] = ()) -> None:
        self.history = History(space)  #: finished trials as columns
        self.open: dict[int, Values] = {}  #: points of the trials that are not known to be final, by tid
        self.n_strange = 0  #: trials whose values are no point of the space: somebody altered them
        self._ranges = {p.label: _range(p.distribution) for p in space.parameters}
        self.n_final = dict.fromkeys((State.DONE, State.FAILED, State.CANCELLED), 0)
        self.best: Trial | None = None  #: the done trial with the lowest loss, the earliest of equals
        self.last_failure: Trial | None = None
        self.next_tid = 0
        known = list(trials)
        self.add_open(t for t in known if not t.state.is_final)
        self.add_final(t for t in known if t.state.is_final)

    @property
    def n_finished(self) -> int:
        """Trials that count towards the budget."""
        return self.n_final[State.DONE] + self.n_final[State.FAILED]

    @property
    def pending(self) -> list[Values]:
        """The points of the open trials, as a suggester takes them."""
        return [values for values in self.open.values() if self._is_point(values)]

    def add_open(self, trials: Iterable[Trial]) -> None:
        """Take note of trials that are pending or running."""
        for trial in trials:
            self.open[trial.tid] = trial.values
            self.next_tid = max(self.next_tid, trial.tid + 1)

    def add_final(self, trials: Iterable[Trial]) -> None:
        """Move trials that are final now into the history, in the order in which they finished."""
        for trial in sorted(trials, key=lambda t: (t.finished_at or _NEVER, t.tid)):
            self.open.pop(trial.tid, None)
            self.next_tid = max(self.next_tid, trial.tid + 1)
            self.n_final[trial.state] += 1
            if trial.state not in FINISHED:
                continue
            if self._is_point(trial.values) and not is_unreadable(trial):
                self.history.add(trial)
            elif not is_unreadable(trial):
                self.n_strange += 1
            if trial.state is State.FAILED:
                self.last_failure = trial
            elif self.best is None or _loss(trial) < _loss(self.best):
                self.best = trial

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


def _loss(trial: Trial) -> float:
    assert trial.loss is not None  # the state is done
    return trial.loss
