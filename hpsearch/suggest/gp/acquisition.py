"""The acquisition function: log expected improvement, weighted by the probability of success.

The logarithm has a slope where the improvement itself rounds to zero (Ament et al. 2023, arXiv 2310.20708,
section 4.1). Where trials fail, the improvement is multiplied by a power of the probability of success, since
a failure costs a trial and says nothing about the loss. Gardner et al. 2014, "Bayesian optimization with
inequality constraints", use the first power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from hpsearch.core.history import Floats
from hpsearch.suggest.gp.posterior import Posterior

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
#: Farther below zero the closed form cancels; closer to zero the series is not exact.
_FAR = 1e3
#: Power of the probability of success. Compared with 1 and 2, it halves the failures at equal or lower
#: losses.
_CAUTION = 3.0


def log_improvement(z: Floats) -> Floats:
    """Return ``log(phi(z) + z Phi(z))``, the log expected improvement in units of the standard deviation.

    For ``z < -1`` it is ``log phi(z) + log(1 - |z| sqrt(pi / 2) erfcx(|z| / sqrt 2))``; where rounding
    cancels the difference, the series ``z^-2 - 3 z^-4`` replaces it.

    Parameters
    ----------
    z : array
        Finite.

    Returns
    -------
    array of the same shape
        Finite.
    """
    near, size, far = np.maximum(z, -1.0), np.clip(-z, 1.0, _FAR), np.maximum(-z, _FAR)
    log_above = np.log(np.exp(-0.5 * near * near - _LOG_SQRT_2PI) + near * ndtr(near))
    log_rest = np.log1p(-math.sqrt(0.5 * math.pi) * size * erfcx(size * math.sqrt(0.5)))
    log_series = np.log1p(-3 / (far * far)) - 2 * np.log(far)
    log_below = -0.5 * z * z - _LOG_SQRT_2PI + np.where(-z > _FAR, log_series, log_rest)
    return np.where(z < -1, log_below, log_above)


class Acquisition(Protocol):
    """What a suggestion maximizes: a sum of logarithms over features."""

    def at(self, features: Floats) -> Floats:
        """Return the scores, (m,), of (m, D) features."""
        ...

    def with_gradient(self, features: Floats) -> tuple[Floats, Floats]:
        """Return the scores, (m,), of (m, D) features, and their gradients, (m, D)."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedImprovement:
    """The log expected improvement on the incumbent."""

    losses: Posterior  #: of the loss
    best: float  #: the incumbent: the loss to improve on

    def at(self, features: Floats) -> Floats:
        """Return the scores, (m,), of (m, D) features."""
        found = self.losses.predict(features)
        sigma = np.sqrt(found.variance)
        return np.asarray(np.log(sigma) + log_improvement((self.best - found.mean) / sigma))

    def with_gradient(self, features: Floats) -> tuple[Floats, Floats]:
        """Return the scores, (m,), of (m, D) features, and their gradients, (m, D)."""
        found, by_mean, by_variance = self.losses.predict_with_gradient(features)
        sigma = np.sqrt(found.variance)
        z = (self.best - found.mean) / sigma
        log_gain = log_improvement(z)
        by_z = np.exp(log_ndtr(z) - log_gain)
        by_sigma = by_variance / (2 * sigma)[:, None]
        gradient = ((1 - z * by_z)[:, None] * by_sigma - by_z[:, None] * by_mean) / sigma[:, None]
        return np.log(sigma) + log_gain, gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProbability:
    """A multiple of the log probability that something is above zero."""

    of: Posterior  #: of what should be above zero, minus its mean
    base: float  #: the mean that was subtracted
    noise: float = 0.0  #: variance of an observation; not negative
    power: float = 1.0  #: the multiple; positive

    def at(self, features: Floats) -> Floats:
        """Return the scores, (m,), of (m, D) features."""
        found = self.of.predict(features)
        return self.power * log_ndtr((found.mean + self.base) / np.sqrt(found.variance + self.noise))

    def with_gradient(self, features: Floats) -> tuple[Floats, Floats]:
        """Return the scores, (m,), of (m, D) features, and their gradients, (m, D)."""
        found, by_mean, by_variance = self.of.predict_with_gradient(features)
        spread = np.sqrt(found.variance + self.noise)
        u = (found.mean + self.base) / spread
        log_p = log_ndtr(u)
        by_u = np.exp(-0.5 * u * u - _LOG_SQRT_2PI - log_p)
        slope = (by_mean - (u / (2 * spread))[:, None] * by_variance) / spread[:, None]
        return self.power * log_p, self.power * (by_u[:, None] * slope)


def log_success(success: Posterior, base_rate: float) -> LogProbability:
    """Return the score of not failing.

    Parameters
    ----------
    success : Posterior
        Of success (+1) and failure (-1), minus their mean.
    base_rate : float
        The mean that was subtracted.
    """
    return LogProbability(of=success, base=base_rate, noise=success.noise, power=_CAUTION)


@dataclass(frozen=True, slots=True)
class Product:
    """The product of acquisition functions: the sum of their logarithms."""

    terms: Sequence[Acquisition]  #: at least one

    def at(self, features: Floats) -> Floats:
        """Return the scores, (m,), of (m, D) features."""
        return np.asarray(reduce(np.add, [term.at(features) for term in self.terms]))

    def with_gradient(self, features: Floats) -> tuple[Floats, Floats]:
        """Return the scores, (m,), of (m, D) features, and their gradients, (m, D)."""
        scores, gradients = zip(*(term.with_gradient(features) for term in self.terms), strict=True)
        return np.asarray(reduce(np.add, scores)), np.asarray(reduce(np.add, gradients))
