"""The schedule of ``auto``."""

from __future__ import annotations

import itertools
import math

import pytest

from hpsearch.suggest.auto_schedule import next_region


@pytest.mark.parametrize("n_pending", [0, 1, 7])
def test_gp_and_tpe_alternate_with_few_pending_trials(n_pending: int) -> None:
    turns = [next_region(n, n_pending, 10) for n in range(20, 60)]
    assert [region is None for region in turns].count(True) == 20
    assert all((a is None) != (b is None) for a, b in itertools.pairwise(turns))


def test_in_few_parameters_the_gp_searches_everywhere() -> None:
    """In few parameters, near turns were measured to miss optima."""
    assert {region.radius for n in range(8) if (region := next_region(n, 0, 3))} == {math.inf}
    assert {region.radius for n in range(8) if (region := next_region(n, 0, 4))} == {math.inf, 0.15}


@pytest.mark.parametrize("n_parameters", [1, 10])
def test_with_many_pending_trials_the_gp_has_three_aims(n_parameters: int) -> None:
    """Any four consecutive turns have all aims, so a round of eight workers omits none."""
    for start in range(4):
        turns = [next_region(start + n, 31, n_parameters) for n in range(4)]
        aims = {(region.radius < 1, region.beats_pending) for region in turns if region}
        assert aims == {(False, True), (True, False), (True, True)}
        assert turns.count(None) == 1


def test_the_schedule_depends_only_on_the_numbers_of_trials() -> None:
    """Trials that finish meanwhile do not change the turn, since the total is the same."""
    assert [next_region(20 + k, 32 - k, 5) for k in range(16)] == [next_region(20, 32, 5)] * 16
