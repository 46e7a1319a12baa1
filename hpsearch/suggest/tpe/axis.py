"""The coordinate of a numeric parameter on which kernels are placed.

Every numeric parameter is a latent variable ``z`` (the value, or its logarithm) on a linear scale
``x = (z - loc) / scale`` whose unit is the range of the parameter:

* uniform: ``x`` is in [0, 1], and the prior density is 1.
* normal: ``x = 0`` is the mean, and the range is the middle 99.7 %: ``scale = 6 sigma``. The scale is linear,
  not the normal distribution function, and continues beyond the range. So kernels keep their resolution in
  the tails, and a search can move to an optimum eight sigmas out, which on a compressed scale it could not.
  (Of ranges from 3.5 to 8 sigmas, this one was measured to find optima from the mean to four sigmas out.)

On a grid, a value represents its bin: all ``x`` that round to it.

An ``Axis`` is one parameter, with numbers as fields, or ``p`` of them side by side, with (p,) arrays as
fields; the methods then map columns of values at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from hpsearch.core.history import Bools, Floats
from hpsearch.space.distribution import MAX_INTEGER, MAX_LOG, MIN_LOG, Integer, Normal, Numeric

#: The range of a normal parameter, in standard deviations.
_N_SIGMAS = 6.0
#: A normal parameter is searched up to this magnitude, so that floats do not overflow ...
_MAX_VALUE = 1e300
#: ... and up to this ``x``, whose square is finite even in units of the narrowest kernel ...
_MAX_X = 1e100
#: ... but at least this many standard deviations from the mean, beyond any draw from the prior.
_MIN_SIGMAS = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One numeric parameter, or (p,) side by side: ``value = grid(exp(loc + scale x))``."""

    loc: float | Floats  #: latent value at ``x = 0``
    scale: float | Floats  #: latent units per unit of ``x``
    low: float | Floats  #: smallest ``x``
    high: float | Floats  #: largest ``x``
    prior_sigma: float | Floats  #: of the normal prior around ``x = 0``; inf: uniform on [low, high]
    is_log: bool | Bools  #: whether the latent is the logarithm of the value
    grid_step: float | Floats  #: step of the values; 0: continuous
    least: float | Floats  #: smallest value that can occur
    greatest: float | Floats  #: largest value that can occur

    def coordinates(self, values: Floats) -> Floats:
        """Map (n,) or (n, p) values to ``x``, clipped to [low, high]."""
        x = np.clip(self._x(values), self.low, self.high)
        is_log_grid = np.logical_and(self.is_log, np.greater(self.grid_step, 0))
        if is_log_grid.any():
            # Zero has no logarithm: use the middle of its bin, of which at most one range counts.
            low, high = self.bins(values)
            return np.where(is_log_grid & (values <= 0), (np.maximum(low, high - 1) + high) / 2, x)
        return x

    def bins(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper ends in ``x`` of the bins of values on a grid, clipped to the axis."""
        low, high = self._x(values - self.grid_step / 2), self._x(values + self.grid_step / 2)
        return np.clip(low, self.low, self.high), np.clip(high, self.low, self.high)

    def half_bins(self, values: Floats) -> Floats:
        """Return half the widths in ``x`` of the bins of values, not clipped; 0 off grids."""
        low, high = self._x(values - self.grid_step / 2), self._x(values + self.grid_step / 2)
        return (high - np.where(np.isfinite(low), low, self.low)) / 2

    def values(self, x: Floats) -> Floats:
        """Map (n,) or (n, p) coordinates to values that can occur."""
        z = self.loc + self.scale * np.clip(x, self.low, self.high)
        values = np.where(self.is_log, np.exp(np.where(self.is_log, z, 0.0)), z)
        is_grid = np.greater(self.grid_step, 0)
        if is_grid.any():
            with np.errstate(over="ignore"):
                n_steps = values / np.where(is_grid, self.grid_step, 1.0)
                # Beyond MAX_INTEGER steps, floats have no digits left to round.
                is_rounded = is_grid & (np.abs(n_steps) < MAX_INTEGER)
                values = np.where(is_rounded, np.round(n_steps) * self.grid_step, values)
        return np.clip(values, self.least, self.greatest) + 0.0  # turns -0.0 into 0.0

    def _x(self, values: Floats) -> Floats:
        """Map any numbers to ``x``; those without a logarithm to -inf."""
        with np.errstate(divide="ignore", over="ignore"):
            z = np.where(self.is_log, np.log(np.maximum(values, 0.0)), values)
            return (z - self.loc) / self.scale


def side_by_side(axes: Sequence[Axis]) -> Axis:
    """Return ``p`` axes of one parameter each as one axis with (p,) arrays."""
    columns = {field.name: np.array([getattr(a, field.name) for a in axes]) for field in fields(Axis)}
    return Axis(**columns)


def axis(distribution: Numeric | Integer) -> Axis:
    """Return the axis of a numeric parameter.

    A uniform integer has a latent range half a step wider on either side, so that all its bins are equally
    wide, as they are equally probable.
    """
    if isinstance(distribution, Integer):
        least, greatest = float(distribution.low), float(distribution.high - 1)
        bounds = (distribution.low - 0.5, distribution.high - 0.5)
        return _uniform(bounds, is_log=False, step=1.0, support=(least, greatest))
    latent, support = distribution.latent, distribution.support()
    if isinstance(latent, Normal):
        return _normal(latent, distribution.is_log, distribution.q or 0.0, support)
    return _uniform((latent.low, latent.high), distribution.is_log, distribution.q or 0.0, support)


def _uniform(bounds: tuple[float, float], is_log: bool, step: float, support: tuple[float, float]) -> Axis:
    low, high = bounds
    return Axis(
        loc=low,
        scale=high - low,
        low=0.0,
        high=1.0,
        prior_sigma=math.inf,
        is_log=is_log,
        grid_step=step,
        least=support[0],
        greatest=support[1],
    )


def _normal(latent: Normal, is_log: bool, step: float, support: tuple[float, float]) -> Axis:
    scale = _N_SIGMAS * latent.sigma
    first, last = (MIN_LOG, MAX_LOG) if is_log else (-_MAX_VALUE, _MAX_VALUE)
    least = _MIN_SIGMAS / _N_SIGMAS
    return Axis(
        loc=latent.mu,
        scale=scale,
        low=min(max((first - latent.mu) / scale, -_MAX_X), -least),
        high=max(min((last - latent.mu) / scale, _MAX_X), least),
        prior_sigma=1 / _N_SIGMAS,
        is_log=is_log,
        grid_step=step,
        least=support[0],
        greatest=support[1],
    )
