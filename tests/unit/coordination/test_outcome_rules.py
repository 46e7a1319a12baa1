"""Several objectives and limits: what they exclude, and when a condition ends a search."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.coordination.outcome_rules import check_outcomes, is_reached
from hpsearch.core.experiment import Budget, Pruner
from hpsearch.core.goal import Goal
from hpsearch.core.standing import standing_of
from hpsearch.errors import ConfigurationError
from tests.support.declared_outcomes import declared, done
from tests.support.progress_states import experiment

TWO = declared(["error:min", "ms:min"], ["ms <= 20"])


@pytest.mark.parametrize(
    "fields",
    [
        {"budget": Budget(loss_threshold=0.1)},
        {"budget": Budget(until_worth=0.1)},
        {"pruner": Pruner(name="asha")},
    ],
)
def test_what_needs_one_loss_is_refused_with_several(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="needs one objective, and there are several"):
        check_outcomes(experiment(outcomes=TWO, **fields))
    check_outcomes(experiment(outcomes=declared(limits=["ms <= 20"]), **fields))


@pytest.mark.parametrize(
    ("until", "complaint"),
    [("eror < 1", "did you mean 'error'"), ("error <", "--until: "), ("size < 3", "there are: error, ms")],
)
def test_a_condition_names_objectives(until: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        check_outcomes(experiment(outcomes=TWO, budget=Budget(until=until)))


def test_a_condition_is_reached_by_one_trial_on_the_front() -> None:
    search = experiment(outcomes=TWO, budget=Budget(until="error <= 0.1 and ms <= 10"))
    apart = [done(0, {"error": 0.1, "ms": 11.0}), done(1, {"error": 0.2, "ms": 5.0})]
    exceeding = done(2, {"error": 0.0, "ms": 0.0}, {"ms": 1.0})
    reaching = done(3, {"error": 0.1, "ms": 10.0})
    assert not is_reached(search, standing_of([*apart, exceeding], TWO))
    assert is_reached(search, standing_of([*apart, reaching], TWO))
    assert not is_reached(experiment(outcomes=TWO), standing_of([reaching], TWO))


def test_with_one_objective_the_best_trial_reaches_it_as_the_user_sees_it() -> None:
    goal = Goal(metric="accuracy", maximize=True)
    search = experiment(goal=goal, budget=Budget(until="accuracy >= 0.9"))
    assert not is_reached(search, standing_of([done(0, -0.8)], None))
    assert is_reached(search, standing_of([done(0, -0.9)], None))
