"""What several objectives and limits mean for the end of a search, and what they exclude."""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.core.experiment import Experiment
from hpsearch.core.standing import Standing
from hpsearch.errors import ConfigurationError, PredicateError
from hpsearch.runtime.spelling import did_you_mean
from hpsearch.space.predicate import parse


def check_outcomes(experiment: Experiment) -> None:
    """Check that the limits and the pruner of a search fit its objectives.

    Raises
    ------
    ConfigurationError
        If a setting needs one objective and there are several, or ``until`` is no condition on objectives.
    """
    outcomes, budget = experiment.outcomes, experiment.budget
    if experiment.has_several_objectives:
        for is_given, name, advice in (
            (
                budget.loss_threshold is not None,
                "A loss threshold",
                "use --until 'error <= 0.03 and ms <= 10'",
            ),
            (budget.until_worth is not None, "--until-worth", "leave it out"),
            (experiment.pruner.is_on, "A pruner", "leave it out"),
        ):
            if is_given:
                raise ConfigurationError(f"{name} needs one objective, and there are several: {advice}.")
    if budget.until is not None:
        _check_condition(budget.until, (experiment.goal.name,) if outcomes is None else outcomes.names)


def is_reached(experiment: Experiment, standing: Standing) -> bool:
    """Whether a trial on the front, or the best one, fulfils the condition that ends a search.

    Parameters
    ----------
    experiment : Experiment
        The search.
    standing : Standing
        Its best trial or front.
    """
    if experiment.budget.until is None:
        return False
    condition, goal = parse(experiment.budget.until), experiment.goal
    if standing.best is not None and standing.best.loss is not None:
        return condition.selects({goal.name: goal.value(standing.best.loss)})
    trials = () if standing.front is None else standing.front.trials
    return any(condition.selects(trial.losses or {}) for trial in trials)


def _check_condition(text: str, names: Sequence[str]) -> None:
    try:
        used = parse(text).names
    except PredicateError as error:
        raise ConfigurationError(f"--until: {error}") from error
    for name in used:
        if name not in names:
            hint = did_you_mean(name, names) or f"; there are: {', '.join(names)}"
            raise ConfigurationError(f"--until has {name!r}, which is no objective of the search{hint}.")
