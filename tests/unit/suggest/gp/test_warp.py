"""Warping of losses for the GP."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew, yeojohnson, zscore

from hpsearch.suggest.gp.warp import warped

LOSSES = st.lists(
    st.floats(allow_nan=False, max_value=1e308) | st.sampled_from([-math.inf, 0.0, 1.0]), max_size=30
)


@given(LOSSES)
def test_any_losses_become_finite_and_keep_their_order(losses: list[float]) -> None:
    y = np.array(losses)
    with np.errstate(all="raise", under="ignore"):
        z = warped(y)
    assert np.isfinite(z).all()
    assert (np.diff(z[np.argsort(y, kind="stable")]) >= -1e-12).all()


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_the_unit_and_the_origin_of_losses_do_not_matter(scale: float) -> None:
    y = np.random.default_rng(0).lognormal(0, 2, 40)
    assert warped(y * scale) == pytest.approx(warped(y), rel=1e-6)
    assert warped(y + 5) == pytest.approx(warped(y), abs=1e-6)


def test_skewed_losses_lose_most_of_their_skew() -> None:
    y = np.random.default_rng(0).lognormal(0, 1.5, 200)
    assert skew(y) > 2
    assert abs(skew(warped(y))) < 0.5  # type: ignore[operator]
    assert (warped(y).mean(), warped(y).std()) == (pytest.approx(0, abs=1e-12), pytest.approx(1))


def test_losses_without_outliers_are_warped_as_scipy_does() -> None:
    """SciPy finds the most likely exponent exactly, we take the nearest of a grid."""
    y = np.random.default_rng(0).gamma(2.0, size=100)
    low, median, high = np.quantile(y, [0.25, 0.5, 0.75])
    expected, _ = yeojohnson(1.349 * (y - median) / (high - low))
    assert warped(y) == pytest.approx(zscore(expected), abs=0.05)


def test_good_losses_stay_apart_when_most_are_equal() -> None:
    """Nine in ten have the same loss, so the interquartile range is zero."""
    y = np.array([2.3] * 45 + [1.0, 0.9, 0.8, 0.7, 0.6])
    assert (np.diff(warped(y)[45:]) < -0.02).all()


def test_one_enormous_loss_does_not_flatten_the_others() -> None:
    y = np.append(np.linspace(0, 1, 20), 1e12)
    assert np.ptp(warped(y)[:20]) > 1


def test_equal_losses_become_zeros() -> None:
    assert not warped(np.full(7, 3.5)).any()
    assert not warped(np.full(3, -math.inf)).any()
    assert warped(np.zeros(0)).shape == (0,)
