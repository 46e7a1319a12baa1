"""What a coordinator says of itself when it is asked for its health or its metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hpsearch.coordinator import Coordinator
from hpsearch.health.answers import Answer, liveness, readiness
from hpsearch.health.metric import Metric, contact_metrics
from hpsearch.health.pulse import Pulse
from hpsearch.health.vitals import Contact
from hpsearch.interrupt import Interrupt
from hpsearch.progress import Progress
from hpsearch.report.metrics import coordinator_metrics, search_metrics


class CoordinatorHealth:
    """The probes of a coordinator; see ``Probes``.

    What is not known yet is set as the command gets there.

    Parameters
    ----------
    pulse : Pulse
        Of its loop.
    interrupt : Interrupt
        Whether it was asked to end.
    """

    def __init__(self, pulse: Pulse, interrupt: Interrupt) -> None:
        self._pulse = pulse
        self._interrupt = interrupt
        self.contact: Callable[[], Contact] | None = None  #: once the database was reached
        self.coordinator: Coordinator | None = None
        self.progress: Progress | None = None  #: of the latest round

    def liveness(self) -> Answer:
        """Say whether the loop goes round."""
        return liveness(self._pulse.standing_still())

    def readiness(self) -> Answer:
        """Say whether it leads, or could take over."""
        return readiness(self._contact(), is_leaving=self._interrupt.is_asked)

    def metrics(self) -> Iterator[Metric]:
        """Yield what is known so far."""
        if self.progress is not None:
            yield from search_metrics(self.progress)
        if self.coordinator is not None:
            yield from coordinator_metrics(self.coordinator.vitals())
        yield from contact_metrics(self._contact())

    def _contact(self) -> Contact | None:
        return None if self.contact is None else self.contact()
