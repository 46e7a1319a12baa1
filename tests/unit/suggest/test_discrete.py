"""Tried and new points of discrete spaces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.space.tree import Space
from hpsearch.suggest.discrete import KnownPoints, TriedPoints, can_repeat, find_new_point
from tests.support.histories import LEAVES, add, history, spaces


@given(space=spaces(), seed=st.integers(0, 99))
def test_every_point_of_a_finite_space_is_found_once_and_then_none(space: Space, seed: int) -> None:
    assume(space.n_points is not None and space.n_points <= 300)
    known, rng = KnownPoints(History(space), set(), []), np.random.default_rng(seed)
    for _ in range(space.n_points or 0):
        values = find_new_point(space, known, rng)
        assert values is not None
        assert values not in known
        space.validate(values)
        known.add(values)
    assert find_new_point(space, known, rng) is None


def test_finished_and_pending_points_are_known() -> None:
    """For all number types, and for both signs of zero."""
    space = Space([hp.quniform("x", -1, 5, 1), hp.choice("c", [0, hp.randint("y", 3)])])
    finished = history(space, [{"x": -0.0, "c": 0}], [1.0])
    known = KnownPoints(finished, TriedPoints().read(finished), [{"x": 2, "c": 1, "y": 0}])
    assert {"x": 0, "c": 0.0} in known
    assert {"x": 2.0, "c": 1, "y": 0} in known
    assert {"x": 2.0, "c": 0} not in known
    assert {"x": 2.0, "c": 1, "y": 1} not in known


@pytest.mark.parametrize("kind", LEAVES)
def test_a_space_can_repeat_when_all_its_values_are_separate(kind: str) -> None:
    continuous = {"uniform", "loguniform", "normal", "lognormal"}
    assert can_repeat(Space([LEAVES[kind]("x"), hp.randint("y", 3)])) == (kind not in continuous)


def test_a_huge_range_is_not_enumerated() -> None:
    space = Space(hp.randint("x", 2**53))
    assert find_new_point(space, KnownPoints(History(space), set(), []), np.random.default_rng(0)) is not None


def test_tried_points_are_updated_as_the_history_grows() -> None:
    """Whether read after each trial or once at the end, they include no pending points."""
    space, grown = Space(hp.randint("x", 50)), TriedPoints()
    finished = History(space)
    for x in (3, 7, 3, 9):
        KnownPoints(finished, grown.read(finished), [{"x": x}]).add({"x": 40})
        add(finished, {"x": x}, 1.0)
    assert grown.read(finished) == TriedPoints().read(finished)
    assert [{"x": x} in KnownPoints(finished, grown.read(finished), []) for x in (3, 7, 9, 40)] == [
        True
    ] * 3 + [False]
