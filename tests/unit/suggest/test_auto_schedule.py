"""The schedule of ``auto``."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from hpsearch.suggest.auto_schedule import Turn, next_turn, turn_without_gp
from hpsearch.suggest.gp.search_region import SearchRegion


def regions(n_pending: int, n_parameters: int) -> list[SearchRegion]:
    turns = [next_turn(n, n_pending, n_parameters) for n in range(8)]
    return [turn for turn in turns if isinstance(turn, SearchRegion)]


def test_in_few_parameters_gp_and_tpe_alternate_everywhere() -> None:
    """In few parameters, near turns were measured to miss optima."""
    turns = [next_turn(n, 0, 3) for n in range(8)]
    assert [turn is Turn.TPE for turn in turns] == [False, True] * 4
    assert {region.radius for region in regions(0, 3)} == {math.inf}


@pytest.mark.parametrize("n_pending", [0, 1, 7])
def test_in_more_parameters_annealing_takes_every_fourth_turn(n_pending: int) -> None:
    turns = Counter(next_turn(n, n_pending, 10) for n in range(20, 60))
    assert (turns[Turn.ANNEAL], turns[Turn.TPE]) == (10, 15)
    assert {region.radius for region in regions(n_pending, 4)} == {math.inf, 0.15}


@pytest.mark.parametrize("n_parameters", [1, 10])
def test_with_many_pending_trials_the_gp_has_three_aims(n_parameters: int) -> None:
    """Any four consecutive turns have all aims, so a round of eight workers omits none."""
    for start in range(4):
        turns = [next_turn(start + n, 31, n_parameters) for n in range(4)]
        aims = {(t.radius < 1, t.beats_pending) for t in turns if isinstance(t, SearchRegion)}
        assert aims == {(False, True), (True, False), (True, True)}
        assert turns.count(Turn.TPE) == 1


def test_annealing_takes_turns_near_the_best_of_many_choices_where_the_gp_has_none() -> None:
    turns = [next_turn(n, 0, 10) for n in range(8)]
    others = [turn_without_gp(turn, has_many_choices=True) for turn in turns]
    assert (others.count(Turn.ANNEAL), others.count(Turn.TPE)) == (3, 5)
    assert [turn_without_gp(turn, has_many_choices=False) for turn in turns].count(Turn.ANNEAL) == 2


def test_with_several_objectives_half_of_the_turns_are_the_gps() -> None:
    """Two of eight anywhere, one near the front, and one by the order of trials."""
    turns = [next_turn(n, 0, 6, has_several_objectives=True) for n in range(8)]
    regions = [turn for turn in turns if isinstance(turn, SearchRegion)]
    assert len(regions) == 4
    assert sum(region.by_order for region in regions) == 1
    assert sum(region.radius < 1 for region in regions) == 1
