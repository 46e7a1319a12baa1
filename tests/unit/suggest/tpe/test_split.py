"""The split into good and bad trials."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.history import Floats
from hpsearch.suggest.tpe.split import (
    EMPTY,
    MAX_GOOD,
    N_NEWEST,
    N_OLDER,
    HistorySummary,
    Split,
    n_good,
    rank_weights,
    split,
    summarize,
)

LOSSES = st.lists(st.sampled_from([np.nan, np.inf, -np.inf, -1e300, 1e300, 0.0, 1.0, 2.0]), max_size=60)


LONG = st.integers(0, 600).flatmap(
    lambda n: st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).choice(SOME, n))  # type: ignore[has-type]
)
SOME = np.array([np.nan, np.inf, -np.inf, -1e300, 1e300, 0.0, 1.0, 2.0])


def groups_of(losses: Floats, n_good: int) -> Split:
    """Split a whole column at once."""
    return split(summarize(losses), n_good)


@pytest.mark.parametrize(("n", "want"), [(0, 0), (1, 1), (10, 1), (11, 2), (30, 3), (240, 24), (1000, 100)])
def test_a_tenth_is_good(n: int, want: int) -> None:
    assert n_good(n, 0.1, "linear") == want


@pytest.mark.parametrize(("n", "want"), [(0, 0), (1, 1), (16, 1), (17, 2), (400, 5), (10_000, 25)])
def test_with_the_square_root_the_share_of_good_trials_falls(n: int, want: int) -> None:
    assert n_good(n, 0.25, "sqrt") == want


def test_a_share_that_is_a_whole_number_is_not_rounded_up() -> None:
    """In floats 0.07 * 100 is slightly more than 7."""
    assert n_good(100, 0.07, "linear") == 7


def test_at_most_25_are_good() -> None:
    assert len(groups_of(np.arange(1000.0), 100).good) == MAX_GOOD == 25


def test_good_trials_are_sorted_by_loss_then_by_age() -> None:
    groups = groups_of(np.array([3.0, 1.0, -np.inf, 1.0, 9.0, 1.0, 8.0, 7.0]), 4)
    assert groups.good.tolist() == [2, 1, 3, 5]
    assert groups.bad.tolist() == [0, 4, 6, 7]
    assert groups_of(np.tile([1.0, 0.0], 100), 20).good.tolist() == list(range(1, 40, 2))


@given(losses=LOSSES, wanted=st.integers(0, 60))
def test_the_groups_are_disjoint_and_no_good_trial_is_worse_than_a_bad_one(
    losses: list[float], wanted: int
) -> None:
    column = np.array(losses, dtype=float)
    groups = groups_of(column, wanted)
    assert sorted([*groups.good, *groups.bad]) == list(range(len(losses)))
    usable = column[groups.bad][column[groups.bad] < np.inf]
    assert len(usable) == 0 or len(groups.good) == 0 or column[groups.good].max() <= usable.min()


@given(losses=LOSSES)
def test_failures_and_infinite_losses_are_never_good(losses: list[float]) -> None:
    column = np.array(losses, dtype=float)
    assert np.all(column[groups_of(column, len(column)).good] < np.inf)


@given(losses=LONG, cuts=st.lists(st.floats(0, 1), max_size=6))
def test_an_updated_summary_equals_a_new_one(losses: Floats, cuts: list[float]) -> None:
    """For any number of trials between two updates."""
    kept: HistorySummary = EMPTY
    for n in sorted(round(cut * len(losses)) for cut in cuts):
        kept = summarize(losses[:n], kept)
    kept, fresh = summarize(losses, kept), summarize(losses)
    assert kept.n == fresh.n == len(losses)
    assert list(kept.best) == list(fresh.best)
    assert list(kept.older) == list(fresh.older)


def test_the_bad_trials_are_the_newest_and_a_uniform_sample_of_the_older_ones() -> None:
    """Chi-square over ten equal parts of the older trials, for 60 lengths of a history."""
    counts = np.zeros(10)
    for n in range(5000, 35_000, 500):
        groups = groups_of(np.zeros(n), 25)
        newest, older = groups.bad[groups.bad >= n - N_NEWEST], groups.bad[groups.bad < n - N_NEWEST]
        assert newest.tolist() == list(range(n - N_NEWEST, n))
        assert N_OLDER - MAX_GOOD <= len(older) <= N_OLDER
        if n % 5000 == 0:  # samples of almost the same rows are almost the same
            counts += np.histogram(older, bins=10, range=(0, n - N_NEWEST))[0]
    expected = counts.sum() / 10
    assert ((counts - expected) ** 2 / expected).sum() < 40


def test_rank_weights_decrease_and_have_mean_one() -> None:
    weights = rank_weights(25)
    assert weights.mean() == pytest.approx(1)
    assert np.all(np.diff(weights) < 0)
    assert weights[0] / weights[1] == pytest.approx(np.log(26) / (np.log(26) - np.log(2)))
    assert np.all(weights > 0)
    assert len(rank_weights(0)) == 0
