"""Points of one space in another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.warm_start.space_match import SpaceMatch, complete
from tests.support.histories import LEAVES, rngs, spaces


def mapped(there: Any, here: Any, values: Values) -> dict[str, float | int] | None:
    return SpaceMatch(Space(there), Space(here)).point(values)


@given(there=spaces(), here=spaces(), seed=st.integers(0, 1000))
def test_every_completed_point_is_valid_in_the_new_space(there: Space, here: Space, seed: int) -> None:
    (rng,) = rngs(1, seed)
    found = SpaceMatch(there, here).point(there.sample(rng))
    here.validate(complete(here, found or {}, rng))


@given(space=spaces(), seed=st.integers(0, 1000))
def test_a_point_of_the_same_space_is_unchanged(space: Space, seed: int) -> None:
    match, (rng,) = SpaceMatch(Space.from_json(space.to_json()), space), rngs(1, seed)
    values = space.sample(rng)
    assert match.covers
    assert complete(space, match.point(values) or {}, rng) == pytest.approx(values)


@pytest.mark.parametrize("there", LEAVES)
@pytest.mark.parametrize("here", LEAVES)
def test_any_kind_of_parameter_becomes_any_other_or_has_no_counterpart(there: str, here: str) -> None:
    old, new = Space(LEAVES[there]("x")), Space(LEAVES[here]("x"))
    for rng in rngs(20):
        found = SpaceMatch(old, new).point(old.sample(rng))
        if found is not None:
            new.validate(found)


def test_values_outside_the_range_have_no_counterpart_and_those_at_its_edge_are_moved() -> None:
    there, here = hp.uniform("x", 0, 10), hp.uniform("x", 2, 4)
    assert mapped(there, here, {"x": 3.0}) == {"x": 3.0}
    assert mapped(there, here, {"x": 4.01}) == {"x": 4.0}
    assert mapped(there, here, {"x": 4.5}) is None
    log = hp.loguniform("x", math.log(1e-4), math.log(1e-2))
    assert mapped(there, log, {"x": 0.0101}) == {"x": pytest.approx(0.01)}
    assert mapped(there, log, {"x": 0.02}) is None
    assert mapped(there, log, {"x": 0.0}) is None
    assert mapped(there, hp.quniform("x", 0, 8, 2), {"x": 4.9}) == {"x": 4.0}
    assert mapped(there, here, {"x": math.nan}) is None


def test_numbers_and_options_that_are_numbers_are_the_same_values() -> None:
    number, options = hp.uniformint("n", 1, 8), hp.choice("n", [8, 2.0, "four"])
    assert mapped(number, options, {"n": 2.0}) == {"n": 1}
    assert mapped(number, options, {"n": 4.0}) is None
    assert mapped(options, number, {"n": 0}) == {"n": 8.0}
    assert mapped(options, number, {"n": 2}) is None


def test_disjoint_ranges_and_options_are_not_the_same_parameter() -> None:
    far = SpaceMatch(
        Space([hp.uniform("x", 0, 1), hp.choice("c", ["a"]), hp.uniform("y", 0, 1)]),
        Space([hp.uniform("x", 5, 6), hp.choice("c", ["b"]), hp.uniform("y", 0, 1)]),
    )
    assert (far.known, far.covers) == ({"y"}, False)


MODELS = hp.choice(
    "model", [{"kind": "svm", "c": hp.uniform("c", 0, 1)}, {"kind": "knn", "k": hp.randint("k", 9)}]
)


def test_only_trials_of_the_branch_have_a_counterpart_in_a_search_of_that_branch() -> None:
    here = {"c": hp.uniform("c", 0, 1)}
    assert SpaceMatch(Space(MODELS), Space(here)).covers
    assert mapped(MODELS, here, {"model": 0, "c": 0.5}) == {"c": 0.5}
    assert mapped(MODELS, here, {"model": 1, "k": 3}) is None


def test_a_choice_that_is_new_takes_the_option_that_the_known_values_belong_to() -> None:
    here = Space(MODELS)
    found = SpaceMatch(Space({"k": hp.randint("k", 9)}), here).point({"k": 3})
    assert found == {"k": 3}
    assert complete(here, found, np.random.default_rng(0)) == {"model": 1, "k": 3}


def test_a_parameter_that_is_new_is_drawn_from_its_prior() -> None:
    here = Space([hp.uniform("x", 0, 1), hp.uniform("y", 5, 6), hp.choice("c", ["a", "b"])])
    found = SpaceMatch(Space(hp.uniform("x", 0, 1)), here).point({"x": 0.5})
    drawn = [complete(here, found or {}, rng) for rng in rngs(20)]
    assert {point["x"] for point in drawn} == {0.5}
    assert len({point["y"] for point in drawn}) == 20
    assert {point["c"] for point in drawn} == {0, 1}
