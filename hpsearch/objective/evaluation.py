"""Calls the objective once, and turns whatever it returns or raises into a ``Result``."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import Failure, FailureKind, Result
from hpsearch.objective.current_trial import (
    CurrentTrial,
    Pruned,
    attachment_problem,
    real_number,
    typed,
    under_evaluation,
)
from hpsearch.objective.declared_numbers import DeclaredNumberError, read_losses, read_violations
from hpsearch.objective.loading import Objective
from hpsearch.objective.sanitize import sanitized
from hpsearch.runtime.escaping import reason, shown

STATUS_OK = "ok"
STATUS_FAIL = "fail"

#: Attachments that an error message names.
_MAX_NAMED = 20

#: Why a trial was pruned if nothing says so.
_UNEXPLAINED = "the objective stopped it"

#: The longest traceback or message to keep, in characters.
_MAX_TEXT = 64 * 1024


class EvaluationFailedError(Exception):
    """Raised by an objective of ours that knows why its evaluation failed.

    Parameters
    ----------
    failure : Failure
        What the trial stores.
    """

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def evaluate(
    objective: Objective,
    make_config: Callable[[], Any],
    trial: CurrentTrial,
    passes: tuple[type[BaseException], ...] = (),
    goal: Goal = LOSS,
    outcomes: Outcomes | None = None,
) -> Result:
    """Evaluate one configuration; an exception of the objective becomes a failed result.

    Parameters
    ----------
    objective : callable
        Takes the configuration; returns a number, or a mapping with ``loss`` or the numbers of several
        objectives and, optionally, ``status`` and anything else. A mapping under ``attachments``, from names
        to bytes, is not part of the result: it is attached as by ``CurrentTrial.attach``.
    make_config : callable
        Returns the configuration; if it raises, the trial fails, too.
    trial : CurrentTrial
        What ``current_trial()`` returns during the call. Afterwards it refuses events of anything that the
        objective left running.
    passes : tuple of exception classes
        Exceptions by which the caller interrupts the objective; they are raised.
    goal : Goal
        The number of the result from which the loss comes.
    outcomes : Outcomes, optional
        The objectives and limits of a search with several losses, or with limits.
    """
    started = time.perf_counter()
    try:
        with under_evaluation(trial):
            # The returned object is foreign code, too: reading it may raise anything.
            result = result_of(objective(make_config()), trial, goal, outcomes)
    except passes:
        raise
    except EvaluationFailedError as error:
        result = Result(loss=None, error=error.failure)
    except Pruned as end:
        result = Result(loss=None, pruned=str(end)[:_MAX_TEXT] or trial.stop_reason or _UNEXPLAINED)
    except SystemExit as error:
        message = f"The objective called sys.exit({shown(error.code)})."
        result = _failed(FailureKind.EXIT, message, error, skip_frames=1)
    except BaseException as error:  # noqa: BLE001 - anything that user code raises is a result
        result = failed_by(error, skip_frames=1)
    return replace(result, duration_s=time.perf_counter() - started)


def result_of(
    returned: Any, trial: CurrentTrial, goal: Goal = LOSS, outcomes: Outcomes | None = None
) -> Result:
    """Return the result that an objective returned, without its duration, and attach its attachments.

    Parameters
    ----------
    returned : object
        What ``evaluate`` describes; anything else gives a failed result.
    trial : CurrentTrial
        Gets the attachments.
    goal : Goal
        The number from which the loss comes.
    outcomes : Outcomes, optional
        See ``evaluate``.
    """
    rest, problems = _take_attachments(returned, trial)
    return read_result(rest, goal, outcomes).with_problems(problems)


def failed_by(error: BaseException, *, skip_frames: int = 0) -> Result:
    """Return the result of an evaluation that raised an exception, without its duration.

    Parameters
    ----------
    error : BaseException
        The exception.
    skip_frames : int
        The first frames of its traceback to leave out, those of the caller.
    """
    return _failed(FailureKind.EXCEPTION, _message_of(error), error, skip_frames=skip_frames)


def read_result(returned: Any, goal: Goal = LOSS, outcomes: Outcomes | None = None) -> Result:
    """Return the result that an objective returned, without its duration.

    Parameters
    ----------
    returned : any
        What it returned.
    goal : Goal
        The number from which the loss comes.
    outcomes : Outcomes, optional
        See ``evaluate``.
    """
    several = outcomes if outcomes is not None and outcomes.has_several_objectives else None
    if not isinstance(returned, Mapping):
        number = real_number(returned)
        if several is not None or goal.metric is not None:
            names = ", ".join(map(repr, several.names)) if several else repr(goal.metric)
            return _invalid(f"The objective returned {typed(returned)}, not a mapping with {names}.")
        if number is None:
            return _invalid(
                f"The objective returned {typed(returned)}, not a number or a mapping with a loss."
            )
        return _with_loss(number, {"loss": number}, goal, outcomes)
    is_complete = several is not None or goal.metric is not None or "loss" in returned
    status = returned.get("status", STATUS_OK if is_complete else None)
    if status == STATUS_FAIL:
        kept, problems = sanitized(returned)
        reported = kept.get("message") or kept.get("error") or "The objective returned the status 'fail'."
        message = " ".join([str(reported)[:_MAX_TEXT], *problems])
        return Result(loss=None, result=kept, error=Failure(kind=FailureKind.REPORTED, message=message))
    if status != STATUS_OK:
        return _invalid(
            f"The objective returned the status {typed(status)}; it must be 'ok' or 'fail'.", returned
        )
    if several is not None:
        return _with_losses(returned, several)
    found = goal.in_result(returned)
    number = real_number(found)
    if number is None:
        problem = f"The objective returned the {goal.metric or 'loss'} {typed(found)}, which is not a number."
        return _invalid(problem, returned)
    return _with_loss(number, returned, goal, outcomes)


def _take_attachments(returned: Any, trial: CurrentTrial) -> tuple[Any, list[str]]:
    """Attach the attachments of a result; return the rest of it, and a sentence for each problem."""
    if not isinstance(returned, Mapping) or not isinstance(returned.get("attachments"), Mapping):
        return returned, []
    problems = []
    try:
        for name, data in returned["attachments"].items():
            problem = attachment_problem(name, data)
            if problem is None:
                trial.attach(name, data)
            else:
                problems.append(problem)
    except Exception as error:  # noqa: BLE001 - a foreign mapping must not cost the loss
        problems.append(f"it cannot be read ({reason(error)})")
    sentences = [f"result['attachments'] was not kept whole: {problem}." for problem in problems[:_MAX_NAMED]]
    return {key: value for key, value in returned.items() if key != "attachments"}, sentences


def _with_losses(returned: Mapping[Any, Any], outcomes: Outcomes) -> Result:
    rest, problems = sanitized(returned)
    kept = {**rest, "status": STATUS_OK}
    try:
        losses, violations = read_losses(returned, outcomes), read_violations(returned, outcomes)
    except DeclaredNumberError as error:
        return _unusable(error.kind, str(error), kept, problems)
    return Result(loss=None, losses=losses, violations=violations, result=kept, error=_dropped(problems))


def _with_loss(number: float, returned: Mapping[Any, Any], goal: Goal, outcomes: Outcomes | None) -> Result:
    rest, problems = sanitized(returned)
    loss = goal.loss(number)
    kept = {**rest, **({"loss": loss} if goal.is_loss else {}), "status": STATUS_OK}
    if np.isnan(loss):
        return _unusable(FailureKind.NAN, f"The {goal.name} is not a number (NaN).", kept, problems)
    try:
        violations = None if outcomes is None else read_violations(returned, outcomes)
    except DeclaredNumberError as error:
        return _unusable(error.kind, str(error), kept, problems)
    return Result(loss=loss, violations=violations, result=kept, error=_dropped(problems))


def _invalid(message: str, returned: Mapping[Any, Any] | None = None) -> Result:
    return _unusable(FailureKind.INVALID_RESULT, message, *sanitized(returned or {}))


def _unusable(kind: FailureKind, message: str, kept: Mapping[str, Any], problems: list[str]) -> Result:
    failure = Failure(kind=kind, message=" ".join([message, *problems]))
    return Result(loss=None, result=kept, error=failure)


def _dropped(problems: list[str]) -> Failure | None:
    return Failure(kind=FailureKind.UNSTORABLE, message=" ".join(problems)) if problems else None


def _failed(kind: FailureKind, message: str, error: BaseException, *, skip_frames: int) -> Result:
    frames = error.__traceback__
    for _ in range(skip_frames):
        frames = frames and frames.tb_next
    lines = traceback.format_exception(type(error), error, frames)
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return Result(
        loss=None,
        error=Failure(
            kind=kind,
            type=name,
            message=message[:_MAX_TEXT],
            traceback="".join(lines)[-_MAX_TEXT:],
        ),
    )


def _message_of(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except BaseException:  # noqa: BLE001 - a broken __str__ must not prevent the record
        return f"{type(error).__name__}, whose text cannot be printed"
