"""Histograms of samples of a space: edges, shares and names."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import stats

from hpsearch import hp
from hpsearch.report.space_histograms import MAX_BARS, Bars, Nothing, Options, Panel, space_panels
from hpsearch.space.tree import Space
from tests.support.spaces import spaces


def panels(expression: object, n_samples: int = 5000) -> tuple[Panel, ...]:
    space = Space(expression)
    rng = np.random.default_rng(0)
    return space_panels(space, [space.sample(rng) for _ in range(n_samples)])


def shape(expression: object, n_samples: int = 5000) -> Bars | Nothing | Options:
    """Return the only shape of a space with one parameter."""
    [panel] = panels(expression, n_samples)
    return panel.shape


@pytest.mark.parametrize(
    ("expression", "distribution"),
    [
        (hp.uniform("x", -2, 6), stats.uniform(-2, 8)),
        (hp.normal("x", 3, 2), stats.norm(3, 2)),
    ],
)
def test_each_bar_of_a_continuous_parameter_has_the_share_between_its_edges(
    expression: Any, distribution: Any
) -> None:
    bars = shape(expression, 20_000)
    assert len(bars.shares) == MAX_BARS
    assert bars.shares == pytest.approx(np.diff(distribution.cdf(bars.edges)), abs=0.006)
    assert bars.outside == pytest.approx(0, abs=0.001)


def test_a_uniform_parameter_is_drawn_up_to_its_bounds() -> None:
    bars = shape(hp.uniform("x", 0, 1))
    assert (bars.edges[0], bars.edges[-1]) == (0, 1)
    assert bars.outside == 0


@pytest.mark.parametrize(
    ("expression", "distribution"),
    [
        (hp.loguniform("x", math.log(1e-3), math.log(10)), stats.loguniform(1e-3, 10)),
        (hp.lognormal("x", 1, 0.5), stats.lognorm(0.5, scale=math.e)),
    ],
)
def test_a_log_parameter_has_histograms_over_its_logarithm_and_by_value(
    expression: Any, distribution: Any
) -> None:
    over_log, by_value = [panel.shape for panel in panels(expression, 20_000)]
    assert (over_log.is_log, by_value.is_log) == (True, False)
    for bars in (over_log, by_value):
        assert bars.shares == pytest.approx(np.diff(distribution.cdf(bars.edges)), abs=0.012)


def test_a_loguniform_parameter_is_level_over_its_logarithm() -> None:
    over_log, by_value = [panel.shape for panel in panels(hp.loguniform("x", math.log(1e-3), math.log(10)))]
    assert over_log.heights == pytest.approx(1 / 4, rel=0.3)  # four decades
    assert by_value.shares[0] > 0.5  # the low end


def test_the_long_tail_of_a_lognormal_parameter_is_left_out() -> None:
    by_value = panels(hp.lognormal("x", 0, 2))[1].shape
    assert by_value.outside == pytest.approx(0.05, abs=0.001)
    assert by_value.edges[-1] < 40  # of samples up to 1000 and more


@pytest.mark.parametrize(
    ("expression", "exact"),
    [
        (hp.randint("x", 2, 6), [0.25] * 4),
        (hp.uniformint("x", 1, 4), [1 / 6, 1 / 3, 1 / 3, 1 / 6]),
        (hp.quniform("x", 0, 1, 0.25), [0.125, 0.25, 0.25, 0.25, 0.125]),
        (hp.qloguniform("x", 0, math.log(3), 1), np.diff(np.log([1, 1.5, 2.5, 3])) / math.log(3)),
        (hp.qnormal("x", 0, 0.1, 1), [1.0]),
    ],
)
def test_each_step_has_a_bar_with_its_share(expression: Any, exact: Any) -> None:
    bars = shape(expression)
    assert bars.shares == pytest.approx(exact, abs=0.02)
    assert bars.shares.sum() == pytest.approx(1)
    assert bars.heights == pytest.approx(bars.shares)


def test_a_bar_lies_around_its_value() -> None:
    assert shape(hp.quniform("x", 0, 1, 0.5)).edges == pytest.approx([-0.25, 0.25, 0.75, 1.25])


@pytest.mark.parametrize("n_values", [MAX_BARS + 1, 60, 1000, 2**53])
def test_many_values_share_bars_of_comparable_heights(n_values: Any) -> None:
    """Bars for one and two values have the same height if all values are equally likely."""
    bars = shape(hp.randint("x", n_values), 20_000)
    assert len(bars.shares) == MAX_BARS
    assert bars.shares.sum() == pytest.approx(1)
    assert bars.heights * n_values == pytest.approx(1, abs=0.25)


def test_a_wide_grid_of_logarithms_is_level_over_its_logarithm() -> None:
    bars = shape(hp.qloguniform("x", 0, math.log(10_000), 1), 20_000)
    assert bars.is_log
    assert bars.shares.sum() == pytest.approx(1)
    assert bars.heights[2:-1] == pytest.approx(1 / 4, rel=0.2)  # four decades, except at the rounded ends


def test_a_grid_that_begins_at_zero_leaves_out_the_tail_of_its_logarithms() -> None:
    bars = shape(hp.qlognormal("x", 2, 2, 1))
    assert not bars.is_log
    assert 0.03 < bars.outside < 0.05


def test_options_have_readable_names_and_shares() -> None:
    tree = {"kind": "tree", "depth": hp.randint("depth", 9)}
    [panel, _] = panels(hp.pchoice("model", [(0.5, "linear"), (0.3, None), (0.2, tree)]))
    assert panel.shape.names == ("linear", "None", "tree")
    assert panel.shape.shares == pytest.approx([0.5, 0.3, 0.2], abs=0.03)


def test_more_options_than_names_fit_are_bars_by_index() -> None:
    bars = shape(hp.choice("x", list(range(100, 120))))
    assert isinstance(bars, Bars)
    assert (bars.edges[0], bars.edges[-1]) == (-0.5, 19.5)


def test_a_conditional_parameter_is_drawn_from_the_samples_that_have_it() -> None:
    rate = hp.uniform("rate", 1, 2)
    always, conditional = panels({"use": hp.pchoice("use", [(0.8, None), (0.2, {"rate": rate})])})
    assert (always.is_conditional, always.active) == (False, 1)
    assert conditional.is_conditional
    assert conditional.active == pytest.approx(0.2, abs=0.03)
    assert conditional.shape.shares.sum() == pytest.approx(1)


def test_a_parameter_with_too_few_samples_has_no_picture() -> None:
    [_, panel] = panels(hp.pchoice("use", [(1 - 1e-9, None), (1e-9, hp.uniform("rate", 0, 1))]))
    assert panel.shape == Nothing(reason="0 samples are too few")


@pytest.mark.parametrize(
    "expression",
    [
        hp.uniform("x", -8e307, 8e307),
        hp.normal("x", 0, 1e-300),
        hp.lognormal("x", 0, 300),
        hp.loguniform("x", -700, 0),
        hp.qnormal("x", 0, 1e300, 1e-300),
        hp.quniform("x", 0, 1e-299, 1e-300),
    ],
)
def test_a_range_that_fits_on_no_axis_has_no_picture(expression: Any) -> None:
    assert shape(expression, 50) == Nothing(reason="the range fits on no axis")


def test_a_range_with_a_single_float_has_one_option() -> None:
    assert shape(hp.normal("x", 1e16, 1e-3)).names == ("1e+16",)


@settings(max_examples=20, deadline=None)
@given(spaces())
def test_every_space_has_finite_pictures_of_all_its_parameters(space: Space) -> None:
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = space_panels(space, [space.sample(rng) for _ in range(60)])
    assert list(dict.fromkeys(panel.label for panel in drawn)) == [p.label for p in space.parameters]
    for panel in drawn:
        match panel.shape:
            case Bars() as bars:
                assert np.isfinite(bars.heights).all()
                assert (np.diff(bars.edges) > 0).all()
                assert 0.9 <= bars.shares.sum() <= 1 + 1e-9
            case Options(shares=shares):
                assert shares.sum() == pytest.approx(1)
