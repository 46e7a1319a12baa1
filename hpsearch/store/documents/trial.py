"""Converting trials to documents and back."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from hpsearch.core.outcomes import total_violation
from hpsearch.core.stopping.curve import RungValue
from hpsearch.core.stopping.verdict import Verdict
from hpsearch.core.trial import (
    CheckpointPointer,
    Ended,
    Failure,
    FailureKind,
    Holder,
    Invalid,
    Report,
    Result,
    State,
    Trial,
    trial_id,
)
from hpsearch.errors import StoreError, UnreadableError
from hpsearch.store.documents.encoding import encoded, present
from hpsearch.store.documents.fields import Fields, document_label
from hpsearch.store.documents.layout_migration import SCHEMA, TRIAL_STEPS, Document, migrate

#: Seconds; MongoDB cannot add more to a date.
LONGEST_LEASE_S = 1e9

#: Matches identifiers that ``trial_id`` returns for numbers of 64 bits.
_TRIAL_ID = re.compile(r"(.*)/(\d{6}|[1-9]\d{6,17})", re.ASCII | re.DOTALL)

#: The reason in the history of an attempt that counts towards ``max_attempts``.
LEASE_EXPIRED = "lease expired"

#: The fields that ``point_from`` reads.
POINT_FIELDS = (
    "_id", "schema", "exp_key", "tid", "values", "state", "loss", "losses", "violations", "finished_at",
    "invalid",
)  # fmt: skip

#: The fields that ``curve_from`` reads.
CURVE_FIELDS = (*POINT_FIELDS, "rungs", "reports")

#: The fields that ``best_from`` reads.
BEST_FIELDS = (*POINT_FIELDS, "params")


def trial_document(trial: Trial) -> Document:
    """Return the document of a trial.

    Raises
    ------
    StoreError
        If a part cannot be stored; the text names it.
    """
    dates = ("exp_created_at", "created_at", "claimed_at", "heartbeat_at", "lease_until", "finished_at")
    return {
        "_id": trial.id,
        "schema": SCHEMA,
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
        **present(
            objective=trial.objective,
            owner=trial.owner,
            worker=trial.worker and holder_document(trial.worker),
            **{name: encoded(getattr(trial, name), name) for name in dates},
            reports=report_documents(trial.reports),
            pruned=trial.pruned,
            checkpoint=trial.checkpoint
            and {
                **checkpoint_document(
                    trial.checkpoint.step,
                    trial.checkpoint.file,
                    trial.checkpoint.path,
                    trial.checkpoint.n_bytes,
                ),
                "attempt": trial.checkpoint.attempt,
                "at": encoded(trial.checkpoint.at, "checkpoint.at"),
            },
            note=trial.note,
            tags=list(trial.tags),
            invalid=trial.invalid
            and {"at": encoded(trial.invalid.at, "invalid.at"), "why": trial.invalid.why},
            rungs=[asdict(rung) for rung in trial.rungs],
            verdict=trial.verdict and verdict_document(trial.verdict),
            history=[_ended_document(ended) for ended in trial.history],
        ),
        **_outcome(trial),
    }


def trial_from(document: Mapping[str, Any]) -> Trial:
    """Return the trial of a document; unknown fields are ignored.

    Raises
    ------
    UnreadableError
        If a newer hpsearch wrote it, or a field is corrupt; the text names it.
    """
    fields, exp_key, tid = _trial_fields(document)
    state = fields.one_of("state", State)
    return Trial(
        exp_key=exp_key,
        exp_created_at=fields.maybe_date("exp_created_at"),
        tid=tid,
        values=fields.numbers("values"),
        params=fields.maybe_mapping("params"),
        origin=fields.maybe_text("origin") or "",
        state=state,
        priority=fields.integer("priority"),
        attempt=fields.count("attempt"),
        max_attempts=fields.integer("max_attempts", least=1),
        lease_s=fields.number("lease_s", 0.0, LONGEST_LEASE_S),
        owner=fields.maybe_text("owner"),
        worker=_holder_from(fields.maybe_part("worker")),
        created_at=fields.maybe_date("created_at"),
        claimed_at=fields.maybe_date("claimed_at"),
        heartbeat_at=fields.maybe_date("heartbeat_at"),
        lease_until=fields.maybe_date("lease_until"),
        finished_at=fields.maybe_date("finished_at"),
        duration_s=fields.maybe_number("duration_s"),
        loss=_loss_from(fields, state),
        losses=_numbers_from(fields, "losses"),
        violations=_violations_from(fields),
        result=fields.maybe_mapping("result"),
        objective=fields.maybe_text("objective"),
        reports=tuple(_report_from(part) for part in fields.parts("reports")),
        error=_failure_from(fields.maybe_part("error")),
        pruned=fields.maybe_text("pruned"),
        checkpoint=_checkpoint_from(fields.maybe_part("checkpoint")),
        rungs=_rungs_from(fields),
        verdict=_verdict_from(fields.maybe_part("verdict")),
        history=tuple(_ended_from(part) for part in fields.parts("history")),
        note=fields.maybe_text("note"),
        tags=tuple(sorted(fields.texts("tags"))),
        invalid=_invalid_from(fields.maybe_part("invalid")),
    )


def point_from(document: Mapping[str, Any]) -> Trial:
    """Return a trial with only the fields ``POINT_FIELDS`` of a document.

    Raises
    ------
    UnreadableError
        As ``trial_from`` does.
    """
    fields, exp_key, tid = _trial_fields(document)
    state = fields.one_of("state", State)
    return Trial(
        exp_key=exp_key,
        tid=tid,
        values=fields.numbers("values"),
        state=state,
        loss=_loss_from(fields, state),
        losses=_numbers_from(fields, "losses"),
        violations=_violations_from(fields),
        finished_at=fields.maybe_date("finished_at"),
        invalid=_invalid_from(fields.maybe_part("invalid")),
    )


def curve_from(document: Mapping[str, Any]) -> Trial:
    """Return a trial with only the fields ``CURVE_FIELDS`` of a document.

    Raises
    ------
    UnreadableError
        As ``trial_from`` does.
    """
    fields = Fields(document, document_label("Trial", document))
    reports = tuple(_report_from(part) for part in fields.parts("reports"))
    return replace(point_from(document), rungs=_rungs_from(fields), reports=reports)


def best_from(document: Mapping[str, Any]) -> Trial:
    """Return a trial with only the fields ``BEST_FIELDS`` of a document.

    Raises
    ------
    UnreadableError
        As ``trial_from`` does.
    """
    fields = Fields(document, document_label("Trial", document))
    return replace(point_from(document), params=fields.maybe_mapping("params"))


def unreadable_trial(document: Mapping[str, Any], error: UnreadableError) -> Trial | None:
    """Return a failed trial without values, in place of one that cannot be read.

    Parameters
    ----------
    document : mapping
        Of the trial. The number is taken from the identifier, which MongoDB protects from changes.
    error : UnreadableError
        Why it cannot be read.

    Returns
    -------
    Trial or None
        None if the identifier has no number.
    """
    found = _TRIAL_ID.fullmatch(str(document.get("_id")))
    if found is None or found[1] != document.get("exp_key"):
        return None
    failure = Failure(kind=FailureKind.UNREADABLE, message=str(error))
    return Trial(exp_key=found[1], tid=int(found[2]), values={}, origin="", state=State.FAILED, error=failure)


def result_document(result: Result) -> Document:
    """Return the fields of a trial that its result sets.

    Raises
    ------
    StoreError
        If a part cannot be stored, or a loss is NaN, which would sort before every other loss.
    """
    losses = (result.loss, *(result.losses or {}).values())
    if any(loss is not None and math.isnan(loss) for loss in losses):
        raise StoreError("The loss is NaN; store such a trial as failed, without a loss.")
    return {
        "state": result.state.value,
        **present(objective=result.objective, pruned=result.pruned),
        **_outcome(result),
    }


def holder_document(holder: Holder) -> Document:
    """Return the document of the worker that holds a trial."""
    return {"name": holder.name, "host": holder.host, "pid": holder.pid}


def report_documents(reports: Sequence[Report]) -> list[Document]:
    """Return the documents of reports."""
    return [
        {
            "step": float(report.step),
            "value": float(report.value),
            **present(at=encoded(report.at, "reports.at")),
        }
        for report in reports
    ]


def verdict_document(verdict: Verdict) -> Document:
    """Return the document of a decision of the pruner."""
    return present(**asdict(verdict))


def checkpoint_document(step: float, file: str | None, path: str | None, n_bytes: int) -> Document:
    """Return the document of a new checkpoint, without what the store sets.

    Parameters
    ----------
    step : float
        The step that it reached.
    file : str or None
        Name of the file with its content.
    path : str or None
        Where its content is, if not in a file of the store.
    n_bytes : int
        Size of the file.

    Raises
    ------
    StoreError
        If the path cannot be stored.
    """
    return {
        "step": float(step),
        **present(file=file, path=encoded(path, "path"), n_bytes=n_bytes if file else None),
    }


def counts_from(groups: Iterable[Mapping[str, Any]]) -> dict[State, int]:
    """Return the trials in each state; unknown states count as failed."""
    counts = dict.fromkeys(State, 0)
    for group in groups:
        is_state = isinstance(group["_id"], str) and group["_id"] in set(State)
        counts[State(group["_id"]) if is_state else State.FAILED] += int(group["n"])
    return counts


def _outcome(of: Trial | Result) -> Document:
    violation = None if of.violations is None else total_violation(of.violations.values())
    return present(
        # Always a float: the validator, the index and the sort compare numbers of one type.
        loss=None if of.loss is None else float(of.loss),
        losses=_float_document(of.losses, "losses"),
        feasible=None if violation is None else violation == 0.0,
        violation=violation,
        violations=_float_document(of.violations, "violations"),
        result=encoded(of.result, "result"),
        error=of.error and present(**encoded(asdict(of.error), "error")),
        duration_s=None if of.duration_s is None else float(of.duration_s),
    )


def _float_document(numbers: Mapping[str, float] | None, where: str) -> Document | None:
    if numbers is None:
        return None
    return encoded({name: float(number) for name, number in numbers.items()}, where)  # type: ignore[no-any-return]


def _trial_fields(document: Mapping[str, Any]) -> tuple[Fields, str, int]:
    """Return the fields of a trial in the current layout, its experiment and its number."""
    label = document_label("Trial", document)
    fields = Fields(migrate(document, TRIAL_STEPS, label), label)
    exp_key, tid = fields.text("exp_key"), fields.integer("tid", least=0)
    if document.get("_id") != trial_id(exp_key, tid):
        is_number = str(document.get("_id")).startswith(f"{exp_key}/")
        fields.refuse("tid" if is_number else "exp_key", "the same as in the _id")
    return fields, exp_key, tid


def _loss_from(fields: Fields, state: State) -> float | None:
    has_one = state is State.DONE and fields.maybe_part("losses") is None
    return fields.number("loss", -math.inf) if has_one else fields.maybe_number("loss")


def _numbers_from(fields: Fields, name: str) -> dict[str, float] | None:
    if fields.maybe_part(name) is None:
        return None
    found = fields.numbers(name)
    if any(math.isnan(number) for number in found.values()):
        fields.refuse(name, "an object of numbers")
    return {key: float(number) for key, number in found.items()}


def _violations_from(fields: Fields) -> dict[str, float] | None:
    """Return the amounts by limit; a trial with several losses and no limits stores none."""
    return _numbers_from(fields, "violations") or (None if fields.maybe_part("losses") is None else {})


def _holder_from(fields: Fields | None) -> Holder | None:
    if fields is None:
        return None
    return Holder(name=fields.text("name"), host=fields.text("host"), pid=fields.integer("pid"))


def _report_from(fields: Fields) -> Report:
    return Report(step=fields.number("step"), value=fields.number("value"), at=fields.maybe_date("at"))


def _ended_from(fields: Fields) -> Ended:
    return Ended(
        attempt=fields.integer("attempt"),
        worker=fields.maybe_text("worker"),
        ended_at=fields.date("ended_at"),
        why=fields.text("why"),
        step=fields.maybe_number("step"),
    )


def _ended_document(ended: Ended) -> Document:
    document = {**asdict(ended), "ended_at": encoded(ended.ended_at, "ended_at")}
    if ended.step is None:
        del document["step"]
    return document


def _checkpoint_from(fields: Fields | None) -> CheckpointPointer | None:
    if fields is None:
        return None
    return CheckpointPointer(
        step=fields.number("step"),
        attempt=fields.count("attempt"),
        at=fields.date("at"),
        n_bytes=fields.maybe_count("n_bytes") or 0,
        file=fields.maybe_text("file"),
        path=fields.maybe_text("path"),
    )


def _rungs_from(fields: Fields) -> tuple[RungValue, ...]:
    return tuple(
        RungValue(part.integer("k"), part.number("step"), part.number("value"))
        for part in fields.parts("rungs")
    )


def _verdict_from(fields: Fields | None) -> Verdict | None:
    if fields is None:
        return None
    return Verdict(
        is_stop=fields.flag("is_stop"),
        step=fields.number("step"),
        value=fields.number("value"),
        reason=fields.text("reason"),
        version=fields.count("version"),
        chance=fields.maybe_number("chance"),
    )


def _invalid_from(fields: Fields | None) -> Invalid | None:
    return None if fields is None else Invalid(at=fields.date("at"), why=fields.text("why"))


def _failure_from(fields: Fields | None) -> Failure | None:
    if fields is None:
        return None
    return Failure(
        kind=fields.one_of("kind", FailureKind),
        message=fields.text("message"),
        type=fields.maybe_text("type"),
        traceback=fields.maybe_text("traceback"),
        exit_code=fields.maybe_integer("exit_code"),
        signal=fields.maybe_text("signal"),
        log_tail=fields.maybe_text("log_tail"),
    )
