"""Counts of what the slots of one worker have done."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from hpsearch.core.worker import Worker, WorkerState
from hpsearch.runtime.health.durations import TRIAL_BOUNDS_S, Durations


class Outcome(StrEnum):
    """What happened to a trial on the worker that had claimed it."""

    DONE = "done"  #: it has a loss
    FAILED = "failed"  #: it has no loss
    PRUNED = "pruned"  #: it was stopped early
    CANCELLED = "cancelled"  #: the result is no longer needed
    RELEASED = "released"  #: it was given back
    LOST = "lost"  #: its lease was lost
    NOT_BEGUN = "not_begun"  #: it was given back at once, since the search is paused or has ended


class Tally:
    """Counts trials across the threads of a worker.

    Parameters
    ----------
    worker : Worker
        The worker as it starts.
    max_trials : int, optional
        Trials that may be claimed in all.
    claim_for_s : float, optional
        Seconds after which no more trials are claimed.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        worker: Worker,
        max_trials: int | None = None,
        claim_for_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._idle_since = clock()
        self._claim_until = math.inf if claim_for_s is None else self._idle_since + claim_for_s
        self._lock = threading.Lock()
        self._worker = worker
        self._n_left = math.inf if max_trials is None else max_trials
        self._n_busy = 0
        self._outcomes: Counter[Outcome] = Counter()
        self.n_consecutive_failures = 0  #: failed trials since the last done one
        self.claiming = Durations()  #: requests for a trial, outages included
        self.finishing = Durations()  #: writes of a result, outages included
        self.evaluating = Durations(TRIAL_BOUNDS_S)  #: completed evaluations

    def worker(self, *, is_draining: bool = False) -> Worker:
        """Return the worker as it is now."""
        with self._lock:
            state = WorkerState.BUSY if self._n_busy else WorkerState.IDLE
            return replace(self._worker, state=WorkerState.DRAINING if is_draining else state)

    @property
    def n_busy(self) -> int:
        """Slots that hold a trial."""
        return self._n_busy

    def outcomes(self) -> Mapping[Outcome, int]:
        """Return the number of trials with each outcome, zeros included."""
        with self._lock:
            return {outcome: self._outcomes[outcome] for outcome in Outcome}

    def idle_s(self) -> float:
        """Return the seconds for which no slot has held a trial."""
        with self._lock:
            return 0.0 if self._n_busy else self._clock() - self._idle_since

    def reserve_trial(self) -> bool:
        """Reserve one claim; return False if none, or no time, is left."""
        with self._lock:
            if self._n_left == 0 or self._clock() >= self._claim_until:
                return False
            self._n_left -= 1
            return True

    def return_reservation(self) -> None:
        """Return a reserved claim that found no trial."""
        with self._lock:
            self._n_left += 1

    def begin(self) -> None:
        """Count a claimed trial."""
        with self._lock:
            self._n_busy += 1

    def end(self, outcome: Outcome | None) -> None:
        """Count the end of a trial; the outcome is None if the database did not answer."""
        with self._lock:
            self._n_busy -= 1
            self._idle_since = self._clock()
            if outcome is None:
                return
            self._outcomes[outcome] += 1
            if outcome is Outcome.DONE:
                self._worker = replace(self._worker, n_done=self._worker.n_done + 1)
                self.n_consecutive_failures = 0
            elif outcome is Outcome.PRUNED:
                self.n_consecutive_failures = 0
            elif outcome is Outcome.FAILED:
                self._worker = replace(self._worker, n_failed=self._worker.n_failed + 1)
                self.n_consecutive_failures += 1
