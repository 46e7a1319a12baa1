"""Kernels of numeric parameters: one for each component of a mixture and each axis.

A component without a parameter, and the prior component, contribute the parameter's prior. All arrays range
over components and axes.

Continuous axes use the density at a point, and so do grids whose bins are narrower than a fiftieth of the
range, where the ratio of two densities hardly differs from that of the bins' probabilities. The sum over all
axes of ``log N(x; mu, sigma)`` is three matrix products:

    ``-1/2 (x x) (1 / sigma^2)' + x (mu / sigma^2)' - 1/2 (mu^2 / sigma^2 + ...)'``

Wider bins are integrated. Since many candidates share the few values of a coarse grid, each distinct value is
integrated once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hpsearch.core.history import Bools, Floats
from hpsearch.suggest.tpe.axis import Axis, side_by_side
from hpsearch.suggest.tpe.gauss import LEAST, LOG_SQRT_2PI, log_interval, quantile

#: Smallest bandwidth of a kernel, in ranges, and the number of finished trials from which it shrinks.
MIN_BANDWIDTH, _SHRINKS_FROM = 0.03, 200

#: Bins wider than this share of the range are integrated.
_COARSE = 0.02
#: Beyond this many ranges, squares of coordinates lose the digits of small differences.
_FAR = 64.0


@dataclass(frozen=True, slots=True)
class AxisTable:
    """``p`` axes side by side, those with integrated bins last."""

    axis: Axis  #: all axes
    n_smooth: int  #: number of axes that use the density at a point
    smooth: Axis  #: the first ``n_smooth`` axes
    coarse: Axis  #: the others

    def coordinates(self, values: Floats) -> Floats:
        """Map (n, p) values to coordinates, clipped to the axes."""
        n = self.n_smooth
        return np.hstack([self.smooth.coordinates(values[:, :n]), self.coarse.coordinates(values[:, n:])])


def build_axis_table(axes: Sequence[Axis]) -> AxisTable:
    """Return axes side by side; they must be sorted by ``is_coarse``."""
    n_smooth = sum(not is_coarse(axis) for axis in axes)
    return AxisTable(
        axis=side_by_side(axes),
        n_smooth=n_smooth,
        smooth=side_by_side(axes[:n_smooth]),
        coarse=side_by_side(axes[n_smooth:]),
    )


def is_coarse(axis: Axis) -> bool:
    """Whether the bins of one axis are wide enough to be integrated."""
    if not axis.grid_step:
        return False
    least = np.array([axis.least if axis.is_log else 0.0])  # the widest bin of a log axis is its first
    return float(axis.half_bins(least)[0]) > _COARSE / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericKernels:
    """Normal kernels of ``k`` components on ``p`` axes, each truncated to its axis.

    A uniform prior is a flat kernel over the whole range.
    """

    axis_table: AxisTable  #: the axes
    mu: Floats  #: (k, p) centres in ``x``, on the axes
    sigma: Floats  #: (k, p) bandwidths in ``x``; 1 where flat
    is_flat: Bools  #: (k, p) whether the kernel is uniform
    below: Floats  #: (k, p) probability below the axis before truncation; 0 where flat
    mass: Floats  #: (k, p) probability on the axis before truncation; 1 where flat

    def log_density(self, values: Floats, active: Bools) -> Floats:
        """Return the log density of each point under each component, summed over the axes.

        Parameters
        ----------
        values : (m, p) array
            Raw values that can occur; 0 where inactive.
        active : (m, p) array of bool
            Which parameters are active; the others do not count.

        Returns
        -------
        (m, k) array
            Finite; with respect to ``x``, or log probabilities of bins where these are integrated.
        """
        n = self.axis_table.n_smooth
        logs = self._log_at_points(values[:, :n], active[:, :n])
        if n < values.shape[1]:
            logs += self._log_of_bins(values[:, n:], active[:, n:])
        return logs

    def draw(self, components: NDArray[np.intp], uniforms: Floats) -> Floats:
        """Draw values by inversion of the distribution functions.

        Parameters
        ----------
        components : (m,) array of int
            Component of each point.
        uniforms : (m, p) array
            In [0, 1).

        Returns
        -------
        (m, p) array
            Raw values.
        """
        axis = self.axis_table.axis
        p = self.below[components] + uniforms * self.mass[components]
        x = self.mu[components] + self.sigma[components] * quantile(p)
        flat = axis.low + uniforms * (np.asarray(axis.high) - axis.low)
        return axis.values(np.where(self.is_flat[components], flat, x))

    def _log_at_points(self, values: Floats, active: Bools) -> Floats:
        """Return the (m, k) sums over the axes that use the density at a point."""
        n = self.axis_table.n_smooth
        mask = active.astype(np.float64)
        x = self.axis_table.smooth.coordinates(values) * mask
        mu, sigma, is_flat = self.mu[:, :n], self.sigma[:, :n], self.is_flat[:, :n]
        precision = np.where(is_flat, 0.0, 1 / (sigma * sigma))
        constant = np.where(is_flat, 0.0, -np.log(sigma) - LOG_SQRT_2PI) - np.log(self.mass[:, :n])
        logs: Floats = mask @ constant.T
        is_far = np.maximum(np.abs(x).max(axis=0, initial=0), np.abs(mu).max(axis=0, initial=0)) > _FAR
        for j in np.flatnonzero(is_far):
            z = (x[:, j, None] - mu[:, j]) / sigma[:, j]
            logs -= 0.5 * mask[:, j, None] * z * z * (precision[:, j] > 0)
        if is_far.any():
            x, mu, mask, precision = (a[:, ~is_far] for a in (x, mu, mask, precision))
        centred = mu * precision
        logs += x @ centred.T
        logs -= (x * x) @ (0.5 * precision).T + mask @ (0.5 * mu * centred).T
        return logs

    def _log_of_bins(self, values: Floats, active: Bools) -> Floats:
        """Return the (m, k) sums over the axes with integrated bins."""
        n = self.axis_table.n_smooth
        pairs = _distinct(values)
        low, high = (ends.T[pairs.is_first] for ends in self.axis_table.coarse.bins(pairs.ordered.T))  # (u,)
        columns = n + np.nonzero(pairs.is_first)[0]
        mu, precision = self.mu[:, columns], (1 / self.sigma)[:, columns]  # (k, u)
        kernels = log_interval((low - mu) * precision, (high - mu) * precision)
        flat = np.log(np.maximum(high - low, LEAST))  # a uniform axis has length 1
        logs = np.where(self.is_flat[:, columns], flat, kernels)
        mask = active.astype(np.float64)
        has_pair = np.zeros((len(values), len(columns)))
        np.put_along_axis(has_pair, pairs.places.T, mask, axis=1)
        return np.asarray(has_pair @ logs.T - mask @ np.log(self.mass[:, n:]).T)


def smallest_bandwidth(n_finished: int) -> float:
    """Return the smallest bandwidth, in ranges: a long search needs finer steps than a short one."""
    return MIN_BANDWIDTH * min(1.0, _SHRINKS_FROM / max(n_finished, 1))


def numeric_kernels(
    axis_table: AxisTable, values: Floats, active: Bools, min_bandwidth: float = MIN_BANDWIDTH
) -> NumericKernels:
    """Place a kernel on each observation.

    The bandwidth is the distance to the farther of the two neighbours on the axis (Bergstra et al. 2011,
    "Algorithms for hyper-parameter optimization", section 4; the ends of the axis are no neighbours), at
    least ``max(min_bandwidth, (K + 2)^-2)`` and at most 1, the range ("magic clipping" of Watanabe 2023,
    arXiv 2304.11127, with exponent 2). On a grid it is at least half a bin; a narrower kernel
    would give neighbouring values no weight.

    Parameters
    ----------
    axis_table : AxisTable
        Axes of ``p`` parameters.
    values : (k, p) array
        Raw values; arbitrary where inactive.
    active : (k, p) array of bool
        Which components observed each parameter; ``K`` is their number.
    min_bandwidth : float
        In units of the range; see ``smallest_bandwidth``.
    """
    axis, n = axis_table.axis, axis_table.n_smooth
    x = axis_table.coordinates(values)
    narrowest = np.maximum(min_bandwidth, (active.sum(axis=0) + 2.0) ** -2)
    observed = np.clip(_gaps(x, active), narrowest, 1.0)
    # Half a bin of the smooth axes is less than the smallest bandwidth.
    half_bins = np.minimum(axis_table.coarse.half_bins(values[:, n:]), 1.0)
    observed[:, n:] = np.maximum(observed[:, n:], half_bins)
    is_uniform = np.isinf(axis.prior_sigma)
    mu = np.where(active, x, 0.0)
    sigma = np.where(active, observed, np.where(is_uniform, 1.0, axis.prior_sigma))
    is_flat = ~active & is_uniform
    # The centre is on the axis, so the two terms of the mass lie on both sides of 1/2: no cancellation.
    below = ndtr((axis.low - mu) / sigma)
    mass = ndtr((axis.high - mu) / sigma) - below
    return NumericKernels(
        axis_table=axis_table,
        mu=mu,
        sigma=sigma,
        is_flat=is_flat,
        below=np.where(is_flat, 0.0, below),
        mass=np.where(is_flat, 1.0, mass),
    )


def _gaps(x: Floats, active: Bools) -> Floats:
    """Return the distance of each point to the farther of its two neighbours on the axis.

    Parameters
    ----------
    x : (k, p) array
        Finite.
    active : (k, p) array of bool
        The points that count.

    Returns
    -------
    (k, p) array
        Infinite for a single point on its axis; arbitrary where inactive.
    """
    points = np.where(active, x, np.inf).T  # (p, k): each axis is contiguous
    order = np.argsort(points, axis=1, kind="stable")
    ordered = np.take_along_axis(points, order, axis=1)
    with np.errstate(invalid="ignore"):  # inf - inf of two inactive points
        between = np.diff(ordered, axis=1)
    between[~np.isfinite(between)] = 0.0
    farther = np.zeros(ordered.shape)
    farther[:, :-1] = between
    np.maximum(farther[:, 1:], between, out=farther[:, 1:])
    gaps = np.empty(ordered.shape)
    np.put_along_axis(gaps, order, farther, axis=1)
    gaps[active.sum(axis=0) == 1] = np.inf
    return gaps.T


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The distinct values in each column of a table."""

    ordered: Floats  #: (q, m) sorted values of each column
    is_first: Bools  #: (q, m) where a value differs from the one before; ``u`` are true
    places: NDArray[np.intp]  #: (q, m) index among the ``u`` distinct values of each value of the table


def _distinct(values: Floats) -> _Pairs:
    """Find the distinct values in each column of an (m, q) table."""
    columns = np.ascontiguousarray(values.T)
    order = np.argsort(columns, axis=1, kind="stable")
    ordered = np.take_along_axis(columns, order, axis=1)
    is_first = np.ones(ordered.shape, dtype=bool)
    is_first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    places = np.empty(ordered.shape, dtype=np.intp)
    np.put_along_axis(places, order, is_first.cumsum().reshape(ordered.shape) - 1, axis=1)
    return _Pairs(ordered=ordered, is_first=is_first, places=places)
