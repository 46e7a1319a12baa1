"""Fronts: ranks, thinning and the knee, against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpsearch.core.front import Bools, knee, nondominated, ranks, thin
from hpsearch.core.hypervolume import Floats, hypervolume

#: Few different values, so that ties and equal points are common.
_VALUES = st.sampled_from([-np.inf, 0.0, 1.0, 2.0, 3.0, np.inf, np.nan])
_POINTS = st.tuples(st.integers(0, 12), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=_VALUES)
)


def _front_by_definition(points: Floats) -> Bools:
    usable = (points < np.inf).all(axis=1)
    is_dominated = [
        any((other <= point).all() and (other < point).any() for other in points[usable]) for point in points
    ]
    return usable & ~np.array(is_dominated, dtype=bool)


@given(_POINTS)
def test_front_is_what_no_point_dominates(points: Floats) -> None:
    """Ties, equal points, infinities and NaN included."""
    assert nondominated(points).tolist() == _front_by_definition(points).tolist()


@given(_POINTS)
def test_each_rank_is_the_front_of_what_the_lower_ranks_leave(points: Floats) -> None:
    """Points with NaN or inf have the rank n."""
    found, n = ranks(points), len(points)

    assert (found[~(points < np.inf).all(axis=1)] == n).all()
    for rank in np.unique(found[found < n]).tolist():
        left = np.flatnonzero(found >= rank)
        assert (left[_front_by_definition(points[left])] == np.flatnonzero(found == rank)).all()


@given(_POINTS, st.integers(1, 14))
def test_ranking_may_stop_once_enough_points_have_a_rank(points: Floats, n_ranked: int) -> None:
    """The last rank is whole, and the others are left out."""
    all_ranks, first = ranks(points), ranks(points, n_ranked)

    is_ranked = first < len(points)
    assert (first[is_ranked] == all_ranks[is_ranked]).all()
    n_usable = int(np.count_nonzero(all_ranks < len(points)))
    assert np.count_nonzero(is_ranked) >= min(n_ranked, n_usable)
    if is_ranked.any():
        last = max(first[is_ranked].tolist())
        assert np.count_nonzero(all_ranks < last) < n_ranked


@given(_POINTS, st.permutations([0, 1, 2, 3]))
def test_ranks_depend_on_order_within_objectives_only(points: Floats, columns: list[int]) -> None:
    """Swapping objectives, or a monotone change of one, changes no rank."""
    kept = [j for j in columns if j < points.shape[1]]
    assert (ranks(np.exp(points[:, kept]) * 1e6) == ranks(points)).all()


def test_twenty_thousand_points_of_two_objectives_are_ranked_by_one_sort() -> None:
    """As are 2,000 of three that all lie on the front."""
    rng = np.random.default_rng(0)
    points = rng.random((20_000, 2))
    assert ranks(points).max() > 100

    sphere = np.abs(rng.standard_normal((2000, 3)))
    assert nondominated(sphere / np.linalg.norm(sphere, axis=1)[:, None]).all()


_FRONTS = st.tuples(st.integers(1, 7), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.integers(0, 5).map(float))
)


@given(_FRONTS, st.integers(0, 10))
def test_thinning_takes_the_point_that_adds_most_each_time(points: Floats, n: int) -> None:
    """The volume is that of points scaled to their range, with a reference a tenth beyond it."""
    chosen = thin(points, n)

    assert len(chosen) == len(set(chosen.tolist())) == min(n, len(points))
    spread = np.ptp(points, axis=0)
    units = (points - points.min(axis=0)) / np.where(spread > 0, spread, 1)
    reference = np.full(points.shape[1], 1.1)
    for k in range(len(chosen)):
        volumes = [hypervolume(units[[*chosen[:k], i]], reference) for i in range(len(points))]
        assert volumes[chosen[k]] == pytest.approx(max(volumes), abs=1e-9)


def test_thinning_covers_the_front() -> None:
    """Five points of a line leave no gap longer than a third of it."""
    x = np.linspace(0, 1, 41)
    chosen = np.sort(thin(np.column_stack([x, 1 - x]), 5))
    assert np.diff([0, *chosen, 40]).max() <= 14


def test_thinning_bears_values_without_bounds() -> None:
    """-inf counts as the lowest finite value, and the largest floats do not overflow."""
    points = np.array([[-np.inf, 1.7e308], [0.0, 0.0], [1.0, -1.7e308]])
    assert sorted(thin(points, 3).tolist()) == [0, 1, 2]
    assert knee(points) == 1


def test_knee_gives_up_least_in_its_worst_objective() -> None:
    """The scale of an objective does not matter."""
    front = np.array([[0.0, 1.0], [0.1, 0.5], [0.4, 0.4], [1.0, 0.0]])
    assert knee(front) == 2
    assert knee(front * [1e6, 1e-6] + [5, -5]) == 2
    assert knee(front[:1]) == 0
    assert knee(np.zeros((3, 2))) == 0
