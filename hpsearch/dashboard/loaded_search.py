"""A search in the memory of the server: read once, then kept up to date with what has changed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from hpsearch.coordination.progress import Progress
from hpsearch.coordination.trial_state import TrialState
from hpsearch.core.experiment import Experiment
from hpsearch.core.history import History
from hpsearch.core.trial import FINISHED, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.dashboard.columns import TrialColumns, put_all
from hpsearch.report.explain_text import Explanation
from hpsearch.report.explanation import explanation_of
from hpsearch.report.failures import failure_text
from hpsearch.report.numbers.importance import loss_surrogate
from hpsearch.report.numbers.surrogate import Surrogate
from hpsearch.report.plotdata.kinds import Need
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.progress_reading import read_progress
from hpsearch.report.read_search import with_model
from hpsearch.report.summary import progress_of
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore

#: The last failed trials that are kept in full.
MAX_FAILED = 2_000
#: Numbers behind the last known trial that are looked for at a time.
_AHEAD = 200
#: The open trials.
_OPEN = frozenset({State.PENDING, State.RUNNING})
#: By how much the finished trials must grow before they are explained again.
_EXPLAIN_GROWTH = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Insight:
    """What takes seconds to compute."""

    n_trials: int  #: finished trials that it comes from
    explanation: Explanation
    pictures: SearchData  #: with importance, effects and the surface of a contour
    surrogate: Surrogate | None  #: the model that they come from


class LoadedSearch:
    """The trials of one search as columns; threads may share it.

    Parameters
    ----------
    store : TrialStore
        Where to read.
    experiment : Experiment
        The search.

    Attributes
    ----------
    experiment : Experiment
        Its last known version.
    version : int
        Grows with each change of its trials or its state.
    """

    def __init__(self, store: TrialStore, experiment: Experiment) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._explaining = threading.Lock()
        self._insight: Insight | None = None
        self.experiment = experiment
        self.version = 0
        self._read_all(experiment)

    def refresh(self) -> bool:
        """Read what has changed; return whether anything did.

        Raises
        ------
        NotFoundError
            If the search was deleted.
        """
        with self._lock:
            experiment = self._store.experiment(self.experiment.exp_key)
            if (experiment.identity, experiment.revision) != (
                self.experiment.identity,
                self.experiment.revision,
            ):
                self._read_all(experiment)
                return True
            has_moved = self._read_changes()
            if has_moved or _shown(experiment) != _shown(self.experiment):
                self.version += 1
                has_moved = True
            self.experiment = experiment
            return has_moved

    @property
    def columns(self) -> TrialColumns:
        """All its trials."""
        return self._columns

    @property
    def running(self) -> list[Trial]:
        """The running trials."""
        return [trial for trial in self._open.values() if trial.state is State.RUNNING]

    @property
    def failed(self) -> list[Trial]:
        """The last failed trials that count, newest first."""
        with self._lock:
            return [trial for _, trial in sorted(self._failed.items(), reverse=True)]

    def history(self) -> History:
        """Return a copy of the finished trials, for computations that last."""
        with self._lock:
            history = self._state.history
            return history.reordered(np.arange(len(history)))

    def trials(self, tids: Iterable[int]) -> list[Trial]:
        """Return trials in full, in the given order; those that changed just now are left out."""
        wanted = list(tids)
        with self._lock:
            found = {tid: self._open[tid] for tid in wanted if tid in self._open}
        final = self._store.finished(self.experiment.exp_key, [tid for tid in wanted if tid not in found])
        found |= {trial.tid: trial for trial in final}
        return [found[tid] for tid in wanted if tid in found]

    def progress(self, workers: Sequence[Worker]) -> Progress:
        """Return its progress.

        Parameters
        ----------
        workers : sequence of Worker
            The registry of workers.
        """
        with self._lock:
            losses = self._state.counted_losses
            experiment, standing = self.experiment, self._state.standing
        summary = self._store.summaries([experiment.exp_key])[experiment.exp_key]
        return progress_of(experiment, summary, workers, self._store.now(), losses, standing)

    @property
    def insight(self) -> Insight | None:
        """What ``explain`` computed last."""
        return self._insight

    def arrays(self) -> SearchArrays:
        """Return all trials as pictures need them."""
        with self._lock:
            return self._columns.arrays(self.experiment.exp_key, self.experiment.goal)

    def needs_explanation(self) -> bool:
        """Whether enough trials have finished since the last explanation."""
        if self._insight is None:
            return True
        n, before = len(self._state.history), self._insight.n_trials
        return n != before and (n > (1 + _EXPLAIN_GROWTH) * before or self.experiment.state.is_over)

    def explain(self) -> None:
        """Explain the search; takes seconds. Calls at the same time do nothing."""
        if not self._explaining.acquire(blocking=False):
            return
        try:
            history, experiment = self.history(), self.experiment
            surrogate = loss_surrogate(history)
            [progress] = read_progress(self._store, [experiment], with_forecast=True)
            trials = self._store.trials(experiment.exp_key, states=FINISHED)
            pictures = SearchData(arrays=self.arrays())
            self._insight = Insight(
                n_trials=len(history),
                explanation=explanation_of(progress, history, trials, surrogate=surrogate),
                pictures=with_model(pictures, history, experiment.seed, [*Need], surrogate=surrogate),
                surrogate=surrogate,
            )
        finally:
            self._explaining.release()

    def _read_all(self, experiment: Experiment) -> None:
        key, space = experiment.exp_key, Space.from_json(experiment.space)
        columns = TrialColumns(space, experiment.outcomes)
        points = put_all(columns, self._store.points(key))
        state = TrialState(space, points, outcomes=experiment.outcomes)
        with self._lock:
            self.experiment, self._columns, self._state = experiment, columns, state
            self._open: dict[int, Trial] = {}
            self._failed: dict[int, Trial] = {}
            self._keep_failed(self._store.trials(key, states={State.FAILED}, sort="newest", limit=MAX_FAILED))
            self._read_changes()
            self.version += 1

    def _read_changes(self) -> bool:
        """Read open trials, and those that became final; return whether anything changed."""
        key = self.experiment.exp_key
        is_open = {trial.tid: trial for trial in self._store.trials(key, states=_OPEN)}
        known = self._state.open.keys()
        gone = [tid for tid in known if tid not in is_open]
        final = [*self._store.finished(key, gone), *self._unknown(is_open)]
        has_changed = bool(final) or _claims(is_open) != _claims(self._open)
        for trial in (*is_open.values(), *final):
            self._columns.put(trial)
        self._state.add_open(is_open.values())
        self._state.add_final(final)
        self._keep_failed(final)
        self._open = is_open
        return has_changed

    def _unknown(self, is_open: dict[int, Trial]) -> Iterator[Trial]:
        """Yield final trials that are newer than all known ones."""
        newest = max(is_open, default=-1)
        for start in count(self._state.next_tid, _AHEAD):
            numbers = [tid for tid in range(start, start + _AHEAD) if tid not in is_open]
            found = self._store.finished(self.experiment.exp_key, numbers)
            yield from found
            if not found and start + _AHEAD > newest:
                return

    def _keep_failed(self, trials: Iterable[Trial]) -> None:
        for trial in trials:
            if trial.state is State.FAILED and trial.invalid is None:
                self._failed[trial.tid] = trial
                self._columns.errors[trial.tid] = failure_text(trial).casefold()
        for tid in sorted(self._failed)[:-MAX_FAILED]:
            del self._failed[tid]


def _claims(trials: dict[int, Trial]) -> dict[int, tuple[State, int, int]]:
    """Return what a page shows of open trials, without the times of their leases."""
    return {tid: (trial.state, trial.attempt, len(trial.reports)) for tid, trial in trials.items()}


def _shown(experiment: Experiment) -> tuple[object, ...]:
    """Return what a page shows of an experiment, without the times of its coordinator's lease."""
    is_led = experiment.led_until is not None
    return experiment.state, experiment.ended_why, experiment.budget, experiment.priority, is_led
