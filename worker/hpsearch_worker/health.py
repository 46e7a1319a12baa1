"""The answers of a worker to health probes, and its metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hpsearch.runtime.health.probes import ProbeResult, liveness, readiness
from hpsearch.runtime.health.stats import Contact
from hpsearch.runtime.health.watchdog import Watchdog
from hpsearch_worker.shutdown import Shutdown
from hpsearch_worker.trial_counts import Tally

if TYPE_CHECKING:
    from prometheus_client import Metric


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
        self.contact: Callable[[], Contact] | None = None  #: set once the database is reached

    def liveness(self) -> ProbeResult:
        """Return whether all loops make progress."""
        return liveness(self.watchdog.stalled())

    def readiness(self) -> ProbeResult:
        """Return whether it can take trials."""
        return readiness(self._contact(), is_leaving=self._shutdown.is_draining())

    def metrics(self) -> Iterator[Metric]:
        """Yield the measurements so far; needs the extra ``metrics``."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        from hpsearch.runtime.health.prometheus import contact_metrics, histogram_metric

        tally = self._tally
        text = "Trials that this worker claimed, by outcome."
        trials = CounterMetricFamily("hpsearch_worker_trials", text, labels=["outcome"])
        for outcome, n in tally.outcomes().items():
            trials.add_metric([outcome], n)
        yield trials
        for name, text, durations in (
            ("trial", "Duration of completed evaluations.", tally.evaluating),
            ("claim", "Duration of requests for a trial, outages included.", tally.claiming),
            ("finish", "Duration of writes of a result, outages included.", tally.finishing),
        ):
            yield histogram_metric(f"hpsearch_worker_{name}_seconds", text, durations.counted())
        for name, text, value in (
            ("slots", "Trials that this worker can evaluate at a time.", tally.worker().slots),
            ("slots_busy", "Trials that it holds.", tally.n_busy),
            ("draining", "1 while it takes no new trials, else 0.", self._shutdown.is_draining()),
        ):
            yield GaugeMetricFamily(f"hpsearch_worker_{name}", text, value)
        yield from contact_metrics(self._contact())

    def _contact(self) -> Contact | None:
        return None if self.contact is None else self.contact()
