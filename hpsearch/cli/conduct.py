"""Drives a coordinator to the end of its search, for ``run`` and ``coordinator``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from hpsearch.coordinator import Coordinator
from hpsearch.errors import StoreUnavailableError
from hpsearch.experiment import Experiment
from hpsearch.interrupt import Interrupt
from hpsearch.progress import Progress
from hpsearch.report.view import View
from hpsearch.store.protocol import TrialStore


def conduct(
    store: TrialStore,
    experiment: Experiment,
    view: View,
    interrupt: Interrupt,
    *,
    grace_s: float,
    check: Callable[[], None] = lambda: None,
) -> Progress:
    """Tick until the search is over or a signal asks for the end of this process.

    Parameters
    ----------
    store : TrialStore
        Where the experiment lives.
    experiment : Experiment
        As it was opened.
    view : View
        Shown every state.
    interrupt : Interrupt
        On its first signal the search is left as it is, for another coordinator to go on.
    grace_s : float
        Seconds that running trials may take once a limit has ended the search.
    check : callable
        Called every round; what it raises ends the search for this process.
    """
    coordinator = Coordinator(store, experiment)
    try:
        while True:
            progress = coordinator.tick()
            view.show(progress)
            if coordinator.is_over():
                return coordinator.wind_down(grace_s, lambda: interrupt.is_asked)
            if progress.is_standby and progress.experiment.state.is_over:
                return progress
            if interrupt.is_asked:
                return progress
            check()
            coordinator.wait()
    finally:
        view.close()
        # While the database is away, the leadership ends by itself.
        with suppress(StoreUnavailableError):
            coordinator.resign()
