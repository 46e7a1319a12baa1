"""A warning for scripts whose asynchronous trials are never evaluated."""

from __future__ import annotations

import logging
from collections.abc import Callable

from hpsearch.runtime.events import Event

logger = logging.getLogger(__name__)

#: Seconds without any evaluation after which the warning is logged.
_IDLE_S = 20.0


class IdleQueue:
    """Detects trials that wait while none is evaluated.

    Parameters
    ----------
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since, self._n_new, self._is_reported = clock(), 0, False

    def check(self, n_new: int, n_running: int) -> None:
        """Log the warning once if the same number of trials has waited for 20 s and none runs.

        Parameters
        ----------
        n_new : int
            Trials that wait now.
        n_running : int
            Trials under evaluation now.
        """
        if n_new == 0 or n_new != self._n_new or self._is_reported or n_running:
            self._n_new, self._since = n_new, self._clock()
        elif self._clock() - self._since >= _IDLE_S:
            self._is_reported = True
            logger.warning(
                "%d trials wait, and none was started for %.0f s: asynchronous trials must be evaluated, and "
                "their state changed, by the library that provides them; use Trials() to evaluate in this "
                "process",
                n_new,
                _IDLE_S,
                extra=Event.NONE_EVALUATED.of(n_trials=n_new),
            )
