"""From a configuration back to values, and the errors when none fit."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.errors import SpaceError
from hpsearch.space.expression import call, operation
from hpsearch.space.tree import Space


def x() -> Any:
    return hp.uniform("x", 1, 9)


@pytest.mark.parametrize(
    "build",
    [
        lambda x: x + 2,
        lambda x: 2 + x,
        lambda x: x - 2,
        lambda x: 2 - x,
        lambda x: x * 3,
        lambda x: 3 * x,
        lambda x: x / 3,
        lambda x: 3 / x,
        lambda x: x**3,
        lambda x: 3**x,
        lambda x: -x,
        lambda x: operation("float", x),
        lambda x: (2 * x + 1) / 3 - 5,
        lambda x: [x, x**0.5 * x],
    ],
)
def test_arithmetic_is_inverted(build: Callable[[Any], Any]) -> None:
    space = Space(build(x()))
    for value in (1.0, 3.7, 9.0):
        assert space.values(space.config({"x": value})) == pytest.approx({"x": value}, rel=1e-12)


def test_rounding_is_inverted_to_a_value_with_the_same_result() -> None:
    space = Space({"int": operation("int", x()), "round": round(hp.normal("y", 0, 1), 1)})
    values = space.values({"int": 4, "round": 0.3})
    assert space.config(values) == {"int": 4, "round": 0.3}


def test_quantized_values_are_recovered_on_the_grid() -> None:
    space = Space(2 ** hp.quniform("x", 4, 9, 1))
    assert space.values(128) == {"x": 7.0}


def test_integers_are_recovered_with_their_types() -> None:
    values = Space([hp.uniformint("i", 1, 5), hp.randint("r", 9)]).values([3, np.int64(7)])
    assert values == {"i": 3.0, "r": 7}
    assert [type(v) for v in values.values()] == [float, int]


def test_sums_near_zero_are_recovered() -> None:
    space = Space(hp.uniform("x", 0, 1) - 0.3)
    assert space.values(space.config({"x": 0.3})) == pytest.approx({"x": 0.3})
    assert space.values(1e-17) == {"x": 0.3}


def test_bounds_at_zero_are_recovered() -> None:
    """The rounding error of a sum leaves a value slightly below zero."""
    assert Space(hp.uniform("x", 0, 1) + 0.3).values(math.nextafter(0.3, 0)) == {"x": 0.0}


def test_a_value_beyond_a_bound_by_rounding_is_the_bound() -> None:
    space = Space(hp.uniform("x", 0.1, 0.7) * 3)
    assert space.values(0.1 * 3 * (1 - 1e-15))["x"] == 0.1


def test_a_parameter_without_arithmetic_elsewhere_is_used() -> None:
    """A product of two unknowns is inverted when another place gives one of them."""
    a, b = hp.uniform("a", 1, 2), hp.uniform("b", 1, 2)
    assert Space([a * b, b]).values([3.0, 1.5]) == {"a": 2.0, "b": 1.5}


def test_options_are_tried_until_everything_fits() -> None:
    """An option that fits here may not fit elsewhere."""
    shared = x()
    space = Space([hp.choice("c", [shared, hp.uniform("y", 1, 9)]), shared])
    assert space.values([2.0, 3.0]) == {"c": 1, "x": 3.0, "y": 2.0}


def test_options_are_distinguished_by_type() -> None:
    """True is not 1, text is not a number, NaN is NaN."""
    space = Space(hp.choice("c", [1, True, "1", None, math.nan, (1, 2)]))
    found = [
        space.values(v)["c"] for v in (1, True, "1", None, math.nan, [1, 2], np.int64(1), np.bool_(True))
    ]
    assert found == [0, 1, 2, 3, 4, 5, 0, 1]


def test_options_with_probability_zero_are_not_taken() -> None:
    assert Space(hp.pchoice("c", [(0, "a"), (1, "a")])).values("a") == {"c": 1}


def test_partials_are_matched_by_their_parts() -> None:
    space = Space(functools.partial(math.pow, x(), exponent=[2]))
    assert space.values(functools.partial(math.pow, 3.0, exponent=(2,))) == {"x": 3.0}
    with pytest.raises(SpaceError, match="but in the space it is partial"):
        space.values(functools.partial(math.pow))


def test_long_lists_are_matched() -> None:
    space = Space([list(range(3000)), [hp.randint(f"r{i}", 5) for i in range(500)]])
    values = space.sample(np.random.default_rng(0))
    assert space.values(space.config(values)) == values


@pytest.mark.parametrize(
    ("expression", "config", "text"),
    [
        (
            {"a": [x()]},
            {"a": [10.0]},
            r"configuration\['a'\]\[0\] is 10.0, which is no value of the parameter 'x'",
        ),
        ({"a": x()}, {"a": "4"}, r"\['a'\] is '4', but the parameter 'x' is a number"),
        ({"a": x()}, {"a": True}, "'x' is a number"),
        ({"a": x()}, {"a": math.nan}, "no value of the parameter 'x'"),
        ({"a": x()}, {"a": 10**400}, "no value of the parameter 'x'"),
        ({"a": x()}, {}, r"is {}, but in the space it has the keys \['a'\]"),
        ({"a": 1}, {"a": 1, "b": 2}, r"in the space it has the keys \['a'\]"),
        ({"a": 1}, 3, r"the configuration is 3, but in the space it has the keys"),
        ([x(), 1], [2.0], "but in the space it has 2 items"),
        ({"a": "lit"}, {"a": "other"}, "is 'other', but in the space it is 'lit'"),
        ([hp.randint("r", 3)], [1.5], "no value of the parameter 'r'"),
        ([hp.randint("r", 3)], [3], "no value of the parameter 'r'"),
        ([hp.quniform("q", 0, 1, 0.1)], [0.55], "no value of the parameter 'q'"),
        (hp.choice("c", ["a", "b"]), "z", "is 'z', which no option of 'c' gives"),
        (
            {"m": hp.choice("c", [{"k": 1, "v": x()}, {"k": 2, "v": 0}])},
            {"m": {"k": 1, "v": 99.0}},
            r"\['m'\]\['v'\] is 99.0, which is no value of the parameter 'x'",
        ),
        (x() % 2, 1.0, r"comes from \(x % 2\), which cannot be inverted"),
        (call(math.exp, x()), 7.0, "comes from call.exp, x., which cannot be inverted"),
        (x() * hp.uniform("y", 1, 2), 3.0, r"comes from \(x \* y\), where more than one operand is unknown"),
        (x() * 2, "ab", r"is 'ab', which \(x \* 2\) does not give"),
        (x() * 0, 3.0, "does not give"),
        (x() ** 2, -4.0, "does not give"),
        (operation("int", x()), 2.5, "does not give"),
    ],
)
def test_a_mismatch_is_named_with_its_place(expression: Any, config: Any, text: str) -> None:
    with pytest.raises(SpaceError, match=text):
        Space(expression).values(config)


def test_contradicting_places_are_named() -> None:
    shared = x()
    with pytest.raises(SpaceError, match=r"\[1\] is 3.0, but 'x' is 2.0 elsewhere"):
        Space([shared, shared]).values([2.0, 3.0])
    choice = hp.choice("c", ["a", "b"])
    with pytest.raises(SpaceError, match=r"\[1\] is 'b', which no option of 'c' gives"):
        Space([choice, choice]).values(["a", "b"])
    with pytest.raises(SpaceError, match=r"\[1\] is 5.0, which \(x \* 2\) does not give"):
        Space([shared, shared * 2]).values([2.0, 5.0])
