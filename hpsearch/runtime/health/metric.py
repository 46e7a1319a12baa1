"""A metric as a value, in the terms of Prometheus: a family of numbers under one name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hpsearch.runtime.health.stats import Contact, Histogram


class Kind(StrEnum):
    """What may be done with a number."""

    COUNTER = "counter"  #: only grows
    GAUGE = "gauge"  #: goes up and down
    HISTOGRAM = "histogram"  #: counts durations


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number, or one histogram, of a metric."""

    value: float | Histogram
    labels: Mapping[str, str] = field(default_factory=dict)  #: what tells it from the others of its metric


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A family of samples; all have the same labels."""

    name: str  #: with its unit; without the endings that Prometheus adds, such as ``_total``
    kind: Kind
    help: str  #: what it counts, in a sentence
    samples: tuple[Sample, ...]


def metric(name: str, kind: Kind, text: str, value: float | Histogram, **labels: str) -> Metric:
    """Return a metric with one sample."""
    return Metric(name=name, kind=kind, help=text, samples=(Sample(value=value, labels=labels),))


def contact_metrics(contact: Contact | None) -> tuple[Metric, ...]:
    """Return what every process tells of its database; nothing before it was reached."""
    if contact is None:
        return ()
    return (
        metric(
            "hpsearch_contact_age_seconds", Kind.GAUGE, "Time since MongoDB last answered.", contact.age_s
        ),
        metric(
            "hpsearch_reconnects",
            Kind.COUNTER,
            "Outages of MongoDB that this process saw the end of.",
            contact.n_reconnects,
        ),
    )
