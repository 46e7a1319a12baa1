"""When a worker should leave: it was asked to, or reached a limit of its own."""

from __future__ import annotations

import time
from collections.abc import Callable

from hpsearch.runtime.signals import Interrupt


class Shutdown:
    """The way out: first drain (finish what runs, take nothing new), then give back what still runs.

    Parameters
    ----------
    interrupt : Interrupt
        The signals that arrived.
    drain_timeout_s : float
        Seconds that a running evaluation may still take once draining has begun.
    max_runtime_s : float, optional
        Seconds after which draining begins by itself.
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
        self.error: BaseException | None = None  #: what made the worker leave, if anything did

    def drain(self, error: BaseException | None = None) -> None:
        """Begin to leave."""
        self.error = self.error or error
        self._asked_at = self._asked_at or self._clock()

    def is_draining(self) -> bool:
        """Whether no new trial may be taken."""
        return self._draining_since() is not None

    def is_time_up(self) -> bool:
        """Whether what still runs must be given back."""
        since = self._draining_since()
        return self._interrupt.is_forced or (
            since is not None and self._clock() - since >= self._drain_timeout_s
        )

    def sleep(self, seconds: float) -> None:
        """Sleep, but not on once the worker should leave."""
        end = self._clock() + seconds
        while not self.is_draining() and (left := end - self._clock()) > 0:
            time.sleep(min(left, 0.2))

    def _draining_since(self) -> float | None:
        times = [self._interrupt.asked_at, self._asked_at]
        if self._leave_at is not None and self._clock() >= self._leave_at:
            times.append(self._leave_at)
        return min((t for t in times if t is not None), default=None)
