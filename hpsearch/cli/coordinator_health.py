"""What a coordinator tells of itself while it works: to its service manager, and to whoever asks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hpsearch.coordination.coordinator import Coordinator
from hpsearch.coordination.progress import Progress
from hpsearch.core.trial import State
from hpsearch.report.metrics import coordinator_metrics, search_metrics
from hpsearch.runtime.health.metric import Metric, contact_metrics
from hpsearch.runtime.health.probes import ProbeResult, liveness, readiness
from hpsearch.runtime.health.stats import Contact
from hpsearch.runtime.health.watchdog import Watchdog
from hpsearch.runtime.signals import Interrupt
from hpsearch.runtime.systemd import Notifier


class CoordinatorHealth:
    """The probes of a coordinator (see ``Probes``), and its line to the service manager.

    Parameters
    ----------
    notifier : Notifier
        The line.
    interrupt : Interrupt
        Whether the process was asked to end.
    """

    def __init__(self, notifier: Notifier, interrupt: Interrupt) -> None:
        self._notifier = notifier
        self._interrupt = interrupt
        self._progress: Progress | None = None
        self.watchdog = Watchdog()  #: of the loop that leads the search
        self.contact: Callable[[], Contact] | None = None  #: set once the database was reached
        self.coordinator: Coordinator | None = None  #: set once there is a search

    def alive(self) -> None:
        """Note a step; also one of waiting for the database, which is no standstill."""
        self.watchdog.beat()
        self._notifier.alive()

    def show(self, progress: Progress) -> None:
        """Take in a new state of the search."""
        self._progress = progress
        self._notifier.ready()
        self._notifier.status(_status(progress))

    def stopping(self) -> None:
        """Say that the process is about to end."""
        self._notifier.stopping()

    def liveness(self) -> ProbeResult:
        """Say whether the loop goes round."""
        return liveness(self.watchdog.stalled())

    def readiness(self) -> ProbeResult:
        """Say whether it leads, or could take over."""
        return readiness(self._contact(), is_leaving=self._interrupt.is_asked)

    def metrics(self) -> Iterator[Metric]:
        """Yield what is known so far."""
        if self._progress is not None:
            yield from search_metrics(self._progress)
        if self.coordinator is not None:
            yield from coordinator_metrics(self.coordinator.stats())
        yield from contact_metrics(self._contact())

    def _contact(self) -> Contact | None:
        return None if self.contact is None else self.contact()


def _status(progress: Progress) -> str:
    """Return what a service manager shows of the search."""
    role = "standby of" if progress.is_standby else "leads"
    counts = ", ".join(f"{progress.counts[s]} {s}" for s in (State.RUNNING, State.DONE, State.FAILED))
    return f"{role} {progress.experiment.exp_key}: {counts}"
