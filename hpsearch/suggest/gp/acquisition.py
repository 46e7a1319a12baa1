"""How much a point is worth: the logarithm of its expected improvement, if it works at all.

The logarithm has a slope where the improvement itself has rounded to nothing (Ament et al.
2023, arXiv 2310.20708). Where trials fail, the improvement is multiplied by a power of the
probability of success (Gardner et al. 2014, "Bayesian optimization with inequality constraints",
have the first power): a failure costs a trial and tells nothing of the loss.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from hpsearch.core.history import Floats
from hpsearch.suggest.gp.posterior import Posterior

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
#: Farther below zero the closed form cancels; nearer, the series is not yet exact.
_FAR = 1e3
#: The power of the probability of success. Measured against 1 and 2: half the failures, and losses
#: as good or better.
_CAUTION = 3.0


def log_improvement(z: Floats) -> Floats:
    """Log of the expected excess over ``-z`` of a standard normal variable, ``phi(z) + z Phi(z)``.

    Below -1 it is ``log phi(z) + log(1 - |z| sqrt(pi / 2) erfcx(|z| / sqrt 2))``, and where the
    difference drowns in rounding the series ``z^-2 - 3 z^-4`` stands in for it.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """The worth of points; higher is better."""

    losses: Posterior  #: what is believed of the loss
    best: float  #: the loss to improve on
    success: Posterior | None = None  #: what is believed of +1, a trial that worked, and -1, a failed one
    base_rate: float = 0.0  #: what was subtracted from those numbers

    def at(self, features: Floats) -> Floats:
        """Return the acquisition, (m,), at (m, D) features."""
        found = self.losses.predict(features)
        sigma = np.sqrt(found.variance)
        acquisition = np.log(sigma) + log_improvement((self.best - found.mean) / sigma)
        if self.success is not None:
            works = self.success.predict(features)
            spread = np.sqrt(works.variance + self.success.noise)
            acquisition += _CAUTION * log_ndtr((works.mean + self.base_rate) / spread)
        return acquisition

    def with_gradient(self, features: Floats) -> tuple[Floats, Floats]:
        """Return the acquisition, (m,), at (m, D) features, and its gradient, (m, D)."""
        found, by_mean, by_variance = self.losses.predict_with_gradient(features)
        sigma = np.sqrt(found.variance)
        z = (self.best - found.mean) / sigma
        log_gain = log_improvement(z)
        by_z = np.exp(log_ndtr(z) - log_gain)
        by_sigma = by_variance / (2 * sigma)[:, None]
        gradient = ((1 - z * by_z)[:, None] * by_sigma - by_z[:, None] * by_mean) / sigma[:, None]
        acquisition = np.log(sigma) + log_gain
        if self.success is not None:
            more, slope = _log_success(self.success, self.base_rate, features)
            return acquisition + _CAUTION * more, gradient + _CAUTION * slope
        return acquisition, gradient


def _log_success(success: Posterior, base_rate: float, features: Floats) -> tuple[Floats, Floats]:
    """Return the log probability that points work, (m,), and its gradient, (m, D)."""
    works, by_mean, by_variance = success.predict_with_gradient(features)
    spread = np.sqrt(works.variance + success.noise)
    u = (works.mean + base_rate) / spread
    log_p = log_ndtr(u)
    by_u = np.exp(-0.5 * u * u - _LOG_SQRT_2PI - log_p)
    slope = (by_mean - (u / (2 * spread))[:, None] * by_variance) / spread[:, None]
    return log_p, by_u[:, None] * slope
