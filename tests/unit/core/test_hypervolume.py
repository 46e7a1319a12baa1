"""The hypervolume against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpsearch.core.hypervolume import Floats, exclusive_volume, hypervolume

_SIZE = 4

#: Points on a grid of ``_SIZE`` cells a side, so that the volume is a number of cells.
_POINTS = st.tuples(st.integers(0, 10), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(-1, _SIZE + 1).map(float))
)


def _by_cells(points: Floats, m: int) -> int:
    """Count the unit cells from (-1, ...) to the reference that some point dominates."""
    cells = np.array(list(itertools.product(range(-1, _SIZE), repeat=m)), dtype=float)
    return int(np.count_nonzero(np.any((points[None] <= cells[:, None]).all(axis=2), axis=1)))


@given(_POINTS)
def test_volume_is_the_number_of_dominated_cells(points: Floats) -> None:
    """With one to five objectives, ties, equal points and points beyond the reference."""
    m = points.shape[1]
    assert hypervolume(points, np.full(m, float(_SIZE))) == _by_cells(points, m)


@given(_POINTS)
def test_exclusive_volume_is_what_a_point_adds(points: Floats) -> None:
    """Whether the others dominate it or not."""
    if not len(points):
        return
    reference = np.full(points.shape[1], float(_SIZE))
    gain = hypervolume(points, reference) - hypervolume(points[1:], reference)
    assert exclusive_volume(points[0], points[1:], reference) == gain


@pytest.mark.parametrize("m", [2, 3, 4])
def test_volume_agrees_with_sampling(m: int) -> None:
    """For points between the cells."""
    rng = np.random.default_rng(m)
    points = np.abs(rng.standard_normal((30, m)))
    points /= np.linalg.norm(points, axis=1)[:, None]
    samples = rng.random((20_000, m)) * 1.1
    share = np.any((points[None] <= samples[:, None]).all(axis=2), axis=1).mean()

    found = hypervolume(points, np.full(m, 1.1)) / 1.1**m

    assert abs(found - share) < 4 * np.sqrt(share * (1 - share) / len(samples))


def test_unusable_points_add_nothing() -> None:
    """NaN and inf are below no reference; -inf dominates without bounds."""
    reference = np.ones(3)
    assert hypervolume(np.zeros((0, 3)), reference) == 0
    assert hypervolume(np.array([[np.nan, 0, 0], [np.inf, 0, 0]]), reference) == 0
    assert hypervolume(np.array([[0, 0, -np.inf]]), reference) == np.inf
