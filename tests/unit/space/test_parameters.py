"""The flat list of parameters: labels, order, paths, and the number of points."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.errors import SpaceError
from hpsearch.space.tree import Condition, Parameter, Space


def paths(space: Space) -> dict[str, set[str]]:
    return {
        p.label: {",".join(f"{c.label}={c.option}" for c in path) for path in p.paths}
        for p in space.parameters
    }


def x(label: str = "x") -> Any:
    return hp.uniform(label, 0, 1)


def test_paths_name_every_choice_above() -> None:
    inner = hp.choice("inner", [x(), 0])
    space = Space({"a": hp.choice("outer", [0, {"b": [inner]}]), "c": x("y")})
    assert paths(space) == {"outer": {""}, "inner": {"outer=1"}, "x": {"outer=1,inner=0"}, "y": {""}}


def test_a_shared_node_has_a_path_for_each_place() -> None:
    shared = x()
    space = Space([hp.choice("a", [shared, 0]), hp.choice("b", [0, [shared]])])
    assert paths(space)["x"] == {"a=0", "b=1"}
    for a, b in itertools.product((0, 1), repeat=2):
        assert ("x" in space.active({"a": a, "b": b})) == (a == 0 or b == 1)


def test_an_unconditional_place_makes_the_others_redundant() -> None:
    shared = x()
    assert paths(Space({"z": shared, "a": hp.choice("c", [shared, shared])}))["x"] == {""}


def test_operands_are_active_with_their_operation() -> None:
    assert paths(Space(hp.choice("c", [0, x("l") + 2 * x("r")]))) == {"c": {""}, "l": {"c=1"}, "r": {"c=1"}}


def test_the_order_follows_the_structure_where_possible() -> None:
    shared = x("shared")
    late = hp.choice("late", [shared])
    space = Space([x("first"), hp.choice("c", [x("c0"), [x("c1"), shared]]), late, x("last")])
    assert [p.label for p in space.parameters] == ["first", "c", "c0", "c1", "late", "shared", "last"]


def test_one_label_for_two_nodes_is_refused() -> None:
    """Even if only one of them can be active."""
    with pytest.raises(SpaceError, match="Two different parameters have the label 'x'"):
        Space(hp.choice("c", [x(), x()]))
    with pytest.raises(SpaceError, match="label 'c'"):
        Space(hp.choice("c", [hp.choice("c", [1])]))


def test_paths_do_not_multiply_without_end() -> None:
    """A diamond of choices that share their options."""
    node: Any = x()
    for i in range(12):
        node = hp.choice(f"c{i}", [node, {"same": node}])
    with pytest.raises(SpaceError, match=r"in more than 1000 ways"):
        Space(node)


def test_is_active_evaluates_the_conditions() -> None:
    path = (Condition(label="a", option=0), Condition(label="b", option=1))
    parameter = Parameter(label="x", distribution=x().distribution, paths=(path,))
    assert parameter.is_active({"a": 0, "b": 1})
    assert not parameter.is_active({"a": 0})


@pytest.mark.parametrize(
    ("expression", "n"),
    [
        (1, 1),
        (hp.randint("x", 5), 5),
        ([hp.randint("x", 5), hp.uniformint("y", 1, 3)], 15),
        (x(), None),
        (hp.choice("c", [x(), 0]), None),
        (hp.pchoice("c", [(0.0, x()), (1.0, 0)]), 1),
        (hp.choice("c", [0, hp.randint("x", 5), [hp.randint("y", 2), hp.randint("z", 3)]]), 1 + 5 + 6),
        ([hp.choice(f"c{i}", [0, hp.randint(f"x{i}", 2)]) for i in range(40)], 3**40),
    ],
)
def test_number_of_points(expression: Any, n: int | None) -> None:
    assert Space(expression).n_points == n


def test_a_parameter_shared_by_many_choices_is_counted_fast() -> None:
    """It is active whenever one choice activates it."""
    shared = hp.randint("shared", 7)
    space = Space([hp.choice(f"c{i}", [0, shared]) for i in range(60)])
    assert space.n_points == (2**60 - 1) * 7 + 1


@st.composite
def finite(draw: st.DrawFn) -> Space:
    """Small finite spaces with shared nodes in nested choices."""
    pool: list[Any] = [hp.randint("r0", 2), hp.randint("r1", 3)]
    for i in range(draw(st.integers(1, 3))):
        options = st.lists(st.one_of(st.just(0), st.sampled_from(pool)), min_size=1, max_size=3)
        pool.append(hp.choice(f"c{i}", draw(options)))
    return Space(draw(st.lists(st.sampled_from(pool), max_size=3)))


@given(finite())
def test_the_number_of_points_agrees_with_enumeration(space: Space) -> None:
    """Every combination of all parameters, reduced to the active ones, counted once."""
    labels = [p.label for p in space.parameters]
    domains = [range(p.distribution.n_values or 0) for p in space.parameters]
    points = set()
    for combination in itertools.product(*domains):
        values = dict(zip(labels, combination, strict=True))
        points.add(tuple((label, values[label]) for label in space.active(values)))
    assert space.n_points == len(points)
