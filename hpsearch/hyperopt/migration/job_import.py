"""Hyperopt's trials as ours: its documents in, our trials out; pure.

What Hyperopt did is kept: points, losses, results, errors, times, and the number of each
job, in ``origin``. What it left unfinished waits: jobs that nobody began, jobs whose
worker is gone, and those that a signal to their worker ended.
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

#: What the origin of an imported trial begins with; its number in Hyperopt follows.
ORIGIN = "hyperopt:"

#: Hyperopt's exceptions by which a signal to the worker ended an evaluation.
_SIGNALS = frozenset({"hyperopt.mongoexp.Shutdown", "hyperopt.mongoexp.WaitQuit"})

#: Characters of what is wrong with a document.
_MAX_PROBLEM = 500

_CLASS = re.compile(r"<class '(?P<name>[^']+)'>")


class JobSource(Protocol):
    """Where Hyperopt keeps jobs."""

    def exp_keys(self) -> list[Any]:
        """Return the keys of its experiments; None where jobs have none."""
        ...

    def jobs(self, exp_key: Any) -> list[Doc]:
        """Return the documents of an experiment, in order of their numbers."""
        ...

    def attachments(self, job: Doc) -> Iterator[tuple[str, Any]]:
        """Yield what is attached to a job by name; None for what is listed but not there."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A document and the trial that it became."""

    doc: Doc
    trial: Trial


def read_jobs(docs: Iterable[Doc], exp_key: str, space: Space) -> tuple[list[Job], list[str]]:
    """Return the trials of some documents, and a sentence for each that can be none.

    Parameters
    ----------
    docs : iterable of dict
        In the order in which the trials are to be numbered, from 0 on, without gaps.
    exp_key : str
        The experiment that they are to belong to.
    space : Space
        What their points must be points of.
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
    """Return the active values of a point, all of which must be in range.

    Hyperopt's ``atpe`` also writes values for parameters that are not active: they say nothing.
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
    """Return a trial with what its document says became of it: nothing yet, an end, or a cancellation."""
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
    """Return what came of a job, or None if it is to be evaluated, or once more."""
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
    """Return the class and the message of what a job raised, as far as its document tells."""
    match doc.get("error") or doc["misc"].get("error"):
        case [kind, message]:
            return kind, message
        case None:
            return "", "The objective raised."
        case other:
            return "", other


def _holder(owner: Any) -> Holder | None:
    """Return the worker that a document names as ``host:pid``, alone or in a list."""
    text = owner[0] if isinstance(owner, list | tuple) and owner else owner
    if not text:
        return None
    host, _, pid = str(text).rpartition(":")
    if not host or not pid.isdecimal():
        return Holder(name=str(text), host=str(text), pid=0)
    return Holder(name=f"{host}-{pid}", host=host, pid=int(pid))


def aware(time: Any) -> datetime | None:
    """Return a time that is in UTC, whether it says so or not."""
    if not isinstance(time, datetime):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
