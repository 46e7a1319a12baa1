"""The posterior of the GP, compared with the textbook's matrix formulas."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from hpsearch.core.history import Floats
from hpsearch.suggest.gp.fit import JITTER
from hpsearch.suggest.gp.kernel import Hyperparameters
from hpsearch.suggest.gp.posterior import condition, with_fantasies

GROUPS = np.array([0, 1, 1, 2])
HYPER = Hyperparameters(lengths=np.array([0.3, 1.2, 0.7]), signal=1.7, noise=0.01)


def matern(a: Floats, b: Floats) -> Floats:
    r = np.sqrt(5) * np.linalg.norm((a[:, None] - b) / HYPER.lengths[GROUPS], axis=2)
    return np.asarray(HYPER.signal * (1 + r + r * r / 3) * np.exp(-r))


def data(n: int, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.random((n, 4)), rng.standard_normal(n)


def test_mean_and_variance_are_those_of_the_conditional_normal() -> None:
    (features, targets), (at, _) = data(15), data(6, 1)
    found = condition(HYPER, features, GROUPS, targets).predict(at)
    inverse = np.linalg.inv(matern(features, features) + (HYPER.noise + JITTER) * np.eye(15))
    across = matern(at, features)
    assert found.mean == pytest.approx(across @ inverse @ targets, rel=1e-8)
    assert found.variance == pytest.approx(np.diag(matern(at, at) - across @ inverse @ across.T), rel=1e-8)


def test_the_gradients_are_those_of_mean_and_variance() -> None:
    (features, targets), (at, _) = data(15), data(3, 1)
    posterior = condition(HYPER, features, GROUPS, targets)
    found, by_mean, by_variance = posterior.predict_with_gradient(at)
    assert found.mean == pytest.approx(posterior.predict(at).mean)
    assert found.variance == pytest.approx(posterior.predict(at).variance)
    for row, mean, variance in zip(at, by_mean, by_variance, strict=True):
        assert mean == pytest.approx(
            approx_fprime(row, lambda x: posterior.predict(x[None]).mean[0], 1e-7), rel=1e-4, abs=1e-5
        )
        assert variance == pytest.approx(
            approx_fprime(row, lambda x: posterior.predict(x[None]).variance[0], 1e-7), rel=1e-4, abs=1e-5
        )


def test_a_fantasy_keeps_the_mean_and_removes_the_variance_at_its_point() -> None:
    (features, targets), (pending, _), (at, _) = data(15), data(4, 1), data(20, 2)
    before = condition(HYPER, features, GROUPS, targets)
    after = with_fantasies(HYPER, features, GROUPS, targets, pending)
    assert after.predict(at).mean == pytest.approx(before.predict(at).mean, abs=1e-9)
    assert (after.predict(at).variance < before.predict(at).variance).all()
    assert (after.predict(pending).variance < 0.02).all()


def test_without_pending_points_there_are_no_fantasies() -> None:
    features, targets = data(15)
    plain = condition(HYPER, features, GROUPS, targets)
    same = with_fantasies(HYPER, features, GROUPS, targets, np.zeros((0, 4)))
    assert same.predict(features).mean == pytest.approx(plain.predict(features).mean, rel=1e-14)


def test_far_from_all_observations_the_posterior_is_the_prior() -> None:
    features, targets = data(15)
    found = condition(HYPER, features, GROUPS, targets).predict(np.full((1, 4), 100.0))
    assert (found.mean[0], found.variance[0]) == (pytest.approx(0, abs=1e-12), pytest.approx(HYPER.signal))
