"""Searches at one moment, for the tests of what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hpsearch.coordination.progress import Progress
from hpsearch.core.experiment import Budget, Experiment, ObjectiveRef
from hpsearch.core.trial import Failure, FailureKind, State, Trial
from hpsearch.core.worker import Worker

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def experiment(**fields: Any) -> Experiment:
    known: dict[str, Any] = {
        "exp_key": "search",
        "space": {},
        "space_fingerprint": "f00d",
        "objective": ObjectiveRef(kind="file", ref="search.py:objective"),
        "budget": Budget(max_evals=40),
        "started_at": NOW,
    }
    return Experiment(**{**known, **fields})


def done(tid: int, loss: float, **fields: Any) -> Trial:
    params = {"lr": 0.0123456789, "kind": "adam"}
    return Trial(
        exp_key="search",
        tid=tid,
        values={},
        **{"params": params, "state": State.DONE, "loss": loss, **fields},
    )


def failed(tid: int, message: str = "no luck", **fields: Any) -> Trial:
    error = Failure(kind=FailureKind.EXCEPTION, type="ValueError", message=message)
    return Trial(exp_key="search", tid=tid, values={}, **{"state": State.FAILED, "error": error, **fields})


def worker(name: str = "anna", **fields: Any) -> Worker:
    return Worker(name=name, host="machine", pid=1, **{"expire_at": after(60), **fields})


def progress(*, counts: dict[State, int] | None = None, **fields: Any) -> Progress:
    known: dict[str, Any] = {"experiment": experiment(), "best": None, "workers": (worker(),)}
    return Progress(counts={**dict.fromkeys(State, 0), **(counts or {})}, **{**known, **fields})
