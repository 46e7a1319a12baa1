"""Conditions under every algorithm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hpsearch import hp, where
from hpsearch.core.experiment import Algorithm
from hpsearch.core.history import History
from hpsearch.errors import SpaceExhaustedError
from hpsearch.space.distribution import Categorical
from hpsearch.space.tree import Space
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.branches import Branches
from hpsearch.suggest.names import ALGORITHMS
from hpsearch.suggest.no_repeats import NoRepeats
from tests.support.histories import add, rngs, spaces

#: Options that let a short search reach every kind of turn.
OPTIONS: dict[str, dict[str, Any]] = {
    "auto": {"n_startup": 4},
    "tpe": {"n_startup": 4},
    "anneal": {"avg_best_idx": 1.5},
    "mix": {"shares": {"tpe": 1, "anneal": 2, "random": 1}},
    "random": {},
}


@st.composite
def conditioned_spaces(draw: st.DrawFn) -> Space:
    """Spaces with up to three conditions that at least one point satisfies."""
    space = draw(spaces())
    point = space.sample(np.random.default_rng(draw(st.integers(0, 99))))
    seen = space.conditions.visible(point)
    ways = {label: draw(st.sampled_from(["<=", ">="])) for label in seen}

    def comparison() -> str:
        parameter = draw(st.sampled_from(space.parameters))
        name = f"p[{parameter.label!r}]"
        if parameter.label not in point:
            is_choice = isinstance(parameter.distribution, Categorical)
            return f"{name} {'is None' if is_choice else draw(st.sampled_from(['== 1', '< 0.5', '>= 1']))}"
        value = seen[parameter.label]
        if isinstance(parameter.distribution, Categorical):
            return f"{name} == {value!r}"
        return f"{name} {ways[parameter.label]} {value!r}"  # always the same, else one point is left

    conditions = []
    for _ in range(draw(st.integers(1, 3)) if space.parameters else 0):
        form = draw(st.sampled_from(["{0}", "{0} or {1}", "{0} and {1}", "not (not {0})"]))
        conditions.append(form.format(comparison(), comparison()))
    return Space(where(space.expression, *conditions))


@pytest.mark.parametrize("name", ALGORITHMS)
@settings(max_examples=8, phases=(Phase.explicit, Phase.generate))
@given(space=conditioned_spaces(), data=st.data())
def test_every_suggestion_of_every_algorithm_is_allowed(name: str, space: Space, data: Any) -> None:
    suggester = make_suggester(Algorithm(name=name, options=OPTIONS[name]), space)
    history = History(space)
    for tid in range(10):
        (suggestion,) = suggester.suggest(history, [], rngs(1, first=tid))
        space.validate(suggestion.values)
        add(history, suggestion.values, float(np.random.default_rng(tid).normal()))
    batch = suggester.suggest(history, [], rngs(9, first=20))
    for suggestion in batch:
        space.validate(suggestion.values)


@pytest.mark.parametrize("start", ["random", "sobol"])
def test_the_first_points_are_allowed(start: str) -> None:
    space = Space(where({x: hp.uniform(x, 0, 1) for x in "ab"}, "a + b < 0.5"))
    suggester = make_suggester(Algorithm(name="tpe", options={"start": start}), space)
    found = suggester.suggest(History(space), [], rngs(8))
    assert {suggestion.origin for suggestion in found} == {start}
    for suggestion in found:
        space.validate(suggestion.values)


@pytest.mark.parametrize("name", ["auto", "tpe"])
def test_models_find_the_best_allowed_point(name: str) -> None:
    """The minimum of a plane on an edge that a condition draws; random search would end near .1."""
    space = Space(where({x: hp.uniform(x, 0, 1) for x in "ab"}, "a + b > 1"))
    suggester = make_suggester(Algorithm(name=name), space)
    history = History(space)
    for tid in range(30):
        (suggestion,) = suggester.suggest(history, [], rngs(1, first=tid))
        values = suggestion.values
        add(history, values, (values["a"] - 0.3) ** 2 + (values["b"] - 0.3) ** 2)
    assert history.losses.min() - 0.08 < 0.02


def test_without_repeats_every_allowed_point_is_tried_once() -> None:
    space = Space(
        where(
            {"i": hp.randint("i", 6), "c": hp.choice("c", ["a", {"b": hp.randint("b", 6)}])},
            "(i + b) % 5 == 0",
            "i > 1",
        )
    )
    allowed = [(i, b) for i in range(2, 6) for b in range(6) if (i + b) % 5 == 0]
    suggester = NoRepeats(make_suggester(Algorithm(name="random"), space), space)
    history, found = History(space), set[Any]()
    for tid in range(len(allowed) + 4):
        (suggestion,) = suggester.suggest(history, [], rngs(1, first=tid))
        add(history, suggestion.values, 0.0)
        found.add(tuple(suggestion.values.items()))
    assert len(found) == len(history)
    with pytest.raises(SpaceExhaustedError, match=f"All {len(found)} points"):
        suggester.suggest(history, [], rngs(1))


def test_a_branch_that_conditions_forbid_deserves_no_trial() -> None:
    options = [{"kind": kind, "x": hp.uniform(kind, 0, 1)} for kind in ("a", "b", "c")]
    space = Space(where(hp.choice("kind", options), "kind != 'b'"))
    branches, history = Branches(space), History(space)
    for tid in range(20):
        add(history, {"kind": 0, "a": tid / 20}, float(tid))
    neglected = branches.neglected(history, [])
    assert neglected is not None
    assert neglected.options == {"kind": 2}


def test_conditions_cost_a_space_without_them_nothing() -> None:
    """The same suggester, not a wrapper of it."""
    space = Space(hp.uniform("x", 0, 1))
    with_condition = Space(where(hp.uniform("x", 0, 1), "x < 0.5"))
    algorithm = Algorithm(name="random")
    assert type(make_suggester(algorithm, space)) is not type(make_suggester(algorithm, with_condition))
