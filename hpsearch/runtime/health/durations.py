"""Histograms of durations, recorded by several threads."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate

from hpsearch.runtime.health.stats import Histogram

#: Upper bounds in seconds for database calls and suggestions.
CALL_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

#: Upper bounds in seconds for evaluations, which take from milliseconds to days.
TRIAL_BOUNDS_S = (
    0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 3 * 3600.0, 12 * 3600.0, 86400.0,
)  # fmt: skip


class Durations:
    """A histogram that records durations; safe for use by several threads.

    Parameters
    ----------
    bounds_s : sequence of float
        Upper bounds in seconds, ascending.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self, bounds_s: Sequence[float] = CALL_BOUNDS_S, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._bounds_s = tuple(bounds_s)
        self._clock = clock
        self._lock = threading.Lock()
        self._counts = [0] * (len(self._bounds_s) + 1)
        self._sum_s = 0.0

    def add(self, seconds: float) -> None:
        """Record a duration in seconds."""
        with self._lock:
            self._counts[bisect_left(self._bounds_s, seconds)] += 1
            self._sum_s += seconds

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Record the duration of a block, also if it raises."""
        started = self._clock()
        try:
            yield
        finally:
            self.add(self._clock() - started)

    def counted(self) -> Histogram:
        """Return the histogram so far."""
        with self._lock:
            counts = tuple(accumulate(self._counts))
            return Histogram(bounds_s=self._bounds_s, counts=counts, sum_s=self._sum_s)
