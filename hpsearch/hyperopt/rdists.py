"""Hyperopt's ``rdists``: the distributions of parameters with densities and draws, as SciPy has them.

The names are those of Hyperopt's classes; here they are functions that return a distribution.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from hpsearch.history import Floats
from hpsearch.space import arguments
from hpsearch.space.distribution import Numeric, Uniform

__all__ = [
    "Quantised",
    "lognorm_gen",
    "loguniform_gen",
    "qlognormal_gen",
    "qloguniform_gen",
    "qnormal_gen",
    "quniform_gen",
]


class Quantised:
    """The distribution of a parameter on a grid."""

    def __init__(self, parameter: Numeric) -> None:
        self._parameter = parameter
        self._latent = _latent(parameter)

    def pmf(self, x: ArrayLike) -> Floats:
        """Return the probability of each of several values; 0 for what is not on the grid."""
        values = np.asarray(x, dtype=float)
        q = float(self._parameter.q or 0)
        mass: Floats = self._cdf(values + q / 2) - self._cdf(values - q / 2)
        is_on_grid = np.isclose(values, np.round(values / q) * q, rtol=1e-9, atol=1e-9 * q)
        return np.where(is_on_grid, mass, 0.0)

    def logpmf(self, x: ArrayLike) -> Floats:
        """Return the logarithms of ``pmf``; ``-inf`` where that is 0."""
        with np.errstate(divide="ignore"):
            logarithms: Floats = np.log(self.pmf(x))
        return logarithms

    def rvs(self, size: Any = (), random_state: Any = None) -> Floats:
        """Draw an array of values, with a Generator, RandomState, int or a fresh generator."""
        rng = np.random.default_rng(random_state)
        drawn = [self._parameter.sample(rng) for _ in range(int(np.prod(size)))]
        return np.reshape(np.array(drawn), size)

    def _cdf(self, value: Floats) -> Floats:
        """Return the probability of a value before rounding to be at most another one."""
        if not self._parameter.is_log:
            below: Floats = self._latent.cdf(value)
            return below
        positive = np.maximum(value, np.finfo(float).tiny)
        return np.where(value > 0, self._latent.cdf(np.log(positive)), 0.0)


def loguniform_gen(low: float = 0, high: float = 1) -> Any:
    """Return the distribution of ``hp.loguniform``: the bounds are logarithms."""
    return stats.loguniform(np.exp(low), np.exp(high))


def lognorm_gen(mu: float, sigma: float) -> Any:
    """Return the distribution of ``hp.lognormal``."""
    return stats.lognorm(s=sigma, scale=np.exp(mu))


def quniform_gen(low: float, high: float, q: float) -> Quantised:
    """Return the distribution of ``hp.quniform``."""
    return Quantised(arguments.uniform("quniform", "quniform_gen", low, high, q))


def qloguniform_gen(low: float, high: float, q: float) -> Quantised:
    """Return the distribution of ``hp.qloguniform``: the bounds are logarithms."""
    return Quantised(arguments.uniform("qloguniform", "qloguniform_gen", low, high, q))


def qnormal_gen(mu: float, sigma: float, q: float) -> Quantised:
    """Return the distribution of ``hp.qnormal``."""
    return Quantised(arguments.normal("qnormal", "qnormal_gen", mu, sigma, q))


def qlognormal_gen(mu: float, sigma: float, q: float) -> Quantised:
    """Return the distribution of ``hp.qlognormal``."""
    return Quantised(arguments.normal("qlognormal", "qlognormal_gen", mu, sigma, q))


def _latent(parameter: Numeric) -> Any:
    """Return SciPy's distribution of the latent variable."""
    match parameter.latent:
        case Uniform(low, high):
            return stats.uniform(low, high - low)
        case normal:
            return stats.norm(normal.mu, normal.sigma)
