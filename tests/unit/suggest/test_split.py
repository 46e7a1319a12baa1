"""Which trials are good."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.suggest.tpe.split import rank_weights, split

LOSSES = st.lists(st.sampled_from([np.nan, np.inf, -np.inf, -1e300, 1e300, 0.0, 1.0, 2.0]), max_size=60)


@pytest.mark.parametrize(("n", "n_good"), [(0, 0), (1, 1), (10, 1), (11, 2), (30, 3), (240, 24), (1000, 25)])
def test_a_tenth_is_good_but_never_more_than_25(n: int, n_good: int) -> None:
    assert len(split(np.arange(float(n)), 0.1).good) == n_good


def test_a_share_that_is_a_whole_number_is_not_rounded_up() -> None:
    """In floats 0.07 * 100 is a little more than 7."""
    assert len(split(np.arange(100.0), 0.07).good) == 7


def test_the_good_come_best_first_and_of_equals_the_earlier_first() -> None:
    groups = split(np.array([3.0, 1.0, -np.inf, 1.0, 9.0, 1.0, 8.0, 7.0]), 0.5)
    assert groups.good.tolist() == [2, 1, 3, 5]
    assert groups.bad.tolist() == [0, 4, 6, 7]
    assert split(np.tile([1.0, 0.0], 100), 0.1).good.tolist() == list(range(1, 40, 2))


@given(losses=LOSSES, gamma=st.sampled_from([0.1, 0.5, 1.0]))
def test_every_trial_is_in_one_group_and_no_good_one_is_worse_than_a_bad_one(
    losses: list[float], gamma: float
) -> None:
    column = np.array(losses, dtype=float)
    groups = split(column, gamma)
    assert sorted([*groups.good, *groups.bad]) == list(range(len(losses)))
    usable = column[groups.bad][column[groups.bad] < np.inf]
    assert len(usable) == 0 or len(groups.good) == 0 or column[groups.good].max() <= usable.min()


@given(losses=LOSSES)
def test_failures_and_infinite_losses_are_never_good(losses: list[float]) -> None:
    column = np.array(losses, dtype=float)
    assert np.all(column[split(column, 1.0).good] < np.inf)


def test_rank_weights_fall_and_have_mean_one() -> None:
    weights = rank_weights(25)
    assert weights.mean() == pytest.approx(1)
    assert np.all(np.diff(weights) < 0)
    assert weights[0] / weights[1] == pytest.approx(np.log(26) / (np.log(26) - np.log(2)))
    assert np.all(weights > 0)
    assert len(rank_weights(0)) == 0
