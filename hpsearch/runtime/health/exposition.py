"""Metrics in the formats that Prometheus reads (extra ``metrics``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from hpsearch.runtime.health.metric import Kind, Metric
from hpsearch.runtime.health.stats import Histogram

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily


class Exposition:
    """Metrics as text, read anew for every request.

    Parameters
    ----------
    read : callable
        Returns the metrics as they are now.
    """

    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        # A registry of its own: the library's is shared with whatever else runs in this process.
        self._registry = CollectorRegistry()
        self._registry.register(_Reader(read))
        ProcessCollector(registry=self._registry)

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics and their content type, in the format that a request's ``Accept`` asks for."""
        try:
            encode, content_type = choose_encoder(accept)
        except Exception:  # noqa: BLE001 - the library trips over a version that is no number
            encode, content_type = choose_encoder("")
        return encode(self._registry), content_type


class _Reader(Collector):
    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Family]:
        return map(_family, self._read())

    def describe(self) -> list[Family]:
        """There is nothing to say before the first request; without this, the registry would read."""
        return []


def _family(metric: Metric) -> Family:
    labels = tuple(metric.samples[0].labels) if metric.samples else ()
    match metric.kind:
        case Kind.HISTOGRAM:
            histograms = HistogramMetricFamily(metric.name, metric.help, labels=labels)
            for sample in metric.samples:
                assert isinstance(sample.value, Histogram)
                bounds = [*map(repr, sample.value.bounds_s), "+Inf"]
                buckets = list(zip(bounds, sample.value.counts, strict=True))
                histograms.add_metric([sample.labels[label] for label in labels], buckets, sample.value.sum_s)
            return histograms
        case Kind.COUNTER | Kind.GAUGE:
            kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
            numbers: CounterMetricFamily | GaugeMetricFamily = kind(metric.name, metric.help, labels=labels)
            for sample in metric.samples:
                assert not isinstance(sample.value, Histogram)
                numbers.add_metric([sample.labels[label] for label in labels], sample.value)
            return numbers
