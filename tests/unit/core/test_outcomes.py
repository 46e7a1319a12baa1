"""Declared objectives and limits."""

from __future__ import annotations

import math

import pytest

from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.outcomes import (
    declared_outcomes,
    parse_limit,
    parse_objective,
    total_violation,
)
from hpsearch.errors import ConfigurationError
from tests.support.declared_outcomes import declared


def test_losses_are_minimised_in_the_order_of_the_objectives() -> None:
    outcomes = declared(["accuracy:max", "ms:min"], [])
    assert outcomes.minimised({"ms": 3.0, "accuracy": 0.9}) == (-0.9, 3.0)


def test_an_amount_is_negative_inside_its_limit_and_positive_outside() -> None:
    outcomes = declared(["error"], ["memory_gb <= 8", "recall >= 0.5"])
    memory, recall = outcomes.limits
    violations = {"recall": recall.amount(0.75), "memory_gb": memory.amount(10.0)}
    assert outcomes.amounts(violations) == (2.0, -0.25)
    assert total_violation(violations.values()) == 2.0


def test_only_a_limit_against_the_direction_of_an_objective_is_its_reference() -> None:
    outcomes = declared(["accuracy:max", "ms:min", "error"], ["accuracy >= .9", "ms <= 20", "error >= 0"])
    assert outcomes.reference[:2] == (-0.9, 20.0)
    assert math.isnan(outcomes.reference[2])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("memory_gb<=8", "memory_gb <= 8"),
        (" x.y >= -1e-3 ", "x.y >= -0.001"),
        ("two words <= 0.5", "two words <= 0.5"),
        ("slack", "slack <= 0"),
    ],
)
def test_a_limit_is_read_back_from_its_own_text(text: str, shown: str) -> None:
    limit = parse_limit(text)
    assert str(limit) == shown
    assert parse_limit(shown) == limit


@pytest.mark.parametrize("text", ["error:min", "accuracy:max", "a:b:max"])
def test_an_objective_is_read_back_from_its_own_text(text: str) -> None:
    assert str(parse_objective(text)) == text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ms == 3", "is an equality"),
        ("ms = 3", "is an equality"),
        ("ms != 3", "is an equality"),
        ("ms < 3", "write <= instead"),
        ("ms > 3", "write >= instead"),
        ("ms <= fast", "'fast', which is not a finite number"),
        ("ms <= nan", "not a finite number"),
        ("ms <=", "is not NAME <= NUMBER"),
        ("<= 3", "is not NAME <= NUMBER"),
        ("", "is not NAME <= NUMBER"),
        ("1 <= ms <= 3", "not a finite number"),
    ],
)
def test_what_is_no_limit_is_refused_with_a_reason(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        parse_limit(text)


@pytest.mark.parametrize("text", ["error:up", ":min", "error:", ""])
def test_what_is_no_objective_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not NAME:min or NAME:max"):
        parse_objective(text)


def test_one_objective_without_limits_declares_nothing() -> None:
    assert declared_outcomes([], [], LOSS) is None
    assert declared_outcomes([parse_objective("error:min")], [], Goal(metric="error")) is None


def test_one_objective_with_a_limit_is_the_goal() -> None:
    goal = Goal(metric="accuracy", maximize=True)
    found = declared_outcomes([], [parse_limit("accuracy >= 0.9")], goal)
    assert found is not None
    assert [objective.goal for objective in found.objectives] == [goal]
    assert found.reference == (-0.9,)


def test_a_name_has_one_objective_and_one_limit() -> None:
    with pytest.raises(ConfigurationError, match="'ms' has more than one objective"):
        declared(["ms:min", "ms:max"], [])
    with pytest.raises(ConfigurationError, match="'ms' has more than one limit"):
        declared(["ms:min", "error"], ["ms <= 3", "ms >= 1"])


def test_a_returned_constraint_is_an_amount_and_any_other_number_is_compared() -> None:
    outcomes = declared(["error"], ["memory_gb <= 8", "c1"])
    memory, anonymous = outcomes.limits
    assert outcomes.limited(memory, {"constraints": {"memory_gb": -2.0}}) == (-2.0, True)
    assert outcomes.limited(memory, {"memory_gb": 6.0}) == (6.0, False)
    assert outcomes.limited(anonymous, {"constraints": [0.5, 1.5]}) == (1.5, True)
    assert outcomes.limited(memory, {}) == (None, False)


def test_a_limit_of_an_objective_is_compared_where_the_objective_is_read() -> None:
    goal = Goal(maximize=True)
    outcomes = declared_outcomes([], [parse_limit("value >= 0.9")], goal)
    assert outcomes is not None
    assert outcomes.limited(outcomes.limits[0], {"loss": 0.5}) == (0.5, False)
