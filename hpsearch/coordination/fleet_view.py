"""A coordinator's copy of the experiment, its workers and the store's clock: what changes slowly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from hpsearch.coordination import plan
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.worker import Worker, free_slots, has_left_idle, is_alive
from hpsearch.errors import NotFoundError
from hpsearch.store.protocol import TrialStore

#: Seconds between two reads, and their maximum: a large fleet, which takes long to read, is read less often.
_REFRESH_S, _MAX_REFRESH_S = 0.5, 5.0

#: The largest difference between the store's time and the expected time that is no step, in seconds.
_STEP_S = 1.0


class FleetView:
    """An experiment, the workers that serve it, and the store's clock, as last read.

    Parameters
    ----------
    store : TrialStore
        Holds the experiment.
    experiment : Experiment
        As ``store.open_experiment`` returned it.
    clock : callable
        Monotonic seconds.

    Attributes
    ----------
    experiment : Experiment
        Its current version.
    workers : tuple of Worker
        Live workers that serve it.
    n_left_idle : int
        Workers that joined since it was started, and left without a result.
    steady_since : float
        Time by ``clock`` of the last step of the store's clock.

    Raises
    ------
    NotFoundError
        If the experiment was deleted.
    """

    def __init__(self, store: TrialStore, experiment: Experiment, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self.experiment = experiment
        self.workers: tuple[Worker, ...] = ()
        self.n_left_idle = 0
        self._rivals: Mapping[str, int] = {}  # priorities of the experiments that share the workers
        self._store_time, self._read_at = store.now(), clock()
        self.steady_since = self._read_at
        self.refresh()

    def refresh_if_due(self) -> None:
        """Read everything again unless that was done a moment ago; raises as ``refresh``."""
        if self._clock() >= self._refresh_due:
            self.refresh()

    def refresh(self) -> None:
        """Read everything again; raises as ``refresh_experiment``."""
        asked_at = self._clock()
        self.refresh_experiment()
        self.read_clock()
        serving = [w for w in self._store.workers() if w.serves(self.experiment.exp_key)]
        self.workers = tuple(w for w in serving if is_alive(w, self._store_time))
        self.n_left_idle = sum(has_left_idle(w, self.experiment.started_at) for w in serving)
        self._rivals = self._read_rivals()
        cost_s = self._clock() - asked_at
        self._refresh_due = asked_at + max(_REFRESH_S, min(plan.pause_after(cost_s), _MAX_REFRESH_S))

    def n_free(self, n_running: int) -> int:
        """Return how many free slots will take a trial, while ``n_running`` trials run."""
        return free_slots(self.workers, self.experiment.exp_key, self._rivals, n_running)

    def refresh_experiment(self) -> None:
        """Read the experiment again.

        Raises
        ------
        NotFoundError
            If it was deleted, or re-created under the same name.
        """
        experiment = self._store.experiment(self.experiment.exp_key)
        if experiment.identity != self.experiment.identity:
            raise NotFoundError(
                f"The experiment {experiment.exp_key!r} was deleted and re-created; start this command again "
                "to join the new one."
            )
        self.experiment = experiment

    def _read_rivals(self) -> Mapping[str, int]:
        """Return the priorities of the experiments that share workers with this one; empty if none does."""
        me = self.experiment.exp_key
        if all(worker.exp_keys == (me,) for worker in self.workers):
            return {}
        running = self._store.experiments({ExperimentState.RUNNING}, omit_space=True)
        return {e.exp_key: e.priority for e in running if e.exp_key == me or e.is_led(self._store_time)}

    def read_clock(self) -> None:
        """Read the store's time, and note a step: a fail-over or a corrected clock may cause one."""
        expected, asked_at = self.now(), self._clock()
        self._store_time, self._read_at = self._store.now(), self._clock()
        ahead_s = (self._store_time - expected).total_seconds()
        if not -_STEP_S <= ahead_s <= self._read_at - asked_at + _STEP_S:
            self.steady_since = self._read_at

    def now(self) -> datetime:
        """Return the store's time, extrapolated from the last read."""
        return self._store_time + timedelta(seconds=self._clock() - self._read_at)
