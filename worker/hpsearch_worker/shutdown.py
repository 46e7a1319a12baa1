"""When a worker stops: on request, on an error, or at its time limit."""

from __future__ import annotations

import time
from collections.abc import Callable

from hpsearch.runtime.signals import Interrupt


class Shutdown:
    """First drain (finish running trials, claim no more), then give back what still runs.

    Parameters
    ----------
    interrupt : Interrupt
        The signals that arrived.
    drain_timeout_s : float
        Seconds that running evaluations may take once draining has begun.
    max_runtime_s : float, optional
        Seconds after which draining begins.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        interrupt: Interrupt,
        drain_timeout_s: float,
        max_runtime_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interrupt = interrupt
        self._drain_timeout_s = drain_timeout_s
        self._clock = clock
        self._leave_at = None if max_runtime_s is None else clock() + max_runtime_s
        self._asked_at: float | None = None
        self.error: BaseException | None = None  #: the error that made the worker stop, if any

    def drain(self, error: BaseException | None = None) -> None:
        """Begin to drain."""
        self.error = self.error or error
        self._asked_at = self._asked_at or self._clock()

    def is_draining(self) -> bool:
        """Whether no new trial may be claimed."""
        return self._draining_since() is not None

    def is_time_up(self) -> bool:
        """Whether running trials must be given back."""
        since = self._draining_since()
        return self._interrupt.is_forced or (
            since is not None and self._clock() - since >= self._drain_timeout_s
        )

    def sleep(self, seconds: float) -> None:
        """Sleep until the time has passed or draining begins."""
        end = self._clock() + seconds
        while not self.is_draining() and (left := end - self._clock()) > 0:
            time.sleep(min(left, 0.2))

    def _draining_since(self) -> float | None:
        times = [self._interrupt.asked_at, self._asked_at]
        if self._leave_at is not None and self._clock() >= self._leave_at:
            times.append(self._leave_at)
        return min((t for t in times if t is not None), default=None)
