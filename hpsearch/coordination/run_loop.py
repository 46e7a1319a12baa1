"""Drives a coordinator to the end of its search: the loop behind ``run``, ``coordinator`` and ``fmin``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from hpsearch.coordination.coordinator import Coordinator
from hpsearch.coordination.plan import EndReason
from hpsearch.coordination.progress import Progress
from hpsearch.errors import StorePermissionError, StoreUnavailableError


def run_to_end(
    coordinator: Coordinator,
    *,
    show: Callable[[Progress], None],
    grace_s: float,
    is_interrupted: Callable[[], bool] = lambda: False,
    check: Callable[[Progress], EndReason | None] = lambda progress: None,
) -> Progress:
    """Tick until the search is over or this process is asked to end.

    Parameters
    ----------
    coordinator : Coordinator
        Of the search; its leadership is given up in the end.
    show : callable
        Takes every state of the search.
    grace_s : float
        Seconds that running trials may take once the search has ended.
    is_interrupted : callable
        Whether to leave the search as it is, for another coordinator to go on.
    check : callable
        Called every round; returns why the search should end, or None. What it raises ends
        this process's part in the search.
    """
    try:
        while True:
            progress = coordinator.tick()
            show(progress)
            if coordinator.is_over():
                # If the leadership was lost meanwhile, the search is not over: another goes on with it.
                progress = coordinator.wind_down(grace_s, is_interrupted)
            if progress.experiment.state.is_over or is_interrupted():
                return progress
            reason = check(progress)
            if reason is not None:
                return coordinator.wind_down(grace_s, is_interrupted, reason)
            coordinator.wait()
    finally:
        # While the database is away, or refuses this user, the leadership ends by itself.
        with suppress(StoreUnavailableError, StorePermissionError):
            coordinator.resign()
