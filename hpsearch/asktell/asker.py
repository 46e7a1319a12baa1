"""Claims the trials of one search, and leads it for the moment of a claim if no coordinator does."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import uuid4

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.trial import State, Trial
from hpsearch.core.worker import Worker
from hpsearch.errors import NotFoundError, StorePermissionError, StoreUnavailableError
from hpsearch.space.tree import Space
from hpsearch.store.protocol import TrialStore

if TYPE_CHECKING:
    from hpsearch.coordination.coordinator import Coordinator

#: Seconds to wait after the first fruitless round, the growth of this wait, and its maximum.
_FIRST_WAIT_S, _WAIT_GROWTH, _MAX_WAIT_S = 0.01, 1.5, 1.0


class NoTrial(StrEnum):
    """Why there is no trial to ask for."""

    SPENT = "spent"  #: a limit has ended the search
    STOPPED = "stopped"  #: a user has
    PAUSED = "paused"  #: a user paused it
    BUSY = "busy"  #: the trials that are left run elsewhere, or are held by the caller

    @property
    def is_over(self) -> bool:
        """Whether the search has ended."""
        return self in {NoTrial.SPENT, NoTrial.STOPPED}


#: Why an experiment in a state has no trials to ask for.
_REASONS = {
    ExperimentState.DONE: NoTrial.SPENT,
    ExperimentState.STOPPED: NoTrial.STOPPED,
    ExperimentState.PAUSED: NoTrial.PAUSED,
}


class Asker:
    """Claims trials of one experiment.

    Parameters
    ----------
    store : TrialStore
        Holds the experiment.
    experiment : Experiment
        As the store returned it.
    space : Space
        Its space.
    describe : callable
        Returns the registry entry under which this process claims.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        store: TrialStore,
        experiment: Experiment,
        space: Space,
        describe: Callable[[], Worker],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._space, self._describe, self._clock = store, space, describe, clock
        self._experiment = experiment
        self._coordinator: Coordinator | None = None
        self._progress: Progress | None = None  # at the last round as a coordinator

    @property
    def experiment(self) -> Experiment:
        """The experiment as last read."""
        return self._experiment

    def ask(self, until: float, n_held: int = 0) -> Trial | NoTrial:
        """Claim a trial, and wait for one if all that the budget allows are open.

        Parameters
        ----------
        until : float
            When to give up, by the clock; infinity waits until the search ends.
        n_held : int
            Trials that the caller holds. If there are no other open ones, waiting is useless.

        Raises
        ------
        NotFoundError
            If the search was deleted, or re-created under the same name.
        ConfigurationError
            If no coordinator leads, and only the script that began the search can suggest its trials.
        """
        wait_s = _FIRST_WAIT_S
        while True:
            found = self._round()
            if isinstance(found, Trial) or found.is_over:
                return found
            left_s = until - self._clock()
            if left_s <= 0 or (found is NoTrial.BUSY and self._waits_for_caller(n_held)):
                return found
            self._store.wait_for_change(self._experiment.exp_key, min(wait_s, left_s))
            wait_s = min(wait_s * _WAIT_GROWTH, _MAX_WAIT_S)

    def end_if_over(self) -> None:
        """End the search if a limit is reached and no trial is running."""
        self._read()
        if not self._experiment.state.is_over:
            self._lead()

    def _round(self) -> Trial | NoTrial:
        """Claim a trial; if none is pending, suggest one first."""
        self._read()
        found = self._claim()
        if found is NoTrial.BUSY:
            found = self._lead()
        return self._claim() if found is NoTrial.BUSY else found

    def _read(self) -> None:
        found = self._store.experiment(self._experiment.exp_key)
        if found.identity != self._experiment.identity:
            raise NotFoundError(
                f"The experiment {found.exp_key!r} was deleted and re-created; "
                "open it again to join the new one."
            )
        self._experiment = found

    def _claim(self) -> Trial | NoTrial:
        reason = _REASONS.get(self._experiment.state)
        if reason is not None:
            return reason
        trial = self._store.claim(self._describe(), uuid4().hex, [self._experiment.exp_key])
        if trial is None:
            return NoTrial.BUSY
        if self._store.is_running(self._experiment):
            return trial
        self._store.unclaim(trial)  # it was paused or stopped meanwhile
        self._read()
        return _REASONS.get(self._experiment.state, NoTrial.BUSY)

    def _lead(self) -> NoTrial:
        """Do one round of a coordinator, unless another process leads; return why there may be no trial."""
        from hpsearch.coordination.coordinator import Coordinator  # slow to import

        if self._coordinator is None:
            self._coordinator = Coordinator(
                self._store, self._experiment, self._clock, space=self._space, queue_depth=1
            )
        try:
            self._progress = self._coordinator.tick()
            if not self._coordinator.is_over():
                return NoTrial.BUSY
            # Trials that others hold may still finish; the next ask after the last one ends the search.
            self._store.cancel(self._experiment.exp_key, {State.PENDING})
            if not self._progress.counts[State.RUNNING]:
                self._coordinator.wind_down(0.0)
            return NoTrial.SPENT
        finally:
            # Without the database the leadership expires.
            with suppress(StoreUnavailableError, StorePermissionError):
                self._coordinator.resign()

    def _waits_for_caller(self, n_held: int) -> bool:
        """Whether the caller holds all open trials, so that only its results lead to another one."""
        if n_held == 0 or self._progress is None or self._progress.is_standby:
            return False
        counts = self._progress.counts
        return (counts[State.PENDING], counts[State.RUNNING]) == (0, n_held)
