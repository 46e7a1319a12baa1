"""Converts the trials of a study to trials of a space; their ``origin`` holds the number in the study."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import replace
from typing import Any

import numpy as np

from hpsearch.core.experiment import Experiment
from hpsearch.core.goal import Goal
from hpsearch.core.trial import Failure, FailureKind, Report, Result, Trial
from hpsearch.errors import SpaceError
from hpsearch.integrations.optuna.space import option_index
from hpsearch.integrations.optuna.study import ENDED, StudyTrial, TrialState
from hpsearch.objective.evaluation import read_result
from hpsearch.objective.sanitize import sanitized
from hpsearch.runtime.escaping import named
from hpsearch.space.evaluation import evaluate
from hpsearch.space.expression import Choice, DictOf, Node, as_node
from hpsearch.space.parameters import labelled_nodes
from hpsearch.space.points import point_of
from hpsearch.space.tree import Space, Values

#: Prefix of the origin of an imported trial, before its number in the study.
ORIGIN = "optuna:"

#: System attributes: parameters of an enqueued trial, why a trial failed, and values of constraints.
_FIXED, _FAIL_REASON, _CONSTRAINTS = "fixed_params", "fail_reason", "constraints"

#: Equal to no value that Optuna suggests.
_NO_VALUE = object()


def converted(
    source: StudyTrial, experiment: Experiment, space: Space, constants: Set[str], objective: int
) -> Trial:
    """Return a trial of a study as one of an experiment, without a number yet.

    Parameters
    ----------
    source : StudyTrial
        The trial in the study; not running.
    experiment : Experiment
        To which it will belong; its goal says the sign of the loss.
    space : Space
        The space of the experiment.
    constants : set of str
        Parameters that have one value in the whole study; the space need not have them.
    objective : int
        Index of the value that is the loss.

    Raises
    ------
    SpaceError
        If its parameters are no point of the space.
    """
    values = _point(source, space, constants)
    pending = Trial(
        exp_key=experiment.exp_key,
        exp_created_at=experiment.created_at,
        tid=-1,
        values=values,
        params=space.params(values),
        origin=f"{ORIGIN}{source.number}",
        max_attempts=experiment.defaults.max_attempts,
        lease_s=experiment.defaults.lease_s,
        created_at=source.started_at,
    )
    if source.state not in ENDED:
        return pending
    result, started, ended = _result(source, experiment.goal, objective), source.started_at, source.ended_at
    return replace(
        pending,
        state=result.state,
        attempt=1,
        claimed_at=started,
        finished_at=ended,
        duration_s=(ended - started).total_seconds() if started and ended else None,
        loss=result.loss,
        result=result.result,
        error=result.error,
        pruned=result.pruned,
        reports=tuple(
            Report(step=step, value=experiment.goal.loss(value), at=ended)
            for step, value in sorted(source.reports.items())
        ),
    )


def _point(source: StudyTrial, space: Space, constants: Set[str]) -> Values:
    """Return the values of a trial; what an enqueued one leaves open is drawn, by its number."""
    given = {label: one.value for label, one in source.params.items()}
    if source.state is TrialState.WAITING:
        given = dict(source.system_attrs.get(_FIXED) or {})
    readable = {
        label: _readable(space, label, value)
        for label, value in given.items()
        if label in space.nodes or label not in constants
    }
    values = point_of(space, readable, np.random.default_rng(source.number))
    missing = [label for label in values if label not in readable]
    if missing and source.state is not TrialState.WAITING:
        raise SpaceError(f"The parameter {named(missing[0])} is missing.")
    return values


def _readable(space: Space, label: str, value: Any) -> Any:
    """Return a value as ``Space.params`` shows it: an option of a choice by its value or name."""
    choice = space.nodes.get(label)
    if not isinstance(choice, Choice):
        return value
    options = [_option_value(option, label) for option in choice.options]
    index = option_index(options, evaluate(as_node(value), {}))
    return value if index is None else space.params({label: index})[label]


def _option_value(option: Node, label: str) -> Any:
    """Return the constant value of an option: itself, or what it has under the name of the choice."""
    node = dict(option.items).get(label) if isinstance(option, DictOf) else option
    return _NO_VALUE if node is None or labelled_nodes(node) else evaluate(node, {})


def _result(source: StudyTrial, goal: Goal, objective: int) -> Result:
    attrs: Mapping[str, Any] = {
        **({"user_attrs": source.user_attrs} if source.user_attrs else {}),
        **({"values": list(source.values)} if len(source.values) > 1 else {}),
        **({_CONSTRAINTS: found} if (found := source.system_attrs.get(_CONSTRAINTS)) else {}),
    }
    if source.state is TrialState.COMPLETE:
        return read_result({**attrs, "loss": source.values[objective]}, goal)
    kept, problems = sanitized(attrs)
    if source.state is TrialState.PRUNED:
        return Result(loss=None, result=kept, pruned="pruned in Optuna")
    message = str(source.system_attrs.get(_FAIL_REASON) or "The trial failed in Optuna.")
    failure = Failure(kind=FailureKind.EXCEPTION, message=" ".join([message, *problems]))
    return Result(loss=None, result=kept, error=failure)
