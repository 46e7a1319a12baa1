"""The coordinate in which the kernels of a numeric parameter live.

Every numeric parameter is a latent variable ``z`` (the value, or its logarithm) on a
linear scale ``x = (z - loc) / scale`` that makes one unit "the range":

* uniform: ``x`` runs over [0, 1], and the prior is 1 there.
* normal: ``x = 0`` is the mean and the range is the middle 99.7 %, ``scale = 6 sigma``. The
  scale is linear, not the normal distribution function, and goes on beyond the range:
  kernels keep their resolution in the tails, and a search whose optimum lies eight sigmas
  out walks there, which on a compressed scale it could not. (Of ranges from 3.5 to 8 sigmas
  this one was measured to find optima well from the mean to four sigmas out.)

Where values are rounded to a grid, a value stands for its bin: all ``x`` that round to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.history import Floats
from hpsearch.space.distribution import MAX_INTEGER, MAX_LOG, MIN_LOG, Integer, Normal, Numeric
from hpsearch.suggest.tpe.gauss import LOG_SQRT_2PI, log_interval, quantile

#: The range of a normal parameter, in standard deviations.
_N_SIGMAS = 6.0
#: A normal parameter is searched up to this magnitude, short of where floats overflow ...
_MAX_VALUE = 1e300
#: ... and up to this in ``x``: its square is finite even in units of the narrowest kernel ...
_MAX_X = 1e100
#: ... but at least as far as its prior can reach, in standard deviations.
_REACH = 40.0
#: A bin that rounding made empty has this much, so that its logarithm is finite.
_LEAST_MASS = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One numeric parameter as a line: ``value = grid(exp(loc + scale x))``."""

    loc: float  #: latent value at ``x = 0``
    scale: float  #: latent units per unit of ``x``
    low: float  #: smallest ``x``
    high: float  #: largest ``x``
    sigma: float | None  #: of the normal prior around 0, in units of ``x``; None: uniform on [low, high]
    is_log: bool  #: whether the latent is the logarithm of the value
    step: float | None  #: grid step of the values; None: continuous
    least: float  #: smallest value that can occur
    greatest: float  #: largest value that can occur

    def coordinates(self, values: Floats) -> Floats:
        """Map (n,) values to ``x``, moved into [low, high] where they lie outside."""
        x = np.clip(self._x(values), self.low, self.high)
        if self.is_log and self.step:
            # Zero has no logarithm: it sits in the middle of its bin, of which one range counts.
            low, high = self.bins(values)
            return np.where(values > 0, x, (np.maximum(low, high - 1) + high) / 2)
        return x

    def bins(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the lower and the upper ends in ``x`` of the bins of (n,) values on a grid."""
        assert self.step is not None
        low, high = self._x(values - self.step / 2), self._x(values + self.step / 2)
        return np.clip(low, self.low, self.high), np.clip(high, self.low, self.high)

    def half_bins(self, values: Floats) -> Floats:
        """Return half the widths in ``x`` of the bins of (n,) values; those at an end are not cut."""
        assert self.step is not None
        low, high = self._x(values - self.step / 2), self._x(values + self.step / 2)
        return (high - np.where(np.isfinite(low), low, self.low)) / 2

    def values(self, x: Floats) -> Floats:
        """Map (n,) coordinates to values that can occur."""
        z = self.loc + self.scale * np.clip(x, self.low, self.high)
        values = np.exp(z) if self.is_log else z
        if self.step:
            with np.errstate(over="ignore"):
                n_steps = values / self.step
            # Beyond, a float has no digits left that rounding could remove.
            on_grid = np.abs(n_steps) < MAX_INTEGER
            values[on_grid] = np.round(n_steps[on_grid]) * self.step
        return np.clip(values, self.least, self.greatest) + 0.0  # no negative zero

    def prior_log_density(self, values: Floats) -> Floats:
        """Return the log prior of (n,) values: of the density in ``x``, or of the bin on a grid."""
        if self.step:
            low, high = self.bins(values)
            if self.sigma is None:
                return np.log(np.maximum(high - low, _LEAST_MASS))
            return log_interval(low / self.sigma, high / self.sigma)
        if self.sigma is None:
            return np.zeros(len(values))
        z = self.coordinates(values) / self.sigma
        return -0.5 * z * z - LOG_SQRT_2PI - math.log(self.sigma)

    def prior_quantile(self, p: Floats) -> Floats:
        """Return the ``x`` below which the prior has the probability ``p``, (n,) in [0, 1)."""
        if self.sigma is None:
            return self.low + p * (self.high - self.low)
        return np.clip(self.sigma * quantile(p), self.low, self.high)

    def _x(self, values: Floats) -> Floats:
        """Map numbers, whether they can occur or not, to the line; what has no logarithm to -inf."""
        with np.errstate(divide="ignore", over="ignore"):
            z = np.log(np.maximum(values, 0.0)) if self.is_log else values
            return (z - self.loc) / self.scale


def axis(distribution: Numeric | Integer) -> Axis:
    """Return the line of a numeric parameter.

    A uniform integer is a uniform latent half a step wider on either side, so that the
    bins of its end values are as wide as the others, as they are in its prior.
    """
    if isinstance(distribution, Integer):
        least, greatest = float(distribution.low), float(distribution.high - 1)
        bounds = (distribution.low - 0.5, distribution.high - 0.5)
        return _uniform(bounds, is_log=False, step=1.0, support=(least, greatest))
    latent, support = distribution.latent, distribution.support()
    if isinstance(latent, Normal):
        return _normal(latent, distribution.is_log, distribution.q, support)
    return _uniform((latent.low, latent.high), distribution.is_log, distribution.q, support)


def _uniform(
    bounds: tuple[float, float], is_log: bool, step: float | None, support: tuple[float, float]
) -> Axis:
    """Return the line of a uniform latent."""
    low, high = bounds
    return Axis(
        loc=low,
        scale=high - low,
        low=0.0,
        high=1.0,
        sigma=None,
        is_log=is_log,
        step=step,
        least=support[0],
        greatest=support[1],
    )


def _normal(latent: Normal, is_log: bool, step: float | None, support: tuple[float, float]) -> Axis:
    """Return the line of a normal latent."""
    scale = _N_SIGMAS * latent.sigma
    first, last = (MIN_LOG, MAX_LOG) if is_log else (-_MAX_VALUE, _MAX_VALUE)
    reach = _REACH / _N_SIGMAS
    return Axis(
        loc=latent.mu,
        scale=scale,
        low=min(max((first - latent.mu) / scale, -_MAX_X), -reach),
        high=max(min((last - latent.mu) / scale, _MAX_X), reach),
        sigma=1 / _N_SIGMAS,
        is_log=is_log,
        step=step,
        least=support[0],
        greatest=support[1],
    )
