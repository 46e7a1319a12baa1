"""Kernels of numeric parameters: one for each component of a mixture and each axis.

A component without a parameter, and the prior component, contribute the parameter's prior. All arrays range
over components and axes.

Continuous axes use the density at a point, and so do values on a grid whose bin is narrower than a fiftieth
of the range, where the ratio of two densities hardly differs from that of the bins' probabilities. The sum
over all axes of ``log N(x; mu, sigma)`` is a matrix product of ``(x, x^2, 1)`` with
``(mu / sigma^2, -1/2 sigma^2, constant)``. Wider bins are integrated.

Arrays have a row for each axis: all steps then run along contiguous memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats
from hpsearch.runtime.special_functions import ndtr
from hpsearch.suggest.tpe.axis import Axes, Axis
from hpsearch.suggest.tpe.bins import BinTable, has_wide_bins
from hpsearch.suggest.tpe.gauss import LOG_SQRT_2PI, quantile

#: Smallest bandwidth of a kernel, in ranges, and the number of finished trials from which it shrinks.
MIN_BANDWIDTH, _SHRINKS_FROM = 0.03, 200

#: Beyond this many ranges, squares of coordinates lose the digits of small differences.
_FAR = 64.0
#: Stands for the coordinate of a point that does not count: farther out than any axis.
_NOWHERE = 1e200


def section(axis: Axis) -> int:
    """Return where an axis belongs in an ``AxisTable``: kinds of axes that share a step are neighbours."""
    is_grid = axis.grid_step > 0
    place = 2 if has_wide_bins(axis) else 1 if is_grid else 0
    return 5 - place if axis.is_log else place


class AxisTable:
    """``p`` axes side by side.

    Parameters
    ----------
    axes : sequence of p Axis
        Sorted by ``section``.
    """

    def __init__(self, axes: Sequence[Axis]) -> None:
        sections = [section(axis) for axis in axes]
        #: axes with a grid, and those with wide bins
        self.grid, self.coarse = (
            slice(sum(s < first for s in sections), sum(s <= last for s in sections))
            for first, last in ((1, 4), (2, 3))
        )
        self.axes, self.grid_axes = Axes(axes), Axes(axes[self.grid])
        self.bins = BinTable(axes[self.coarse])
        is_uniform = np.isinf(self.axes.prior_sigma)[:, None]
        self.is_uniform: Bools = is_uniform  #: (p, 1) whether the prior is uniform
        self.has_normal = not is_uniform.all()
        #: (p, 1) bandwidth of the prior
        self.prior_sigma: Floats = np.where(is_uniform, 1.0, self.axes.prior_sigma[:, None])
        #: (2, p, 1) the ends of the axes
        self.ends: Floats = np.stack([self.axes.low, self.axes.high])[:, :, None]
        self.low, self.length = self.ends[0], self.ends[1] - self.ends[0]  #: (p, 1) each


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericKernels:
    """Normal kernels of ``k`` components on ``p`` axes, each truncated to its axis.

    A uniform prior is a flat kernel over the whole range.
    """

    axis_table: AxisTable  #: the axes
    mu: Floats  #: (p, k) centres in ``x``, on the axes
    sigma: Floats  #: (p, k) bandwidths in ``x``; 1 where flat
    is_flat: Bools  #: (p, k) whether the kernel is uniform
    below: Floats  #: (p, k) probability below the axis before truncation; 0 where flat
    mass: Floats  #: (p, k) probability on the axis before truncation; 1 where flat

    def log_density(self, values: Floats, active: Bools) -> Floats:
        """Return the log density of each point under each component, summed over the axes.

        Parameters
        ----------
        values : (p, m) array
            Raw values that can occur; 0 where inactive.
        active : (p, m) array of bool
            Which parameters are active; the others do not count.

        Returns
        -------
        (m, k) array
            Finite; with respect to ``x``, or log probabilities of bins where these are integrated.
        """
        coarse = self.axis_table.coarse
        if coarse.start == coarse.stop:
            return self._log_at_points(values, active)
        is_wide = self.axis_table.bins.is_wide(values[coarse])
        is_wide &= active[coarse]
        at_points = np.array(active)
        at_points[coarse] ^= is_wide
        logs = self._log_at_points(values, at_points)
        logs += self._log_of_bins(values[coarse], is_wide)
        return logs

    def draw(self, components: NDArray[np.intp], uniforms: Floats) -> Floats:
        """Draw values by inversion of the distribution functions.

        Parameters
        ----------
        components : (m,) array of int
            Component of each point.
        uniforms : (p, m) array
            In [0, 1).

        Returns
        -------
        (p, m) array
            Raw values.
        """
        table = self.axis_table
        below, mass, mu, sigma, is_flat = (
            a.take(components, axis=1) for a in (self.below, self.mass, self.mu, self.sigma, self.is_flat)
        )
        x = mu + sigma * quantile(below + uniforms * mass)
        np.copyto(x, table.low + uniforms * table.length, where=is_flat)
        return table.axes.values(x)

    def _log_at_points(self, values: Floats, active: Bools) -> Floats:
        """Return the (m, k) sums over the axes of the densities at points."""
        mu, sigma, p = self.mu, self.sigma, len(self.mu)
        is_normal = ~self.is_flat
        precision = is_normal / (sigma * sigma)
        points = np.empty((3 * p, values.shape[1]))
        mask, x, squares = points[:p], points[p : 2 * p], points[2 * p :]
        mask[:] = active
        np.multiply(self.axis_table.axes.coordinates(values), mask, out=x)
        factors = np.empty((3 * p, mu.shape[1]))
        constant = np.negative(np.log(sigma * self.mass), out=factors[:p])
        constant -= LOG_SQRT_2PI * is_normal
        far = self._log_far_out(x, mask, precision) if self._is_far(x) else None
        np.multiply(x, x, out=squares)
        centred = np.multiply(mu, precision, out=factors[p : 2 * p])
        constant -= 0.5 * mu * centred
        np.multiply(precision, -0.5, out=factors[2 * p :])
        logs: Floats = points.T @ factors
        return logs if far is None else logs + far

    def _is_far(self, x: Floats) -> bool:
        """Whether any point or centre is so far out that squares of coordinates lose digits."""
        if not self.axis_table.has_normal:
            return False
        return any(max(a.max(initial=0), -a.min(initial=0)) > _FAR for a in (x, self.mu))

    def _log_far_out(self, x: Floats, mask: Floats, precision: Floats) -> Floats:
        """Return the part of the (m, k) sums that squares cannot give, and remove it from the arguments."""
        reach = np.maximum(np.abs(x).max(axis=1, initial=0), np.abs(self.mu).max(axis=1, initial=0))
        logs = np.zeros((x.shape[1], self.mu.shape[1]))
        for j in np.flatnonzero(reach > _FAR):
            z = (x[j, :, None] - self.mu[j]) / self.sigma[j]
            logs -= 0.5 * mask[j, :, None] * z * z * (precision[j] > 0)
            x[j], precision[j] = 0.0, 0.0
        return logs

    def _log_of_bins(self, values: Floats, is_wide: Bools) -> Floats:
        """Return the (m, k) sums over the coarse axes of the log probabilities of wide bins."""
        coarse = self.axis_table.coarse
        bins, has_point = self.axis_table.bins.find(values).occupied(values, is_wide)
        logs = bins.log_masses(self.mu[coarse], self.sigma[coarse], self.is_flat[coarse])
        found: Floats = has_point.T.astype(np.float64) @ logs
        found -= is_wide.T.astype(np.float64) @ np.log(self.mass[coarse])
        return found


def smallest_bandwidth(n_finished: int) -> float:
    """Return the smallest bandwidth, in ranges: a long search needs finer steps than a short one."""
    return MIN_BANDWIDTH * min(1.0, _SHRINKS_FROM / max(n_finished, 1))


def numeric_kernels(
    axis_table: AxisTable,
    values: Floats,
    active: Bools,
    sizes: Sequence[int],
    min_bandwidth: float = MIN_BANDWIDTH,
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
    values : (p, k) array
        Raw values; arbitrary where inactive.
    active : (p, k) array of bool
        Which components observed each parameter; ``K`` is their number in a group.
    sizes : sequence of int
        Numbers of components of successive groups; neighbours are of the same group.
    min_bandwidth : float
        In units of the range; see ``smallest_bandwidth``.
    """
    grid = axis_table.grid
    x = axis_table.axes.coordinates(values)
    starts = [0, *accumulate(sizes)][:-1]
    n_observed = np.add.reduceat(active, starts, axis=1, dtype=np.intp)  # (p, groups)
    narrowest = np.maximum(min_bandwidth, (n_observed + 2.0) ** -2)
    narrowest[n_observed == 1] = 1.0  # without neighbours, any gap is too small
    sigma = np.maximum(_gaps(x, active, sizes), narrowest.repeat(sizes, axis=1))
    np.maximum(sigma[grid], axis_table.grid_axes.half_bins(values[grid]), out=sigma[grid])
    np.minimum(sigma, 1.0, out=sigma)
    is_missing = ~active
    np.copyto(sigma, axis_table.prior_sigma, where=is_missing)
    mu = np.where(active, x, 0.0)
    is_flat = is_missing & axis_table.is_uniform
    # The centre is on the axis, so the two terms of the mass lie on both sides of 1/2: no cancellation.
    ends = axis_table.ends - mu
    ends /= sigma
    below, upto = ndtr(ends, out=ends)
    mass = np.subtract(upto, below, out=upto)
    below[is_flat], mass[is_flat] = 0.0, 1.0
    return NumericKernels(axis_table=axis_table, mu=mu, sigma=sigma, is_flat=is_flat, below=below, mass=mass)


def _gaps(x: Floats, active: Bools, sizes: Sequence[int]) -> Floats:
    """Return the distance of each point to the farther of its two neighbours on the axis.

    Parameters
    ----------
    x : (p, k) array
        Finite.
    active : (p, k) array of bool
        The points that count.
    sizes : sequence of int
        Numbers of points of successive groups, whose points are no neighbours of others.

    Returns
    -------
    (p, k) array
        0 for the only point on an axis; arbitrary where inactive.
    """
    points = np.where(active, x, _NOWHERE)
    order = np.empty(points.shape, dtype=np.intp)
    starts = [0, *accumulate(sizes)]
    for start, end in pairwise(starts):
        order[:, start:end] = points[:, start:end].argsort(axis=1, kind="stable")
        order[:, start:end] += start
    order += np.arange(0, points.size, points.shape[1])[:, None]
    ordered = points.take(order)
    between = np.subtract(ordered[:, 1:], ordered[:, :-1])
    for end in starts[1:-1]:
        between[:, end - 1] = 0.0
    between *= between < _NOWHERE / 2
    farther = np.zeros(points.shape)
    farther[:, :-1] = between
    np.maximum(farther[:, 1:], between, out=farther[:, 1:])
    gaps = np.empty(points.shape)
    gaps.put(order, farther)
    return gaps
