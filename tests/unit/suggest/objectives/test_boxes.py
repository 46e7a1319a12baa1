"""Boxes of what a front does not dominate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpsearch.core.history import Floats
from hpsearch.core.hypervolume import hypervolume
from hpsearch.suggest.objectives.boxes import nondominated_boxes

#: Points on a grid, some of them beyond the reference of 5.
_POINTS = st.tuples(st.integers(0, 9), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(0, 6).map(float))
)


@given(_POINTS)
def test_boxes_hold_what_is_not_dominated_and_nothing_twice(points: Floats) -> None:
    """Each point between the grid lines below the reference is in one box, or dominated."""
    m = points.shape[1]
    boxes = nondominated_boxes(points, np.full(m, 5.0))

    samples = np.random.default_rng(0).integers(-1, 5, (60, m)) + 0.5
    n_boxes = ((boxes.lower <= samples[:, None]) & (samples[:, None] < boxes.upper)).all(axis=2).sum(axis=1)
    is_dominated = np.any((points <= samples[:, None]).all(axis=2), axis=1)
    assert (n_boxes == ~is_dominated).all()


@pytest.mark.parametrize("m", [2, 3, 4])
def test_boxes_and_the_dominated_volume_fill_the_reference_box(m: int) -> None:
    """Within [0, 1.1]^m."""
    points = np.abs(np.random.default_rng(m).standard_normal((20, m)))
    points /= np.linalg.norm(points, axis=1)[:, None]
    reference = np.full(m, 1.1)

    boxes = nondominated_boxes(points, reference)

    volumes = (boxes.upper - np.maximum(boxes.lower, 0)).prod(axis=1)
    assert volumes.sum() + hypervolume(points, reference) == pytest.approx(1.1**m, rel=1e-12)


def test_three_objectives_take_two_boxes_a_point() -> None:
    """And one more."""
    points = np.abs(np.random.default_rng(3).standard_normal((200, 3)))
    points /= np.linalg.norm(points, axis=1)[:, None]
    assert len(nondominated_boxes(points, np.full(3, 1.1)).upper) <= 2 * len(points) + 1
