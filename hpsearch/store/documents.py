"""Trials, experiments and workers as MongoDB documents, and back; pure.

Field names are those of the values, so that mongosh shows what the code says. A field
that is None or empty is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from hpsearch.errors import StoreError
from hpsearch.experiment import Algorithm, Budget, Defaults, Experiment, ExperimentState, ObjectiveRef
from hpsearch.fleet import Worker, WorkerState
from hpsearch.store.encoding import decoded, encoded, utc
from hpsearch.trial import Ended, Failure, FailureKind, Holder, Report, Result, State, Trial

Document = dict[str, Any]

#: Version of the layout of all documents; a store refuses experiments of a newer one.
SCHEMA = 1

#: Why an attempt ended whose worker was not heard of in time; what counts towards ``max_attempts``.
LEASE_EXPIRED = "lease expired"


def trial_document(trial: Trial) -> Document:
    """Return the document of a trial.

    Raises
    ------
    StoreError
        Naming the part of the trial that cannot be stored.
    """
    dates = ("created_at", "claimed_at", "heartbeat_at", "lease_until", "finished_at")
    return {
        "_id": trial.id,
        "exp_key": trial.exp_key,
        "tid": trial.tid,
        "state": trial.state.value,
        "priority": trial.priority,
        "params": encoded(trial.params, "params"),
        "values": encoded(trial.values, "values"),
        "origin": trial.origin,
        "attempt": trial.attempt,
        "max_attempts": trial.max_attempts,
        "lease_s": float(trial.lease_s),
        **_present(
            owner=trial.owner,
            worker=trial.worker and holder_document(trial.worker),
            **{name: encoded(getattr(trial, name), name) for name in dates},
            reports=report_documents(trial.reports),
            history=[{**asdict(e), "ended_at": encoded(e.ended_at, "ended_at")} for e in trial.history],
        ),
        **_outcome(trial.loss, trial.result, trial.error, trial.duration_s),
    }


def trial_from(document: Mapping[str, Any]) -> Trial:
    """Return the trial of a document; fields that are unknown here are passed over."""
    get = document.get
    return Trial(
        exp_key=document["exp_key"],
        tid=int(document["tid"]),
        values=decoded(document["values"]),
        params=decoded(get("params") or {}),
        origin=get("origin", ""),
        state=State(document["state"]),
        priority=int(document["priority"]),
        attempt=int(document["attempt"]),
        max_attempts=int(document["max_attempts"]),
        lease_s=document["lease_s"],
        owner=get("owner"),
        worker=_holder_from(get("worker")),
        created_at=_date_from(get("created_at")),
        claimed_at=_date_from(get("claimed_at")),
        heartbeat_at=_date_from(get("heartbeat_at")),
        lease_until=_date_from(get("lease_until")),
        finished_at=_date_from(get("finished_at")),
        duration_s=get("duration_s"),
        loss=get("loss"),
        result=decoded(get("result") or {}),
        reports=tuple(_report_from(d) for d in get("reports") or ()),
        error=_failure_from(get("error")),
        history=tuple(_ended_from(d) for d in get("history") or ()),
    )


#: The fields of a trial that ``point_from`` reads.
POINT_FIELDS = ("exp_key", "tid", "values", "state", "loss", "finished_at")


def point_from(document: Mapping[str, Any]) -> Trial:
    """Return a trial in short, of the fields ``POINT_FIELDS`` of a document."""
    return Trial(
        exp_key=document["exp_key"],
        tid=int(document["tid"]),
        values=decoded(document["values"]),
        state=State(document["state"]),
        loss=document.get("loss"),
        finished_at=_date_from(document.get("finished_at")),
    )


def result_document(result: Result) -> Document:
    """Return the fields that a finish adds to a trial.

    Raises
    ------
    StoreError
        If a part cannot be stored, or the loss is NaN, which would win every comparison.
    """
    if result.loss is not None and math.isnan(result.loss):
        raise StoreError("The loss is NaN; a trial whose loss is not a number has failed, and has no loss.")
    return {
        "state": result.state.value,
        **_outcome(result.loss, result.result, result.error, result.duration_s),
    }


def holder_document(holder: Holder) -> Document:
    """Return how a trial names its worker."""
    return {"name": holder.name, "host": holder.host, "pid": holder.pid}


def report_documents(reports: Sequence[Report]) -> list[Document]:
    """Return reports as they are stored; one without a time has none here."""
    return [
        {
            "step": float(report.step),
            "value": float(report.value),
            **_present(at=encoded(report.at, "reports.at")),
        }
        for report in reports
    ]


def experiment_document(experiment: Experiment) -> Document:
    """Return the document of an experiment, without the times, which are the store's.

    Raises
    ------
    StoreError
        Naming the part that cannot be stored.
    """
    return {
        "_id": experiment.exp_key,
        "schema": SCHEMA,
        "state": experiment.state.value,
        **_present(ended_why=experiment.ended_why),
        "space": encoded(experiment.space, "space"),
        "space_fingerprint": experiment.space_fingerprint,
        "objective": _present(**encoded(asdict(experiment.objective), "objective")),
        "algorithm": {
            "name": experiment.algorithm.name,
            "options": encoded(experiment.algorithm.options, "algorithm.options"),
        },
        "seed": encoded(experiment.seed, "seed"),
        "budget": _present(**encoded(asdict(experiment.budget), "budget")),
        "defaults": _present(**encoded(asdict(experiment.defaults), "defaults")),
    }


def experiment_from(document: Mapping[str, Any]) -> Experiment:
    """Return the experiment of a document.

    Raises
    ------
    StoreError
        If a newer version of hpsearch wrote it.
    """
    get = document.get
    if document["schema"] > SCHEMA:
        raise StoreError(
            f"Experiment {document['_id']!r} has the layout {document['schema']} of a newer hpsearch; "
            f"this one reads up to {SCHEMA}: upgrade hpsearch on this machine."
        )
    return Experiment(
        exp_key=document["_id"],
        space=decoded(document["space"]),
        space_fingerprint=document["space_fingerprint"],
        objective=ObjectiveRef(**decoded(document["objective"])),
        algorithm=Algorithm(
            name=document["algorithm"]["name"], options=decoded(document["algorithm"]["options"])
        ),
        seed=int(document["seed"]),
        budget=Budget(**decoded(document["budget"])),
        defaults=Defaults(**decoded(document["defaults"])),
        state=ExperimentState(document["state"]),
        ended_why=get("ended_why"),
        created_at=_date_from(get("created_at")),
        started_at=_date_from(get("started_at")),
        led_until=_date_from((get("coordinator") or {}).get("lease_until")),
    )


def worker_document(worker: Worker) -> Document:
    """Return the document of a worker, without the times, which are the store's."""
    return {
        "_id": worker.name,
        "host": worker.host,
        "pid": worker.pid,
        "slots": worker.slots,
        "exp_keys": list(worker.exp_keys),
        "state": worker.state.value,
        "n_done": worker.n_done,
        "n_failed": worker.n_failed,
        "versions": encoded(worker.versions, "versions"),
    }


def worker_from(document: Mapping[str, Any]) -> Worker:
    """Return the worker of a document."""
    return Worker(
        name=document["_id"],
        host=document["host"],
        pid=int(document["pid"]),
        slots=int(document["slots"]),
        exp_keys=tuple(document["exp_keys"]),
        state=WorkerState(document["state"]),
        n_done=int(document["n_done"]),
        n_failed=int(document["n_failed"]),
        versions=decoded(document["versions"]),
        started_at=_date_from(document.get("started_at")),
        seen_at=_date_from(document.get("seen_at")),
        expire_at=_date_from(document.get("expire_at")),
    )


def _outcome(
    loss: float | None, result: Mapping[str, Any], error: Failure | None, duration_s: float | None
) -> Document:
    return _present(
        # A float always: the validator, the index and the sort are about numbers of one type.
        loss=None if loss is None else float(loss),
        result=encoded(result, "result"),
        error=error and _present(**encoded(asdict(error), "error")),
        duration_s=None if duration_s is None else float(duration_s),
    )


def _present(**fields: Any) -> Document:
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def _date_from(stored: datetime | None) -> datetime | None:
    return None if stored is None else utc(stored)


def _holder_from(document: Mapping[str, Any] | None) -> Holder | None:
    if document is None:
        return None
    return Holder(name=document["name"], host=document["host"], pid=int(document["pid"]))


def _report_from(document: Mapping[str, Any]) -> Report:
    return Report(step=document["step"], value=document["value"], at=_date_from(document.get("at")))


def _ended_from(document: Mapping[str, Any]) -> Ended:
    return Ended(
        attempt=int(document["attempt"]),
        worker=document.get("worker"),
        ended_at=utc(document["ended_at"]),
        why=document["why"],
    )


def _failure_from(document: Mapping[str, Any] | None) -> Failure | None:
    if document is None:
        return None
    get = document.get
    return Failure(
        kind=FailureKind(document["kind"]),
        message=document["message"],
        type=get("type"),
        traceback=get("traceback"),
        exit_code=get("exit_code"),
        signal=get("signal"),
        log_tail=get("log_tail"),
    )
