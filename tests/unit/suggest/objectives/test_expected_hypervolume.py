"""The expected gain in hypervolume, against sampling and differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from hpsearch.core.history import Floats
from hpsearch.core.hypervolume import exclusive_volume
from hpsearch.suggest.gp.acquisition import log_improvement
from hpsearch.suggest.objectives.boxes import nondominated_boxes
from hpsearch.suggest.objectives.expected_hypervolume import ExpectedHypervolume


def _front(m: int, n: int, seed: int = 0) -> Floats:
    points = np.abs(np.random.default_rng(seed).standard_normal((n, m)))
    return np.asarray(points / np.linalg.norm(points, axis=1)[:, None])


def _gain(front: Floats) -> ExpectedHypervolume:
    return ExpectedHypervolume(nondominated_boxes(front, np.full(front.shape[1], 1.2)))


@pytest.mark.parametrize("m", [2, 3, 4])
def test_gain_agrees_with_sampling(m: int) -> None:
    """Of a point below the front, on it, and dominated."""
    front, rng = _front(m, 6), np.random.default_rng(1)
    for centre in (0.3, 0.6, 0.8):
        mean, deviation = np.full(m, centre), np.linspace(0.1, 0.3, m)
        samples = mean + deviation * rng.standard_normal((500, m))
        gains = np.array([exclusive_volume(sample, front, np.full(m, 1.2)) for sample in samples])

        found = np.exp(_gain(front).log_gain(mean[None], deviation[None])[0])

        assert abs(found - gains.mean()) < 4 * gains.std() / np.sqrt(len(gains))


def test_gain_in_one_objective_is_the_expected_improvement() -> None:
    """Below the best of the front."""
    mean, deviation = np.array([[0.7], [2.0]]), np.array([[0.2], [0.1]])
    found = _gain(np.array([[0.5], [0.9]])).log_gain(mean, deviation)
    assert found == pytest.approx((np.log(deviation) + log_improvement((0.5 - mean) / deviation))[:, 0])


@given(st.integers(1, 4), st.integers(0, 12), st.integers(0, 99), st.floats(-2.5, 0.0))
def test_derivatives_are_those_of_the_gain(m: int, n: int, seed: int, log_scale: float) -> None:
    """Also for deviations of a few thousandths of the front's range."""
    rng = np.random.default_rng(seed)
    gain, means = _gain(_front(m, n, seed)), rng.random((1, m)) * 1.1
    deviations = 10**log_scale * (0.5 + rng.random((1, m)))

    value, by_mean, by_deviation = gain.with_gradient(means, deviations)

    assert value == pytest.approx(gain.log_gain(means, deviations))
    step = 1e-6 * 10**log_scale
    numeric = approx_fprime(means[0], lambda x: gain.log_gain(x[None], deviations)[0], step)
    assert by_mean[0] * step == pytest.approx(numeric * step, rel=1e-3, abs=1e-9)
    numeric = approx_fprime(deviations[0], lambda s: gain.log_gain(means, s[None])[0], step)
    assert by_deviation[0] * step == pytest.approx(numeric * step, rel=1e-3, abs=1e-9)


@given(st.permutations([0, 1, 2]), st.integers(0, 99))
def test_order_of_objectives_does_not_matter(order: list[int], seed: int) -> None:
    """To the gain of a point."""
    rng = np.random.default_rng(seed)
    front, means, deviations = _front(3, 9, seed), rng.random((4, 3)), rng.random((4, 3)) + 0.01
    found = _gain(front).log_gain(means, deviations)
    assert _gain(front[:, order]).log_gain(means[:, order], deviations[:, order]) == pytest.approx(found)


def test_hopeless_points_still_have_a_slope() -> None:
    """A thousand deviations from any gain."""
    value, by_mean, by_deviation = _gain(_front(2, 5)).with_gradient(
        np.array([[2.2, 2.2]]), np.full((1, 2), 1e-3)
    )
    assert -1e7 < value[0] < -1e5
    assert (by_mean < -1e4).all()
    assert (by_deviation > 0).all()
