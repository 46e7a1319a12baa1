"""The recent rate at which trials finish."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import takewhile

from hpsearch.coordination import plan

#: The smallest number of finished trials, and of seconds, to measure over: large fleets finish many at once.
_TRIALS, _LEAST_WINDOW_S = 50, 1.0

#: Seconds for which finished trials are remembered, and their largest number.
_WINDOW_S, _MAX_TRIALS = 300.0, 5000


#: Finished trials from which a rate per hour is known.
_MIN_TRIALS = 10


class FinishRate:
    """The rate at which trials finish, as this process sees it.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: deque[float] = deque(maxlen=_MAX_TRIALS)
        self._since = clock()

    def add(self, n_trials: int) -> None:
        """Count trials that have finished."""
        now = self._clock()
        self._times.extend(now for _ in range(n_trials))

    def per_s(self) -> float:
        """Return the recent number of finished trials per second; with few trials, since the start."""
        now, times = self._clock(), self._times
        since = max(self._since, now - _WINDOW_S)
        if len(times) >= _TRIALS:
            since = max(since, min(times[-_TRIALS], now - _LEAST_WINDOW_S))
        if len(times) == _MAX_TRIALS:
            since = max(since, times[0])
        n = sum(1 for _ in takewhile(lambda finished_at: finished_at > since, reversed(times)))
        return n / max(now - since, plan.MIN_POLL_S)

    def per_hour(self) -> float | None:
        """Return the number of finished trials per hour over the last 50; None before the tenth.

        Unlike ``per_s``, it does not fall to zero while slow trials run.
        """
        times = self._times
        if len(times) < _MIN_TRIALS:
            return None
        n = min(len(times), _TRIALS)
        since = times[-n - 1] if len(times) > n else self._since
        return 3600 * n / max(self._clock() - since, plan.MIN_POLL_S)
