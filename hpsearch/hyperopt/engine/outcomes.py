"""Several objectives and limits of ``fmin``, in Hyperopt's documents.

The result of a document holds ``losses``, ``violations``, ``feasible`` and ``violation``, as the documents of
a store do. With several objectives it has no ``loss``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hpsearch.core.goal import Goal
from hpsearch.core.outcomes import Outcomes, total_violation
from hpsearch.core.standing import Standing, standing_of
from hpsearch.core.trial import FailureKind, Result, State, Trial
from hpsearch.hyperopt.engine.documents import JOB_STATE_DONE, Doc, why_no_loss
from hpsearch.hyperopt.exceptions import AllTrialsFailed, InvalidOutcome
from hpsearch.objective.evaluation import STATUS_FAIL, STATUS_OK, read_result
from hpsearch.report.front_text import violation_text


def declared_result(returned: Any, goal: Goal, outcomes: Outcomes | None) -> Doc:
    """Return the result of a document for what an objective returned.

    Parameters
    ----------
    returned : any
        What it returned.
    goal : Goal
        That of a search with one objective.
    outcomes : Outcomes or None
        Several objectives, or limits.

    Raises
    ------
    InvalidOutcome
        If a declared number is missing or is no number.
    """
    attachments = {}
    if isinstance(returned, Mapping) and isinstance(returned.get("attachments"), Mapping):
        attachments = {"attachments": returned["attachments"]}
        returned = {name: value for name, value in returned.items() if name != "attachments"}
    found = read_result(returned, goal, outcomes)
    if found.error is not None and found.error.kind is FailureKind.INVALID_RESULT:
        raise InvalidOutcome(found.error.message, returned)
    if found.state is State.FAILED:
        message = {} if found.error is None else {"message": found.error.message}
        return {**found.result, "status": STATUS_FAIL, **message, **attachments}
    return {**found.result, **outcome_fields(found), **attachments, "status": STATUS_OK}


def outcome_fields(done: Trial | Result) -> Doc:
    """Return the parts of a result that hold the losses and the limits of a done trial."""
    fields: Doc = {}
    if done.loss is not None:
        fields["loss"] = done.loss
    if done.losses is not None:
        fields["losses"] = dict(done.losses)
    if done.violations is not None:
        violation = total_violation(done.violations.values())
        fields |= {
            "feasible": violation == 0.0,
            "violation": violation,
            "violations": dict(done.violations),
        }
    return fields


def has_outcomes(doc: Doc, outcomes: Outcomes) -> bool:
    """Whether a trial is done with what a search has declared.

    Parameters
    ----------
    doc : dict
        The document.
    outcomes : Outcomes
        Those of the search.
    """
    result = doc["result"]
    if doc["state"] != JOB_STATE_DONE or result.get("status") != STATUS_OK:
        return False
    names = set(outcomes.names) if outcomes.has_several_objectives else set()
    limits = {limit.name for limit in outcomes.limits}
    return names <= set(result.get("losses") or ()) and limits <= set(result.get("violations") or ())


def trial_with_outcomes(number: int, values: Mapping[str, Any], doc: Doc, outcomes: Outcomes) -> Trial:
    """Return a final document as a trial; failed unless it has what the search has declared.

    Parameters
    ----------
    number : int
        Number of the trial.
    values : mapping
        Its point.
    doc : dict
        The document.
    outcomes : Outcomes
        Those of the search.
    """
    if not has_outcomes(doc, outcomes):
        return Trial(exp_key="", tid=number, values=values, state=State.FAILED)
    result = doc["result"]
    return Trial(
        exp_key="",
        tid=number,
        values=values,
        state=State.DONE,
        loss=None if outcomes.has_several_objectives else float(result["loss"]),
        losses=result["losses"] if outcomes.has_several_objectives else None,
        violations=result.get("violations") or {},
    )


def standing_of_docs(docs: Iterable[Doc], outcomes: Outcomes) -> Standing:
    """Return where a search stands; the number of each trial is its place among the documents.

    Parameters
    ----------
    docs : iterable of dict
        The documents.
    outcomes : Outcomes
        Those of the search.
    """
    return standing_of((trial_with_outcomes(i, {}, doc, outcomes) for i, doc in enumerate(docs)), outcomes)


def best_of(docs: Sequence[Doc], outcomes: Outcomes, every_doc: Iterable[Doc]) -> Doc:
    """Return the document of the best trial, or of the knee of the front.

    Parameters
    ----------
    docs : sequence of dict
        The documents.
    outcomes : Outcomes
        Those of the search.
    every_doc : iterable of dict
        These, and those of failed trials, which explain why there is none.

    Raises
    ------
    AllTrialsFailed
        If there is none.
    """
    standing = standing_of_docs(docs, outcomes)
    found = standing.best if standing.front is None else standing.front.knee
    if found is not None:
        return docs[found.tid]
    closest = standing.least_violated
    if closest is None:
        raise AllTrialsFailed(why_no_loss(every_doc))
    raise AllTrialsFailed(
        f"None of {len(docs)} trials keeps all limits; trial {docs[closest.tid]['tid']} comes closest: "
        f"it {violation_text(closest, outcomes)}."
    )
