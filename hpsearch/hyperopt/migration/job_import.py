"""Converts Hyperopt's documents to trials.

Trials keep the points, losses, results, errors and times of Hyperopt's jobs, and their numbers in
``origin``. Unfinished jobs become pending: those that were never started, those whose worker
disappeared, and those that a signal to their worker interrupted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from hpsearch.core.trial import FINISHED, Failure, FailureKind, Holder, Result, State, Trial
from hpsearch.errors import SpaceError
from hpsearch.hyperopt.engine.documents import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    STATUS_NEW,
    Doc,
    checked_doc,
    spec_from_misc,
)
from hpsearch.hyperopt.exceptions import InvalidTrial
from hpsearch.objective.evaluation import read_result
from hpsearch.objective.sanitize import sanitized
from hpsearch.runtime.escaping import one_line, shown
from hpsearch.space.distribution import Numeric
from hpsearch.space.expression import as_python
from hpsearch.space.tree import Space, Values

#: Prefix of the origin of an imported trial, before its number in Hyperopt.
ORIGIN = "hyperopt:"

#: Hyperopt's exceptions for an evaluation that a signal to the worker interrupted.
_SIGNALS = frozenset({"hyperopt.mongoexp.Shutdown", "hyperopt.mongoexp.WaitQuit"})

#: Maximum length of the description of an invalid document.
_MAX_PROBLEM = 500

_CLASS = re.compile(r"<class '(?P<name>[^']+)'>")


class JobSource(Protocol):
    """A source of Hyperopt's jobs."""

    def exp_keys(self) -> list[Any]:
        """Return the keys of its experiments, including None if jobs have no key."""
        ...

    def jobs(self, exp_key: Any) -> list[Doc]:
        """Return the documents of an experiment, in order of their numbers."""
        ...

    def attachments(self, job: Doc) -> Iterator[tuple[str, Any]]:
        """Yield the attachments of a job by name; None for a listed attachment that is missing."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A document and its trial."""

    doc: Doc
    trial: Trial


def read_jobs(docs: Iterable[Doc], exp_key: str, space: Space) -> tuple[list[Job], list[str]]:
    """Convert documents to trials; also return a message for each invalid document.

    Parameters
    ----------
    docs : iterable of dict
        The documents, in order of the new numbers 0, 1, 2, ...
    exp_key : str
        Name of the trials' experiment.
    space : Space
        Space of that experiment; a document with an invalid point is left out.
    """
    jobs: list[Job] = []
    problems: list[str] = []
    for doc in docs:
        try:
            jobs.append(Job(doc, _trial(checked_doc(doc), len(jobs), exp_key, space)))
        except (SpaceError, InvalidTrial, NotImplementedError, OverflowError) as problem:
            number = doc.get("tid") if isinstance(doc, Mapping) else None
            problems.append(f"Job {shown(number)}: {one_line(str(problem), _MAX_PROBLEM)}")
    return jobs, problems


def _trial(doc: Doc, tid: int, exp_key: str, space: Space) -> Trial:
    values = point_of(space, spec_from_misc(doc["misc"]))
    begun, ended = aware(doc["book_time"]), aware(doc["refresh_time"])
    pending = Trial(
        exp_key=exp_key,
        tid=tid,
        values=values,
        params=space.params(values),
        origin=f"{ORIGIN}{doc['tid']}",
        created_at=aware(getattr(doc.get("_id"), "generation_time", None)) or begun,
    )
    trial = with_outcome(pending, doc)
    if trial.state not in FINISHED:
        return trial
    return replace(
        trial,
        attempt=1,
        worker=_holder(doc["owner"]),
        duration_s=None if begun is None or ended is None else (ended - begun).total_seconds(),
    )


def point_of(space: Space, spec: Mapping[str, Any]) -> Values:
    """Return the active values of a point.

    Values of inactive parameters, which Hyperopt's ``atpe`` writes, are ignored.

    Parameters
    ----------
    space : Space
        The space.
    spec : mapping
        Raw values by label.

    Raises
    ------
    SpaceError
        If an active value is missing or out of range, or a label is unknown.
    """
    plain = {label: as_python(value) for label, value in spec.items()}
    unknown = plain.keys() - space.nodes.keys()
    active = space.active(plain)
    values = {label: plain[label] for label in plain if label in active or label in unknown}
    for parameter in space.parameters:
        value = values.get(parameter.label)
        if isinstance(value, int) and isinstance(parameter.distribution, Numeric):
            values[parameter.label] = float(value)
        elif (
            isinstance(value, float)
            and not isinstance(parameter.distribution, Numeric)
            and value.is_integer()
        ):
            values[parameter.label] = int(value)
    space.validate(values)
    return {
        parameter.label: values[parameter.label]
        for parameter in space.parameters
        if parameter.label in values
    }


def with_outcome(pending: Trial, doc: Doc) -> Trial:
    """Return a trial with the state, result and times of its document.

    Parameters
    ----------
    pending : Trial
        The trial before its evaluation.
    doc : dict
        The document.
    """
    ended = aware(doc["refresh_time"])
    if doc["state"] == JOB_STATE_CANCEL:
        return replace(pending, state=State.CANCELLED, finished_at=ended)
    result = _outcome_of(doc)
    if result is None:
        return pending
    return replace(
        pending,
        state=result.state,
        claimed_at=aware(doc["book_time"]),
        finished_at=ended,
        loss=result.loss,
        result=result.result,
        error=result.error,
    )


def _outcome_of(doc: Doc) -> Result | None:
    """Return the outcome of a job, or None if it must be evaluated, perhaps again."""
    if doc["state"] == JOB_STATE_DONE:
        return read_result(doc["result"])
    if doc["state"] != JOB_STATE_ERROR:
        return None
    kind, message = _error_of(doc)
    named = _CLASS.search(str(kind))
    name = named["name"] if named else str(kind)
    if name in _SIGNALS:
        return None
    returned = doc["result"]
    is_something = isinstance(returned, Mapping) and returned != {"status": STATUS_NEW}
    kept, _ = sanitized(returned if is_something else {})
    failure = Failure(kind=FailureKind.EXCEPTION, message=str(message) or name, type=name or None)
    return Result(loss=None, result=kept, error=failure)


def _error_of(doc: Doc) -> tuple[Any, Any]:
    """Return the class and the message of the exception in a document."""
    match doc.get("error") or doc["misc"].get("error"):
        case [kind, message]:
            return kind, message
        case None:
            return "", "The objective raised an exception."
        case other:
            return "", other


def _holder(owner: Any) -> Holder | None:
    """Return the worker from ``host:pid`` in a document, alone or in a list."""
    text = owner[0] if isinstance(owner, list | tuple) and owner else owner
    if not text:
        return None
    host, _, pid = str(text).rpartition(":")
    if not host or not pid.isdecimal():
        return Holder(name=str(text), host=str(text), pid=0)
    return Holder(name=f"{host}-{pid}", host=host, pid=int(pid))


def aware(time: Any) -> datetime | None:
    """Return a time in UTC with its zone; a naive time is UTC."""
    if not isinstance(time, datetime):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
