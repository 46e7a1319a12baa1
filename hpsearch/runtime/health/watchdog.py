"""Whether the loops of a process still go round."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds after which a loop without a beat stands still. No single step takes that long: calls to the
#: database have time limits, and evaluations beat several times a second.
STALL_S = 120.0

#: Seconds between two steps of a thread that waits for another.
_WAIT_S = 1.0


class Watchdog:
    """Notes when each loop last took a step; a loop is a thread.

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
        """Watch this thread, under a name, for as long as the block runs."""
        thread = threading.get_ident()
        self._beats[thread] = self._clock()
        self._names[thread] = name
        try:
            yield
        finally:
            del self._names[thread]

    def beat(self) -> None:
        """Note a step of this thread; of one that is not watched, it means nothing."""
        thread = threading.get_ident()
        if thread in self._names:
            self._beats[thread] = self._clock()

    @contextmanager
    def holding(self, lock: threading.Lock) -> Iterator[None]:
        """Hold a lock; who waits for it does not stand still, though who holds it may."""
        while not lock.acquire(timeout=_WAIT_S):
            self.beat()
        try:
            yield
        finally:
            lock.release()

    def stalled(self) -> dict[str, float]:
        """Return the loops that stand still, with the seconds since their last step."""
        now = self._clock()
        ages = {name: now - self._beats[thread] for thread, name in list(self._names.items())}
        return {name: age for name, age in ages.items() if age > STALL_S}
