"""The probes, the metrics and the service manager's status of a coordinator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hpsearch.core.trial import State
from hpsearch.runtime.health.probes import ProbeResult, liveness, readiness
from hpsearch.runtime.health.watchdog import Watchdog

if TYPE_CHECKING:
    from prometheus_client import Metric

    from hpsearch.coordination.coordinator import Coordinator
    from hpsearch.coordination.progress import Progress
    from hpsearch.runtime.health.stats import Contact, Stats
    from hpsearch.runtime.signals import Interrupt
    from hpsearch.runtime.systemd import Notifier


class CoordinatorHealth:
    """The probes and metrics of a coordinator, as ``Probes`` requires them; also informs the service manager.

    Parameters
    ----------
    notifier : Notifier
        Informs the service manager.
    interrupt : Interrupt
        The signals that end the process.
    """

    def __init__(self, notifier: Notifier, interrupt: Interrupt) -> None:
        self._notifier = notifier
        self._interrupt = interrupt
        self._progress: Progress | None = None
        self.watchdog = Watchdog()  #: of the loop that leads the search
        self.contact: Callable[[], Contact] | None = None  #: set once the database has been reached
        self.coordinator: Coordinator | None = None  #: set once the search has been opened

    def alive(self) -> None:
        """Record a step of the loop, or of waiting for the database."""
        self.watchdog.beat()
        self._notifier.alive()

    def show(self, progress: Progress) -> None:
        """Record the progress of the search."""
        self._progress = progress
        self._notifier.ready()
        self._notifier.status(_status(progress))

    def stopping(self) -> None:
        """Report that the process is about to end."""
        self._notifier.stopping()

    def liveness(self) -> ProbeResult:
        """Return whether the loop is running."""
        return liveness(self.watchdog.stalled())

    def readiness(self) -> ProbeResult:
        """Return whether the coordinator leads, or could take over."""
        return readiness(self._contact(), is_leaving=self._interrupt.is_asked)

    def metrics(self) -> Iterator[Metric]:
        """Yield the metrics that are known so far; needs the extra ``metrics``."""
        from hpsearch.runtime.health.prometheus import contact_metrics

        if self._progress is not None:
            yield from _search_metrics(self._progress)
        if self.coordinator is not None:
            yield from _coordinator_metrics(self.coordinator.stats())
        yield from contact_metrics(self._contact())

    def _contact(self) -> Contact | None:
        return None if self.contact is None else self.contact()


def _status(progress: Progress) -> str:
    """Return the status that a service manager shows."""
    role = "standby of" if progress.is_standby else "leads"
    shown = (State.RUNNING, State.DONE, State.FAILED, *[State.PRUNED] * bool(progress.counts[State.PRUNED]))
    counts = ", ".join(f"{progress.counts[s]} {s}" for s in shown)
    return f"{role} {progress.experiment.exp_key}: {counts}"


def _search_metrics(progress: Progress) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    exp_key = progress.experiment.exp_key
    trials = GaugeMetricFamily("hpsearch_trials", "Trials in each state.", labels=["exp_key", "state"])
    for state, n in progress.counts.items():
        trials.add_metric([exp_key, state], n)
    workers = GaugeMetricFamily("hpsearch_workers", "Live workers that serve it.", labels=["exp_key"])
    workers.add_metric([exp_key], len(progress.workers))
    best = GaugeMetricFamily(
        "hpsearch_best_loss", "Lowest loss; absent before the first.", labels=["exp_key"]
    )
    if progress.best is not None and progress.best.loss is not None:
        best.add_metric([exp_key], progress.best.loss)
    yield from (trials, workers, best)


def _coordinator_metrics(stats: Stats) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    from hpsearch.runtime.health.prometheus import histogram_metric

    for family, name, text, value in (
        (GaugeMetricFamily, "leader", "1 while it leads its search, 0 as standby.", stats.is_leader),
        (GaugeMetricFamily, "queue_target", "Pending trials that the workers need.", stats.queue_target),
        (CounterMetricFamily, "suggestions", "Trials that it suggested.", stats.n_suggested),
        (CounterMetricFamily, "leases_expired", "Trials that lost their worker.", stats.n_expired),
    ):
        yield family(f"hpsearch_coordinator_{name}", text, value)
    for name, text, histogram in (
        ("suggest", "Time that batches of suggestions took.", stats.suggesting),
        ("lag", "Time from the end of a trial to reading it.", stats.lag),
    ):
        yield histogram_metric(f"hpsearch_coordinator_{name}_seconds", text, histogram)
