"""Runs a coordinator until its search ends: the loop of ``run``, ``coordinator`` and ``fmin``."""

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
    """Tick until the search is over or this process is asked to stop.

    Parameters
    ----------
    coordinator : Coordinator
        Of the search; it resigns at the end.
    show : callable
        Receives the progress in each round.
    grace_s : float
        Seconds that running trials may take once the search has ended.
    is_interrupted : callable
        Whether to leave the search as it is, so that another coordinator can continue.
    check : callable
        Called in each round; returns why the search should end, or None. An exception that it raises ends the
        loop, not the search.
    """
    try:
        while True:
            progress = coordinator.tick()
            show(progress)
            if coordinator.is_over():
                # If the leadership was lost meanwhile, the search goes on under another coordinator.
                progress = coordinator.wind_down(grace_s, is_interrupted)
            if progress.experiment.state.is_over or is_interrupted():
                return progress
            reason = check(progress)
            if reason is not None:
                return coordinator.wind_down(grace_s, is_interrupted, reason)
            coordinator.wait()
    finally:
        # If the database is away, or refuses this user, the leadership expires.
        with suppress(StoreUnavailableError, StorePermissionError):
            coordinator.resign()
