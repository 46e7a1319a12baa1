"""Nodes: the results of arithmetic, and errors instead of silently wrong results."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.errors import SpaceError
from hpsearch.space.expression import call
from hpsearch.space.operations import INVERSES, OPERATIONS, SYMBOLS
from hpsearch.space.tree import Space

X = hp.quniform("x", 1, 9, 1)


def evaluated(node: Any, value: float = 7.0) -> Any:
    return Space(node).config({"x": value})


@pytest.mark.parametrize(
    ("build", "value"),
    [
        (lambda x: x + 2, 9.0),
        (lambda x: 2 + x, 9.0),
        (lambda x: x - 2, 5.0),
        (lambda x: 2 - x, -5.0),
        (lambda x: x * 2, 14.0),
        (lambda x: 2 * x, 14.0),
        (lambda x: x / 2, 3.5),
        (lambda x: 14 / x, 2.0),
        (lambda x: x // 2, 3.0),
        (lambda x: 15 // x, 2.0),
        (lambda x: x % 4, 3.0),
        (lambda x: 9 % x, 2.0),
        (lambda x: x**2, 49.0),
        (lambda x: 2**x, 128.0),
        (lambda x: -x, -7.0),
        (lambda x: abs(x - 9), 2.0),
        (lambda x: round(x / 2), 4),
        (lambda x: round(x / 9, 2), 0.78),
        (lambda x: x < 7, False),
        (lambda x: x <= 7, True),
        (lambda x: x > 7, False),
        (lambda x: x >= 7, True),
        (lambda x: x > 3, True),
        (lambda x: np.float64(2) * x, 14.0),
        (lambda x: np.int64(2) - x, -5.0),
        (lambda x: call(max, x, 8), 8),
        (lambda x: call(dict, a=x), {"a": 7.0}),
        (lambda x: hp.choice("one", [str.upper])("a"), "A"),
    ],
)
def test_arithmetic_is_pythons(build: Callable[[Any], Any], value: Any) -> None:
    node = build(X)
    labels = {p.label for p in Space(node).parameters}
    config = Space(node).config({k: {"x": 7.0, "one": 0}[k] for k in labels})
    assert config == value
    assert type(config) is type(value)


def test_containers_can_be_indexed() -> None:
    node = hp.choice("c", [(10, 20), {"a": 1, 1: 30}])
    assert Space(node[1]).config({"c": 0}) == 20
    assert Space(node[1]).config({"c": 1}) == 30


@pytest.mark.parametrize(
    ("use", "text"),
    [
        (lambda x: x == 1, "== cannot compare"),
        (lambda x: x != 1, "== cannot compare"),
        (lambda x: x in [1], "== cannot compare"),
        (lambda x: 1 in x, "has no items"),
        (bool, "neither true nor false"),
        (lambda x: x and 1, "neither true nor false"),
        (lambda x: not x, "neither true nor false"),
        (len, "has no length"),
        (list, "has no items"),
        (lambda x: (lambda *_: None)(*x), "has no items"),
    ],
)
def test_questions_about_the_value_of_a_node_raise(use: Callable[[Any], Any], text: str) -> None:
    """The message names the parameter."""
    with pytest.raises(SpaceError, match=rf"^hp.quniform\('x'\) has no value yet.*{text}"):
        use(X)


def test_chained_comparisons_raise() -> None:
    """Python takes the truth of the first comparison, which is a node."""
    with pytest.raises(SpaceError, match=r"<gt in a space> has no value yet.*a < b < c"):
        0 < X < 1  # noqa: B015


def test_nodes_are_equal_to_themselves_only() -> None:
    """Nodes serve as keys by identity."""
    other = hp.quniform("x", 1, 9, 1)
    assert {X: 1, other: 2}[X] == 1
    assert X in [other, X][1:]


def test_nodes_can_be_copied_and_pickled() -> None:
    """Shared nodes stay shared in the copy."""
    for again in (copy.deepcopy([X, X]), pickle.loads(pickle.dumps([X, X]))):
        assert again[0] is again[1]
        assert Space(again).config({"x": 3.0}) == (3.0, 3.0)


def test_a_copied_space_is_the_same_space() -> None:
    space = Space({"x": X, "y": X + 1})
    assert pickle.loads(pickle.dumps(space)).fingerprint == space.fingerprint


def test_a_parameter_cannot_be_a_key() -> None:
    with pytest.raises(SpaceError, match=r"dict key in the space\['a'\] is the parameter hp.quniform\('x'\)"):
        Space({"a": {X: 1}})


def test_a_parameter_of_another_package_is_refused() -> None:
    """As a plain value, it would not be searched."""
    apply = type("Apply", (), {"__module__": "hyperopt.pyll.base"})
    with pytest.raises(SpaceError, match=r"the space\['x'\] holds a parameter of Hyperopt's own hp"):
        Space({"x": apply()})


def test_containers_that_contain_themselves_are_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(SpaceError, match="nested deeper than 25 containers"):
        Space(endless)


def test_endless_arithmetic_is_refused() -> None:
    node: Any = X
    for _ in range(5000):
        node = node + 1
    with pytest.raises(SpaceError, match="nested deeper than 100 levels"):
        Space(node)


def test_depth_counts_through_shared_nodes() -> None:
    """Neither half is too deep, and the lower one is visited first."""
    lower: Any = X
    for _ in range(60):
        lower = lower + 1
    upper = lower
    for _ in range(60):
        upper = upper + 1
    Space([lower])
    with pytest.raises(SpaceError, match="nested deeper than 100 levels"):
        Space([lower, upper])


def test_arrays_leave_arithmetic_to_the_node() -> None:
    """One operation on the whole array, not an array of operations."""
    assert evaluated(np.array([1, 2]) * X).tolist() == [7, 14]


def test_every_symbol_and_inverse_belongs_to_an_operation() -> None:
    assert OPERATIONS.keys() >= SYMBOLS.keys() | INVERSES.keys()
