"""The acquisition function."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.stats import norm

from hpsearch.suggest.gp.acquisition import ExpectedImprovement, Product, log_improvement, log_success
from hpsearch.suggest.gp.kernel import Hyperparameters
from hpsearch.suggest.gp.posterior import condition

GROUPS = np.arange(3)


@pytest.mark.parametrize("z", [-6.0, -3.0, -1.0001, -0.9999, 0.0, 2.0, 9.0])
def test_the_improvement_agrees_with_its_integral(z: float) -> None:
    expected = quad(lambda u: (z - u) * norm.pdf(u), -40, z, epsabs=0, epsrel=1e-11)[0]
    assert log_improvement(np.array([z]))[0] == pytest.approx(math.log(expected), rel=1e-8)


def test_it_is_smooth_where_the_formulas_meet() -> None:
    """The derivative is ``Phi / (phi + z Phi)``: about ``-z`` far below."""
    for edge in (-1.0, -1e3):
        around = edge * (1 + np.array([-1e-6, -5e-7, 5e-7, 1e-6]))
        slopes = np.diff(log_improvement(around)) / np.diff(around)
        assert np.ptp(slopes) < 1e-3 * abs(slopes[0])


def test_it_has_a_slope_over_the_range_of_floats() -> None:
    z = -np.array([1e2, 1e4, 1e8, 1e150])
    found = log_improvement(z)
    assert found == pytest.approx(-0.5 * z * z, rel=1e-2)
    assert np.isfinite(found).all()


def acquisition(*, with_failures: bool) -> Product:
    rng = np.random.default_rng(0)
    features, targets = rng.random((20, 3)), rng.standard_normal(20)
    hyper = Hyperparameters(lengths=np.array([0.4, 0.8, 1.5]), signal=1.0, noise=0.05)
    labels = np.where(features[:, 0] > 0.6, -1.0, 1.0)
    gain = ExpectedImprovement(losses=condition(hyper, features, GROUPS, targets), best=-1.2)
    if not with_failures:
        return Product([gain])
    success = condition(hyper, features, GROUPS, labels - labels.mean())
    return Product([gain, log_success(success, float(labels.mean()))])


@pytest.mark.parametrize("with_failures", [False, True])
def test_the_gradient_is_that_of_the_score(with_failures: bool) -> None:
    found, at = acquisition(with_failures=with_failures), np.random.default_rng(1).random((5, 3))
    values, gradient = found.with_gradient(at)
    assert values == pytest.approx(found.at(at))
    for row, slope in zip(at, gradient, strict=True):
        numeric = approx_fprime(row, lambda x: found.at(x[None])[0], 1e-7)
        assert slope == pytest.approx(numeric, rel=1e-4, abs=1e-4)


def test_the_score_is_lower_where_trials_fail() -> None:
    """The difference is a multiple of the log probability of success."""
    at = np.array([[0.1, 0.5, 0.5], [0.95, 0.5, 0.5]])
    fine, failing = acquisition(with_failures=True).at(at) - acquisition(with_failures=False).at(at)
    assert -0.3 < fine < 0
    assert failing < -3
