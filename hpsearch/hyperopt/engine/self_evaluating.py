"""The driver of a search whose trials others evaluate: threads, processes or a service of a library.

The library sees new documents where it hooks into ``Trials``, evaluates them, and writes what came
of them into the documents. This process fills the queue, looks at the documents from time to time,
and stops by the limits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

from hpsearch.hyperopt.engine.documents import JOB_STATE_NEW, JOB_STATE_RUNNING
from hpsearch.hyperopt.engine.rounds import Ending
from hpsearch.runtime.events import Event

logger = logging.getLogger(__name__)

#: Seconds in which no trial leaves the queue, after which a script learns of it.
_IDLE_S = 20.0


class Queue(Protocol):
    """The trials of a search that others evaluate."""

    @property
    def poll_s(self) -> float:
        """Seconds between two looks at them."""
        ...

    @property
    def is_exhausted(self) -> bool:
        """Whether there are no more points to ask for."""
        ...

    @property
    def is_cancelled(self) -> bool:
        """Whether the search was ended from outside, or by the rule of the user."""
        ...

    def ask(self, n: int) -> int:
        """Fill the queue with up to ``n`` new trials; return how many."""
        ...

    def n_in(self, *states: int) -> int:
        """Return how many trials are in these states now."""
        ...

    def best_loss(self) -> float | None:
        """Return the lowest loss so far."""
        ...

    def is_stopped(self) -> bool:
        """Look at the trials; whether a rule of the user's ends the search."""
        ...


def search_elsewhere(
    queue: Queue,
    *,
    n_new: int,
    is_waiting: bool,
    timeout_s: float | None,
    loss_threshold: float | None,
    clock: Callable[[], float],
) -> Ending:
    """Keep the queue filled until all new trials were queued, or a limit is reached.

    Parameters
    ----------
    queue : Queue
        The trials.
    n_new : int
        New trials in all.
    is_waiting : bool
        Whether to go on looking, and minding the limits, until no trial is open.
    timeout_s, loss_threshold : float, optional
        Seconds after which no trial is queued, and a loss below which none is.
    clock : callable
        The time in seconds, which never goes back.

    Returns
    -------
    Ending
        The limit that was met. Trials may be open then, and nothing ends them.
    """
    started, n_asked, idle = clock(), 0, _IdleQueue(clock)
    while n_asked < n_new or (is_waiting and _n_open(queue)):
        best_loss = queue.best_loss()
        if loss_threshold is not None and best_loss is not None and best_loss < loss_threshold:
            return Ending.LOSS_THRESHOLD
        if timeout_s is not None and clock() - started >= timeout_s:
            return Ending.TIMEOUT
        n_asked += queue.ask(n_new - n_asked)
        if queue.is_cancelled:
            return Ending.STOPPED
        time.sleep(queue.poll_s)
        idle.look(queue)
        if queue.is_stopped():
            return Ending.STOPPED
        if queue.is_exhausted:
            return Ending.NO_MORE_POINTS
    return Ending.MAX_EVALS


def wait_until_done(queue: Queue) -> None:
    """Wait until no trial is open."""
    idle = _IdleQueue(time.monotonic)
    while _n_open(queue):
        time.sleep(queue.poll_s)
        idle.look(queue)


class _IdleQueue:
    """Notices that trials wait and are not evaluated: a search that waits for ever should say so."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since, self._n_new, self._is_reported = clock(), 0, False

    def look(self, queue: Queue) -> None:
        """Warn once when the same trials wait for long, and none is under evaluation."""
        n_new = queue.n_in(JOB_STATE_NEW)
        if n_new == 0 or n_new != self._n_new or self._is_reported or _n_open(queue) > n_new:
            self._n_new, self._since = n_new, self._clock()
        elif self._clock() - self._since >= _IDLE_S:
            self._is_reported = True
            logger.warning(
                "%d trials wait, and none was begun for %.0f s: these trials are asynchronous, so whatever "
                "evaluates them must change their state; use Trials() to evaluate them in this process",
                n_new,
                _IDLE_S,
                extra=Event.NONE_EVALUATED.of(n_trials=n_new),
            )


def _n_open(queue: Queue) -> int:
    return queue.n_in(JOB_STATE_NEW, JOB_STATE_RUNNING)
