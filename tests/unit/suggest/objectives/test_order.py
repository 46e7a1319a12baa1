"""The total order of trials with several objectives and limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hpsearch.core.front import ranks
from hpsearch.core.history import Floats
from hpsearch.suggest.objectives.order import total_order

NAN, INF = np.nan, np.inf

_OBJECTIVES = st.tuples(st.integers(0, 12), st.integers(1, 3)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.sampled_from([-1.5, 0.0, 1.0, 2.5, INF, NAN]))
)


def _no_limits(objectives: Floats) -> Floats:
    return np.zeros((len(objectives), 0))


def test_feasible_trials_come_first_then_those_that_exceed_least() -> None:
    """Each limit counts in units of its median excess; what is not known is as bad as any."""
    losses = np.array([[5.0], [1.0], [2.0], [0.0], [0.0], [NAN], [INF]])
    violations = np.array([[-1, -1], [2, -1], [0, 0], [1, 300], [1, NAN], [NAN, NAN], [0, 0]])
    assert total_order(losses, violations, 5).tolist()[:3] == [1, 2, 0]
    assert sorted(total_order(losses, violations, 5).tolist()[3:5]) == [3, 4]
    assert np.isnan(total_order(losses, violations, 5)[5:]).all()


def test_violations_without_bounds_are_ordered_last() -> None:
    """Also if no limit has a finite excess."""
    violations = np.array([[0.5], [0.0], [0.1], [INF]])
    assert total_order(np.zeros((4, 1)), violations, 4).tolist() == [2, 0, 1, 3]
    assert total_order(np.zeros((2, 1)), np.full((2, 1), INF), 4).tolist() == [0, 1]


@given(_OBJECTIVES, st.integers(0, 14))
def test_order_is_one_by_rank(objectives: Floats, n_exact: int) -> None:
    """Every usable trial has a place of its own."""
    places, found = total_order(objectives, _no_limits(objectives), n_exact), ranks(objectives)
    works = found < len(objectives)
    assert sorted(places[works].tolist()) == list(range(np.count_nonzero(works)))
    assert np.isnan(places[~works]).all()
    assert (np.diff(found[works][np.argsort(places[works])]) >= 0).all()


@given(_OBJECTIVES)
def test_monotone_changes_and_the_order_of_objectives_alter_nothing(objectives: Floats) -> None:
    """Neither does an exponential scale, nor a millionfold one."""
    columns = list(range(objectives.shape[1]))[::-1]
    changed = np.exp(objectives[:, columns] * 3) * 1e6
    expected = total_order(objectives, _no_limits(objectives), 9)
    assert total_order(changed, _no_limits(objectives), 9) == pytest.approx(expected, nan_ok=True)


def test_within_a_rank_the_trial_that_adds_most_is_first() -> None:
    """A point near another one comes after those apart, and one that is bad in most respects late."""
    front = np.array([[0.0, 4.0], [1.9, 2.1], [2.0, 2.0], [4.0, 0.0]])
    places = total_order(front, _no_limits(front), 4)
    assert max(places) in places[1:3]

    dominated = np.array([[0.5, 0.5 + 0.4 * i] for i in range(20)])
    both = np.vstack([[[0.0, 8.5], [0.1, 0.1]], dominated])
    assert total_order(both, _no_limits(both), 4)[:2].tolist() == [1, 0]
