"""The coordinate of a numeric parameter on which kernels are placed.

Every numeric parameter is a latent variable ``z`` (the value, or its logarithm) on a linear scale
``x = (z - loc) / scale`` whose unit is the range of the parameter:

* uniform: ``x`` is in [0, 1], and the prior density is 1.
* normal: ``x = 0`` is the mean, and the range is the middle 99.7 %: ``scale = 6 sigma``. The scale is linear,
  not the normal distribution function, and continues beyond the range. So kernels keep their resolution in
  the tails, and a search can move to an optimum eight sigmas out, which on a compressed scale it could not.
  (Of ranges from 3.5 to 8 sigmas, this one was measured to find optima from the mean to four sigmas out.)

On a grid, a value represents its bin: all ``x`` that round to it.

An ``Axis`` describes one parameter, ``Axes`` maps the values of several at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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


#: Stands for zero where a logarithm is taken: below every bound of an axis, but finite.
_TINY = 5e-324
#: Values up to this magnitude, in ranges at least as wide as its inverse, have finite coordinates.
_MODERATE = 1e100


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One numeric parameter: ``value = grid(exp(loc + scale x))``."""

    loc: float  #: latent value at ``x = 0``
    scale: float  #: latent units per unit of ``x``
    low: float  #: smallest ``x``
    high: float  #: largest ``x``
    prior_sigma: float  #: of the normal prior around ``x = 0``; inf: uniform on [low, high]
    is_log: bool  #: whether the latent is the logarithm of the value
    grid_step: float  #: step of the values; 0: continuous
    least: float  #: smallest value that can occur
    greatest: float  #: largest value that can occur


#: Rows of an array: a slice, which costs less, where they follow each other.
Rows = slice | NDArray[np.intp]


class Axes:
    """``p`` axes side by side, for arrays with a row for each axis.

    Parameters
    ----------
    axes : sequence of p Axis
        The axes. Arithmetic is cheapest if those with a logarithm, and those with a grid, follow each other.
    """

    def __init__(self, axes: Sequence[Axis]) -> None:
        def numbers(field: Callable[[Axis], float]) -> Floats:
            return np.array([field(axis) for axis in axes], dtype=np.float64)

        self.low, self.high = numbers(lambda a: a.low), numbers(lambda a: a.high)  #: (p,) each
        self.prior_sigma = numbers(lambda a: a.prior_sigma)  #: (p,)
        self.is_grid: Bools = numbers(lambda a: a.grid_step) > 0  #: (p,)
        # Columns, which are broadcast over the points.
        self._loc, self._scale = numbers(lambda a: a.loc)[:, None], numbers(lambda a: a.scale)[:, None]
        self._low, self._high = self.low[:, None], self.high[:, None]
        self._least = numbers(lambda a: a.least)[:, None]
        self._greatest = numbers(lambda a: a.greatest)[:, None]
        is_log: Bools = numbers(lambda a: a.is_log) > 0
        self._is_log = is_log[:, None]
        self._log, self._grid = _rows(is_log), _rows(self.is_grid)
        self._half_step = numbers(lambda a: a.grid_step)[:, None] / 2
        self._step = 2 * self._half_step[self._grid]
        self._has_log, self._has_grid = bool(is_log.any()), bool(self.is_grid.any())
        self._with_zero = _rows(is_log & self.is_grid & (self._least[:, 0] <= 0))
        self._has_zero = bool(np.any(is_log & self.is_grid & (self._least[:, 0] <= 0)))
        # Beyond MAX_INTEGER steps, floats have no digits left to round.
        most = np.maximum(np.abs(self._least), np.abs(self._greatest))
        self._is_countable = bool(np.all(most[self._grid] < MAX_INTEGER * self._step))
        is_moderate = np.where(np.isfinite(most) | self._is_log, most < _MODERATE, self._scale >= 1)
        self._may_overflow = not np.all((is_moderate | self._is_log) & (self._scale > 1 / _MODERATE))
        # Zero has no logarithm: use the middle of its bin, of which at most one range counts.
        low, high = self.bins(np.zeros((len(axes), 1)))
        self._zero = ((np.maximum(low, high - 1) + high) / 2)[self._with_zero]

    def __len__(self) -> int:
        return len(self.low)

    def coordinates(self, values: Floats) -> Floats:
        """Map (p, n) values to ``x``, clipped to [low, high]."""
        x = self._clip(self._x(values))
        if self._has_zero:
            rows = self._with_zero
            x[rows] = np.where(values[rows] > 0, x[rows], self._zero)
        return x

    def bins(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the lower and upper ends in ``x`` of the bins of (p, n) values, clipped to the axes."""
        low, high = self._ends(values)
        return self._clip(low), self._clip(high)

    def half_bins(self, values: Floats) -> Floats:
        """Return half the widths in ``x`` of the bins of (p, n) values, not clipped; 0 off grids."""
        low, high = self._ends(values)
        return (high - low) / 2

    def values(self, x: Floats) -> Floats:
        """Map (p, n) coordinates to values that can occur."""
        values = self._clip(np.array(x))
        values *= self._scale
        values += self._loc
        if self._has_log:
            values[self._log] = np.exp(values[self._log])
        if self._has_grid:
            values[self._grid] = self._rounded(values[self._grid])
        np.maximum(values, self._least, out=values)
        np.minimum(values, self._greatest, out=values)
        values += 0.0  # turns -0.0 into 0.0
        return values

    def _rounded(self, values: Floats) -> Floats:
        """Round values of the axes with a grid."""
        if self._is_countable:
            return np.rint(values / self._step) * self._step
        with np.errstate(over="ignore"):
            n_steps = values / self._step
            return np.where(np.abs(n_steps) < MAX_INTEGER, np.rint(n_steps) * self._step, values)

    def _ends(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the ends in ``x`` of bins; a lower end without a logarithm is that of the axis."""
        low, high = self._x(values - self._half_step), self._x(values + self._half_step)
        if self._has_log:
            low = np.where(self._is_log & (values <= self._half_step), self._low, low)
        return low, high

    def _x(self, values: Floats) -> Floats:
        """Map any numbers to ``x``; those without a logarithm to less than any other."""
        z = np.array(values)
        if self._has_log:
            z[self._log] = np.log(np.maximum(values[self._log], _TINY))
        if self._may_overflow:
            with np.errstate(over="ignore"):
                return np.asarray((z - self._loc) / self._scale)
        z -= self._loc
        z /= self._scale
        return z

    def _clip(self, x: Floats) -> Floats:
        """Clip coordinates to the axes, in place."""
        np.maximum(x, self._low, out=x)
        return np.minimum(x, self._high, out=x)


def _rows(mask: Bools) -> Rows:
    """Return where a (p,) mask is true."""
    found = np.flatnonzero(mask)
    if len(found) and found[-1] - found[0] + 1 == len(found):
        return slice(int(found[0]), int(found[-1]) + 1)
    return found


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
