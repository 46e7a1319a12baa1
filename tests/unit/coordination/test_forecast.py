"""Whether it is worth going on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpsearch.coordination.forecast import forecast, is_worth_going_on


def test_the_last_half_is_the_measure_of_what_follows() -> None:
    losses = np.array([5.0] * 10 + [4.0] * 10 + [3.0] * 10 + [2.5] * 10)
    found = forecast(losses)
    assert found.n_trials == 40
    assert found.n_last == 20
    assert (found.gain_last, found.n_improvements) == (1.5, 2)
    assert found.most == 1.5
    assert found.most_in(40) == pytest.approx(1.5)
    assert 0 < found.most_in(1) < found.most_in(10) < 1.5


def test_a_half_without_improvement_leaves_half_of_the_gain_before() -> None:
    found = forecast(np.array([4.0] * 10 + [3.0] * 30))
    assert (found.gain_last, found.most) == (0.0, 0.5)
    assert forecast(np.array([3.0] * 40)).most == 0.0


def test_failed_trials_count_as_trials_without_a_gain() -> None:
    losses = np.array([math.nan, 2.0, math.inf] * 7 + [1.0, math.nan] * 9)
    found = forecast(losses)
    assert (found.n_trials, found.gain_last) == (39, 1.0)


@pytest.mark.parametrize("losses", [[1.0] * 19, [math.nan] * 40, [math.nan] * 20 + [1.0] * 20])
def test_nothing_is_said_while_too_little_is_known(losses: list[float]) -> None:
    assert forecast(np.array(losses)) is None


def test_a_search_ends_once_an_hour_cannot_bring_what_it_is_worth() -> None:
    found = forecast(np.array([4.0] * 20 + [3.0] * 20))
    assert is_worth_going_on(found, per_hour=40.0, least_gain=0.9)
    assert not is_worth_going_on(found, per_hour=40.0, least_gain=1.1)
    assert not is_worth_going_on(found, per_hour=4.0, least_gain=0.9)
    assert is_worth_going_on(found, None, 1.1)
    assert is_worth_going_on(None, 40.0, 1.1)
    assert is_worth_going_on(forecast(np.array([4.0] * 10 + [3.0] * 20)), 40.0, 1.1)
