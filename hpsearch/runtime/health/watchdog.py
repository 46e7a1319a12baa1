"""A watchdog for the loops of a process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds without a step after which a loop is stalled. No step takes that long: database calls have time
#: limits, and evaluations beat several times a second.
STALL_S = 120.0

#: Seconds between two beats of a thread that waits for a lock.
_WAIT_S = 1.0


class Watchdog:
    """Records when each loop last made a step; a loop is a thread.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._names: dict[int, str] = {}
        self._beats: dict[int, float] = {}

    @contextmanager
    def loop(self, name: str) -> Iterator[None]:
        """Watch this thread, under a name, during a block."""
        thread = threading.get_ident()
        self._beats[thread] = self._clock()
        self._names[thread] = name
        try:
            yield
        finally:
            del self._names[thread]

    def beat(self) -> None:
        """Record a step of this thread; has no effect in a thread that is not watched."""
        thread = threading.get_ident()
        if thread in self._names:
            self._beats[thread] = self._clock()

    @contextmanager
    def holding(self, lock: threading.Lock) -> Iterator[None]:
        """Acquire a lock, beating while waiting."""
        while not lock.acquire(timeout=_WAIT_S):
            self.beat()
        try:
            yield
        finally:
            lock.release()

    def stalled(self) -> dict[str, float]:
        """Return the stalled loops, with the seconds since their last step."""
        now = self._clock()
        ages = {name: now - self._beats[thread] for thread, name in list(self._names.items())}
        return {name: age for name, age in ages.items() if age > STALL_S}
