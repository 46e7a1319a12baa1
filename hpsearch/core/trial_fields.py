"""The values of a trial by name: fields of its document, and metrics that the objective returned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import Any

from hpsearch.core.trial import Trial

#: Keys of a result that are no metrics.
_NO_METRICS = frozenset({"status", "attachments", "message"})

#: Metrics of a trial whose search has declared objectives or limits.
OUTCOME_METRICS = ("feasible", "violation")

#: Levels of nested results whose numbers are metrics.
_MAX_DEPTH = 3

#: How to read each field, by name; None if a trial does not have it.
FIELDS: Mapping[str, Callable[[Trial], Any]] = MappingProxyType(
    {
        "tid": lambda trial: trial.tid,
        "state": lambda trial: trial.state,
        "loss": lambda trial: trial.loss,
        "origin": lambda trial: trial.origin,
        "priority": lambda trial: trial.priority,
        "attempt": lambda trial: trial.attempt,
        "worker": lambda trial: trial.worker.name if trial.worker else None,
        "host": lambda trial: trial.worker.host if trial.worker else None,
        "created_at": lambda trial: trial.created_at,
        "claimed_at": lambda trial: trial.claimed_at,
        "finished_at": lambda trial: trial.finished_at,
        "duration_s": lambda trial: trial.duration_s,
        "n_reports": lambda trial: len(trial.reports),
        "objective": lambda trial: trial.objective,
        "tags": lambda trial: ", ".join(trial.tags) or None,
        "note": lambda trial: trial.note,
        "invalid": lambda trial: None if trial.invalid is None else trial.invalid.why or "yes",
        "error": lambda trial: trial.error and trial.error.text,
    }
)

#: Other names of fields.
SYNONYMS: Mapping[str, str] = MappingProxyType({"trial": "tid", "duration": "duration_s"})


def stored_fields(trial: Trial) -> dict[str, Any]:
    """Return all fields of a trial by name; those of several losses and limits only where it has them."""
    fields = asdict(trial)
    if trial.losses is None:
        del fields["losses"]
    if trial.violations is None:
        del fields["violations"]
        return fields
    return {**fields, "feasible": trial.feasible, "violation": trial.violation}


def metrics_of(trial: Trial) -> dict[str, Any]:
    """Return the numbers and texts in a trial's result by name; those in dicts as ``outer.inner``.

    A "loss" is one of them where it is not the trial's loss, as in a search that maximises something else.
    Where the search has declared objectives or limits, so are ``OUTCOME_METRICS`` and the objectives.
    """
    found = dict(_metrics(trial.result, "", 0))
    for name, value in (trial.losses or {}).items():
        found[name] = value
        found.pop(f"losses.{name}", None)
    if trial.violations is not None:
        found |= {"feasible": trial.feasible, "violation": trial.violation}
    if trial.loss is None or found.get("loss") == trial.loss:
        found.pop("loss", None)
    return found


def _metrics(result: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in result.items():
        if depth == 0 and key in _NO_METRICS:
            continue
        match value:
            case bool() | int() | float() | str() | datetime():
                yield f"{prefix}{key}", value
            case Mapping() if depth + 1 < _MAX_DEPTH:
                yield from _metrics(value, f"{prefix}{key}.", depth + 1)
