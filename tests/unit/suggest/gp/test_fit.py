"""Fitting of the GP's hyperparameters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal

from hpsearch.suggest.gp.fit import JITTER, NoisePrior, fit, negative_log_posterior

GROUPS = np.array([0, 1, 1, 1, 2])


def data(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, 5) features of two numbers around a choice, and targets that the second number ignores."""
    rng = np.random.default_rng(seed)
    features = np.zeros((n, 5))
    features[:, [0, 4]] = rng.random((n, 2))
    options = rng.integers(3, size=n)
    features[np.arange(n), 1 + options] = np.sqrt(0.5)
    targets = np.sin(6 * features[:, 0]) + 0.5 * (options == 1)
    return features, (targets - targets.mean()) / targets.std()


def reference_covariance(theta: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return Matern's covariance of each pair, one by one."""
    n = len(features)
    lengths = np.exp(theta[:3])[GROUPS]
    found = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            r = np.sqrt(5 * (((features[i] - features[j]) / lengths) ** 2).sum())
            found[i, j] = np.exp(theta[3]) * (1 + r + r * r / 3) * np.exp(-r)
    return found + (np.exp(theta[4]) + JITTER) * np.eye(n)


def log_prior(theta: np.ndarray) -> float:
    off = np.append((theta[:3] - np.log(np.sqrt(3)) + 0.2), [theta[3], (theta[4] - np.log(1e-4)) / 2.5])
    return -0.5 * float(off @ off)


@pytest.mark.parametrize("seed", range(4))
def test_the_value_is_the_density_of_the_data_and_the_prior(seed: int) -> None:
    features, targets = data(9, seed)
    theta = np.random.default_rng(seed).normal([-0.5, 0, 0.5, 0.2, -4], 0.5)
    normal = multivariate_normal(np.zeros(9), reference_covariance(theta, features))
    expected = -normal.logpdf(targets) - 4.5 * np.log(2 * np.pi) - log_prior(theta)
    assert negative_log_posterior(theta, features, GROUPS, targets)[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_the_gradient_is_that_of_the_value(seed: int) -> None:
    features, targets = data(20, seed)
    theta = np.random.default_rng(seed).normal([-0.5, 0, 0.5, 0.2, -4], 0.5)
    gradient = negative_log_posterior(theta, features, GROUPS, targets)[1]
    numeric = approx_fprime(theta, lambda t: negative_log_posterior(t, features, GROUPS, targets)[0], 1e-6)
    assert gradient == pytest.approx(numeric, rel=1e-3, abs=1e-3)


def test_the_gradient_is_that_of_the_value_with_noise_scales() -> None:
    features, targets = data(20)
    rng = np.random.default_rng(0)
    theta, scales = rng.normal([-0.5, 0, 0.5, 0.2, -1], 0.5), rng.lognormal(size=20)
    more = NoisePrior(log_mean=-2.0, log_sigma=1.0), scales
    gradient = negative_log_posterior(theta, features, GROUPS, targets, *more)[1]
    numeric = approx_fprime(
        theta, lambda t: negative_log_posterior(t, features, GROUPS, targets, *more)[0], 1e-6
    )
    assert gradient == pytest.approx(numeric, rel=1e-3, abs=1e-3)


def test_a_parameter_that_does_not_matter_gets_a_greater_length() -> None:
    features, targets = data(40)
    found = fit(features, GROUPS, targets)
    assert found.lengths[2] > 2 * found.lengths[0]
    assert found.noise < 0.01


def test_noise_is_distinguished_from_signal() -> None:
    features, targets = data(60)
    noisy = targets + np.random.default_rng(1).normal(0, 0.7, 60)
    assert 0.2 < fit(features, GROUPS, noisy / noisy.std()).noise < 0.8


def test_the_fit_is_more_probable_than_the_centre_of_the_prior() -> None:
    features, targets = data(40)
    found = fit(features, GROUPS, targets)
    theta = np.log([*found.lengths, found.signal, found.noise])
    centre = np.array([np.log(np.sqrt(3)) - 0.2] * 3 + [0, np.log(1e-4)])
    values = [negative_log_posterior(t, features, GROUPS, targets)[0] for t in (theta, centre)]
    assert values[0] < values[1] - 1


@pytest.mark.parametrize("targets", [np.zeros(12), np.array([1.0, -1.0] * 6)])
def test_repeated_points_can_be_fitted(targets: np.ndarray) -> None:
    found = fit(np.tile(data(2)[0][:1], (12, 1)), GROUPS, targets)
    assert np.isfinite([*found.lengths, found.signal, found.noise]).all()
