"""How many trials finish in a second, of late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import takewhile

from hpsearch.coordination import plan

#: Finished trials, and seconds, over which the rate is measured at least: large fleets finish many at once.
_TRIALS, _LEAST_WINDOW_S = 50, 1.0

#: Seconds after which finished trials are forgotten, and how many are remembered at most.
_WINDOW_S, _MAX_TRIALS = 300.0, 5000


class FinishRate:
    """The rate at which trials finish, as one process sees it.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=_MAX_TRIALS)
        self._since = clock()

    def start(self) -> None:
        """Measure few trials from now on, since nobody looked before."""
        self._since = self._clock()

    def add(self, n_trials: int) -> None:
        """Count trials that were just seen to be finished."""
        now = self._clock()
        self._times.extend(now for _ in range(n_trials))

    def per_s(self) -> float:
        """Return the finished trials per second of late; of few trials, since the start."""
        now, times = self._clock(), self._times
        since = max(self._since, now - _WINDOW_S)
        if len(times) >= _TRIALS:
            since = max(since, min(times[-_TRIALS], now - _LEAST_WINDOW_S))
        if len(times) == _MAX_TRIALS:
            since = max(since, times[0])
        n = sum(1 for _ in takewhile(lambda finished_at: finished_at > since, reversed(times)))
        return n / max(now - since, plan.MIN_POLL_S)
