"""A search, and the coordinator that leads it, as metrics."""

from __future__ import annotations

from collections.abc import Iterator

from hpsearch.coordination.progress import Progress
from hpsearch.runtime.health.metric import Kind, Metric, Sample, metric
from hpsearch.runtime.health.stats import Stats


def search_metrics(progress: Progress) -> Iterator[Metric]:
    """Yield how far a search has come."""
    exp_key = progress.experiment.exp_key
    yield Metric(
        name="hpsearch_trials",
        kind=Kind.GAUGE,
        help="Trials of the search in each state.",
        samples=tuple(
            Sample(value=n, labels={"exp_key": exp_key, "state": state})
            for state, n in progress.counts.items()
        ),
    )
    n_workers, text = len(progress.workers), "Workers alive that serve the search."
    yield metric("hpsearch_workers", Kind.GAUGE, text, n_workers, exp_key=exp_key)
    if progress.best is not None and progress.best.loss is not None:
        text = "Lowest loss so far; absent before the first."
        yield metric("hpsearch_best_loss", Kind.GAUGE, text, progress.best.loss, exp_key=exp_key)


def coordinator_metrics(stats: Stats) -> Iterator[Metric]:
    """Yield what a coordinator measured of itself."""
    for name, kind, text, value in (
        ("leader", Kind.GAUGE, "1 while this coordinator leads its search, 0 as standby.", stats.is_leader),
        ("queue_target", Kind.GAUGE, "Pending trials that the workers need.", stats.queue_target),
        ("suggestions", Kind.COUNTER, "Trials that this coordinator suggested.", stats.n_suggested),
        ("leases_expired", Kind.COUNTER, "Trials that lost their worker.", stats.n_expired),
        ("suggest_seconds", Kind.HISTOGRAM, "Time that batches of suggestions took.", stats.suggesting),
        ("lag_seconds", Kind.HISTOGRAM, "Time from the end of a trial to reading it.", stats.lag),
    ):
        yield metric(f"hpsearch_coordinator_{name}", kind, text, value)
