"""Converts trials to Hyperopt's documents and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import FailureKind, State, Trial
from hpsearch.hyperopt.engine.documents import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    STATUS_NEW,
    Doc,
    new_misc,
    spec_from_misc,
)
from hpsearch.hyperopt.engine.outcomes import outcome_fields
from hpsearch.hyperopt.engine.pruning import pruned_result
from hpsearch.hyperopt.exceptions import InvalidTrial
from hpsearch.hyperopt.migration.job_import import point_of, with_outcome
from hpsearch.objective.evaluation import STATUS_FAIL, STATUS_OK
from hpsearch.space.tree import Space

#: Failures with a returned result; Hyperopt counts these trials as done.
_RETURNED = frozenset({FailureKind.REPORTED, FailureKind.NAN})

#: The result of an unfinished trial.
_NO_RESULT: Mapping[str, Any] = {"status": STATUS_NEW}

#: Origin of a trial that a script inserted.
ORIGIN = "script"


class InvalidMongoTrial(InvalidTrial):
    """A document cannot be inserted as a trial; ``obj`` is the document."""


def labels_of(experiment: Experiment) -> list[str]:
    """Return the labels of all parameters of an experiment, without decoding its space."""
    return [parameter["label"] for parameter in experiment.space.get("parameters", ())]


def doc_of(trial: Trial, labels: Sequence[str], exp_key: Any) -> Doc:
    """Return a trial as a document.

    Parameters
    ----------
    trial : Trial
        From the store.
    labels : sequence of str
        The labels of all parameters of the space; inactive ones get no value.
    exp_key : any
        The ``exp_key`` of the document, as the script gave it.
    """
    misc = new_misc(trial.tid, trial.values, labels or list(trial.values))
    doc = {
        "_id": trial.id,
        "state": _job_state(trial),
        "tid": trial.tid,
        "spec": None,
        "result": _result(trial),
        "misc": misc,
        "exp_key": exp_key,
        "owner": None if trial.worker is None else [f"{trial.worker.host}:{trial.worker.pid}"],
        "version": trial.attempt,
        "book_time": _naive(trial.claimed_at),
        "refresh_time": _naive(trial.finished_at or trial.heartbeat_at),
    }
    if doc["state"] == JOB_STATE_ERROR and trial.error is not None:
        doc["error"] = misc["error"] = (trial.error.type or trial.error.kind.value, trial.error.message)
    return doc


def trial_of(doc: Doc, exp_key: str, space: Space | None) -> Trial:
    """Return the trial of a pending or finished document.

    Parameters
    ----------
    doc : dict
        Valid for ``checked_doc``.
    exp_key : str
        Name of the trial's experiment.
    space : Space, optional
        The space of the experiment; None if it has none yet.

    Raises
    ------
    InvalidMongoTrial
        If the document is running, or its number is not an int of at least 0.
    SpaceError
        If its point is invalid in the space.
    """
    tid, values = doc["tid"], spec_from_misc(doc["misc"])
    if not isinstance(tid, int) or tid < 0:
        raise InvalidMongoTrial(f"The number of a trial in MongoDB is 0, 1, 2, ..., not {tid!r}.", doc)
    if doc["state"] == JOB_STATE_RUNNING:
        raise InvalidMongoTrial(
            f"Trial {tid} cannot be inserted as running, since no worker holds it; insert it as new or done.",
            doc,
        )
    point = values if space is None else point_of(space, values)
    params = values if space is None else space.params(point)
    pending = Trial(exp_key=exp_key, tid=tid, values=point, params=params, origin=ORIGIN)
    return with_outcome(pending, doc)


def _job_state(trial: Trial) -> int:
    if trial.invalid is not None:
        return JOB_STATE_ERROR  # Hyperopt ignores such trials
    match trial.state:
        case State.PENDING:
            return JOB_STATE_NEW
        case State.RUNNING:
            return JOB_STATE_RUNNING
        case State.CANCELLED:
            return JOB_STATE_CANCEL
        case State.FAILED if trial.error is None or trial.error.kind not in _RETURNED:
            return JOB_STATE_ERROR
    return JOB_STATE_DONE


def _result(trial: Trial) -> Doc:
    if trial.state is State.DONE:
        return {**trial.result, **outcome_fields(trial), "status": STATUS_OK}
    if trial.state is State.FAILED and trial.error is not None and trial.error.kind in _RETURNED:
        is_nan = trial.error.kind is FailureKind.NAN
        return {**trial.result, "status": STATUS_OK if is_nan else STATUS_FAIL}
    if trial.state is State.PRUNED:
        return pruned_result(trial.pruned or "", [(report.step, report.value) for report in trial.reports])
    return dict(trial.result) or dict(_NO_RESULT)


def _naive(time: datetime | None) -> datetime | None:
    """Return a time in UTC without a zone, as Hyperopt's documents have it."""
    return None if time is None else time.astimezone(UTC).replace(tzinfo=None)
