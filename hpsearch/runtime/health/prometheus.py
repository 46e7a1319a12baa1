"""Metrics in the formats of Prometheus; needs the extra ``metrics``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from hpsearch.runtime.health.stats import Contact, Histogram


class Exposition:
    """Metrics as text, read for each request.

    Parameters
    ----------
    read : callable
        Returns the present metrics.
    """

    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        # The library's default registry is shared with all other code in this process.
        self._registry = CollectorRegistry()
        self._registry.register(_Reader(read))
        ProcessCollector(registry=self._registry)

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics and their content type, in the format that an ``Accept`` header asks for."""
        try:
            encode, content_type = choose_encoder(accept)
        except Exception:  # noqa: BLE001 - the library fails for a version that is not a number
            encode, content_type = choose_encoder("")
        return encode(self._registry), content_type


class _Reader(Collector):
    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterable[Metric]:
        return self._read()

    def describe(self) -> list[Metric]:
        """Prevents collection at registration."""
        return []


def histogram_metric(name: str, text: str, measured: Histogram) -> Metric:
    """Return a histogram of durations as a metric.

    Parameters
    ----------
    name : str
        Name of the metric; ends in ``_seconds``.
    text : str
        Help text.
    measured : Histogram
        The durations.
    """
    bounds = [*map(repr, measured.bounds_s), "+Inf"]
    buckets = list(zip(bounds, measured.counts, strict=True))
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=measured.sum_s)


def contact_metrics(contact: Contact | None) -> Iterator[Metric]:
    """Yield the metrics of every process about its database; none before the first contact."""
    if contact is not None:
        text = "Time since MongoDB last answered."
        yield GaugeMetricFamily("hpsearch_contact_age_seconds", text, contact.age_s)
        text = "Outages of MongoDB that this process saw the end of."
        yield CounterMetricFamily("hpsearch_reconnects", text, contact.n_reconnects)
