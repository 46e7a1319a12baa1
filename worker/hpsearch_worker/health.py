"""What a worker says of itself when it is asked for its health or its metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hpsearch.runtime.health.metric import Kind, Metric, Sample, contact_metrics, metric
from hpsearch.runtime.health.probes import ProbeResult, liveness, readiness
from hpsearch.runtime.health.stats import Contact
from hpsearch.runtime.health.watchdog import Watchdog
from hpsearch_worker.shutdown import Shutdown
from hpsearch_worker.tally import Tally


class WorkerHealth:
    """The probes of a worker; see ``Probes``.

    Parameters
    ----------
    tally : Tally
        What its slots have done.
    shutdown : Shutdown
        Whether it is about to leave.
    """

    def __init__(self, tally: Tally, shutdown: Shutdown) -> None:
        self._tally = tally
        self._shutdown = shutdown
        self.watchdog = Watchdog()  #: of its slots and its heartbeat
        self.contact: Callable[[], Contact] | None = None  #: set once the database was reached

    def liveness(self) -> ProbeResult:
        """Say whether all loops go round."""
        return liveness(self.watchdog.stalled())

    def readiness(self) -> ProbeResult:
        """Say whether it can take trials."""
        return readiness(self._contact(), is_leaving=self._shutdown.is_draining())

    def metrics(self) -> Iterator[Metric]:
        """Yield what it measured so far."""
        tally = self._tally
        yield Metric(
            name="hpsearch_worker_trials",
            kind=Kind.COUNTER,
            help="Trials that this worker claimed, by what became of them here.",
            samples=tuple(Sample(value=n, labels={"outcome": o}) for o, n in tally.outcomes().items()),
        )
        for name, text, durations in (
            ("trial", "Time that evaluations took which came to an end.", tally.evaluating),
            ("claim", "Time from asking for a trial to the answer, outages included.", tally.claiming),
            (
                "finish",
                "Time from writing a result to its acknowledgement, outages included.",
                tally.finishing,
            ),
        ):
            yield metric(f"hpsearch_worker_{name}_seconds", Kind.HISTOGRAM, text, durations.counted())
        for name, text, value in (
            ("slots", "Trials that this worker can evaluate at a time.", tally.worker().slots),
            ("slots_busy", "Trials that it holds.", tally.n_busy),
            ("draining", "1 while it takes nothing new, else 0.", self._shutdown.is_draining()),
        ):
            yield metric(f"hpsearch_worker_{name}", Kind.GAUGE, text, value)
        yield from contact_metrics(self._contact())

    def _contact(self) -> Contact | None:
        return None if self.contact is None else self.contact()
