from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.stopping.curve import END_RUNGS, RungValue, curve_of, rung_below, rung_step

STEPS = st.floats(2e-6, 1e9)


def test_rungs_are_whole_numbers_of_which_every_second_is_a_power_of_three() -> None:
    assert [rung_step(k) for k in range(10)] == [1, 2, 3, 5, 9, 16, 27, 47, 81, 140]
    assert rung_step(-2) == pytest.approx(1 / 3)


@given(step=STEPS)
def test_the_rung_below_a_step_is_the_last_one_up_to_it(step: float) -> None:
    k = rung_below(step)
    assert rung_step(k) <= step * (1 + 1e-9)
    assert rung_step(k + 1) > step


def test_a_curve_with_a_report_at_each_step_reaches_each_rung_at_its_step() -> None:
    curve = curve_of([])
    reached = {step: [rung.k for rung in curve.add(step, 1.0)] for step in range(1, 11)}
    assert {step: ks for step, ks in reached.items() if ks} == {1: [0], 2: [1], 3: [2], 5: [3], 9: [4]}


def test_the_value_at_a_rung_is_a_mean_of_late_reports_which_damps_noise() -> None:
    curve = curve_of((step, float(step)) for step in range(1, 10))
    assert curve.rungs[0] == RungValue(0, 1, 1.0)
    assert curve.rungs[-1] == RungValue(4, 9, 8.5)  # of steps 8 and 9


def test_a_skipped_rung_gets_the_value_between_its_neighbours() -> None:
    curve = curve_of([(3, 10.0), (27, 6.0)])
    values = {rung.step: rung.value for rung in curve.rungs}
    assert list(values) == [3, 5, 9, 16, 27]
    assert values[9] == pytest.approx(8.0)
    assert values[27] == 6.0


def test_a_first_report_at_a_late_step_reaches_only_the_rung_below_it() -> None:
    assert curve_of([(100, 0.5)]).rungs == [RungValue(8, 81, 0.5)]


def test_a_second_fold_that_counts_from_the_start_again_reaches_no_rung_twice() -> None:
    curve = curve_of([(step, 0.1) for step in (0, 1, 2, 3)] * 2)
    assert [rung.k for rung in curve.rungs] == [0, 1, 2]
    assert curve.reached == ()
    assert curve.last_step == 3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_the_worst_one_at_the_next_rung(value: float) -> None:
    curve = curve_of([(1, 0.5), (2, 0.4), (3, 0.4)])
    assert curve.add(4, value) == (RungValue(3, 5, math.inf),)


@pytest.mark.parametrize("step", [math.nan, math.inf, -1.0, 0.0, 1e-9, 5e-324])
def test_a_step_below_all_rungs_or_not_finite_reaches_no_rung(step: float) -> None:
    curve = curve_of([(step, 0.5)])
    assert curve.rungs == []
    assert curve.last_value == 0.5


@pytest.mark.parametrize("step", [1e12, 1.7e308])
def test_a_huge_step_reaches_the_last_rung(step: float) -> None:
    assert curve_of([(step, 0.5)]).rungs[0].k == END_RUNGS - 1


@given(reports=st.lists(st.tuples(st.floats(), st.floats()), max_size=8))
def test_any_reports_reach_rising_rungs_with_values(reports: list[tuple[float, float]]) -> None:
    curve = curve_of(reports)
    ks = [rung.k for rung in curve.rungs]
    assert ks == sorted(set(ks))
    assert not any(math.isnan(rung.value) or rung.value == -math.inf for rung in curve.rungs)
