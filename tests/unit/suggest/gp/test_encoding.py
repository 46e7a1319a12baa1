"""Points as coordinates and features."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.gp.encoding import Encoding
from tests.support.histories import LEAVES, history, spaces


def features(space: Space, *points: Values) -> np.ndarray:
    """Return the features of points."""
    finished = history(space, points, range(len(points)))
    encoding = Encoding(space)
    return encoding.features(encoding.coordinates(finished.values), finished.active)


def distance(space: Space, a: Values, b: Values) -> float:
    one, other = features(space, a, b)
    return float(np.linalg.norm(one - other))


@given(space=spaces(), seed=st.integers(0, 99))
def test_coordinates_and_points_round_trip(space: Space, seed: int) -> None:
    points = [space.sample(np.random.default_rng([seed, i])) for i in range(5)]
    encoding = Encoding(space)
    x = encoding.coordinates(history(space, points, range(5)).values)
    for row, values in zip(x, points, strict=True):
        again = encoding.point(row)
        assert again == pytest.approx(values, rel=1e-9, abs=1e-12)
        assert [type(v) for v in again.values()] == [type(v) for v in values.values()]
        space.validate(again)


@given(space=spaces(), seed=st.integers(0, 99))
def test_snapped_draws_are_points_of_the_space(space: Space, seed: int) -> None:
    encoding, rng = Encoding(space), np.random.default_rng(seed)
    box = encoding.box(np.zeros((0, len(space.parameters))))
    x = encoding.snap(encoding.draw(8, box, rng))
    for row in x:
        space.validate(encoding.point(row))
    assert encoding.snap(x) == pytest.approx(x, abs=1e-9)


def test_two_options_have_the_distance_of_a_whole_range() -> None:
    space = Space([hp.uniform("x", -5, 5), hp.choice("c", list("abcde"))])
    assert distance(space, {"x": -5.0, "c": 0}, {"x": 5.0, "c": 0}) == pytest.approx(1)
    assert distance(space, {"x": 0.0, "c": 1}, {"x": 0.0, "c": 4}) == pytest.approx(1)


def test_inactive_parameters_make_no_difference() -> None:
    space = Space([hp.uniform("z", 0, 1), hp.choice("c", [hp.uniform("a", 0, 1), hp.choice("b", [1, 2, 3])])])
    encoding = Encoding(space)
    x = encoding.draw(40, encoding.box(np.zeros((0, 4))), np.random.default_rng(0))
    labels = [p.label for p in space.parameters]
    x[:, labels.index("z")], x[:, labels.index("c")] = 0.5, 0
    x[:, labels.index("a")] = 0.25
    assert np.ptp(encoding.features(x, encoding.active(x)), axis=0).max() == 0


def test_a_normal_parameter_is_searched_beyond_distant_trials() -> None:
    space = Space([hp.normal("x", 10, 2), hp.uniform("u", 0, 1)])
    encoding = Encoding(space)
    for farthest, end in ((11.0, 16.0), (20.0, 23.0)):
        x = encoding.coordinates(history(space, [{"x": farthest, "u": 0.5}], [0]).values)
        low, high = (encoding.point(edge) for edge in encoding.box(x))
        assert (low["x"], high["x"]) == (pytest.approx(4.0), pytest.approx(end))
        assert (low["u"], high["u"]) == (0, 1)


@pytest.mark.parametrize("kind", [k for k in LEAVES if k.startswith("q") or k.endswith("int")])
def test_a_step_leads_to_another_grid_value(kind: str) -> None:
    space = Space(LEAVES[kind]("x"))
    encoding = Encoding(space)
    box = encoding.box(np.zeros((0, 1)))
    x = encoding.snap(encoding.draw(50, box, np.random.default_rng(0)))
    beyond = encoding.snap(np.minimum(x + 1.01 * encoding.steps(x), box[1]))
    is_last = encoding.snap(box[1][None]) == x
    assert ((beyond > x) | is_last).all()
    assert not is_last.all()


def test_a_box_near_a_point_contains_only_near_points() -> None:
    """A normal whose prior hardly reaches the box is drawn all over it, not at its edge."""
    space = Space([hp.normal("x", 0, 1), hp.uniform("u", 0, 1), hp.choice("c", [0, 1, 2])])
    encoding = Encoding(space)
    centre = encoding.coordinates(history(space, [{"x": 9.0, "u": 0.9, "c": 1}], [0]).values)
    box = encoding.near(centre[0], 0.1, encoding.box(centre))
    points = [encoding.point(x) for x in encoding.draw(300, box, np.random.default_rng(0))]
    xs, us, cs = (np.array([p[label] for p in points]) for label in ("x", "u", "c"))
    assert (xs.min(), xs.max()) == (pytest.approx(8.4, abs=0.1), pytest.approx(9.6, abs=0.1))
    assert (us.min(), us.max()) == (pytest.approx(0.8, abs=0.02), pytest.approx(1.0, abs=0.02))
    assert {*cs} == {0, 1, 2}
