"""Integrals of kernels over the wide bins of grids.

Many points share the few values of a coarse grid, so each wide bin is integrated once. Those of a bounded
axis are known beforehand; on an unbounded axis, only the bins of given values are integrated. Where bins
adjoin, the distribution function is evaluated once at the end that they share.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats
from hpsearch.runtime.special_functions import ndtr
from hpsearch.suggest.tpe.axis import Axes, Axis
from hpsearch.suggest.tpe.gauss import LEAST

Indices = NDArray[np.intp]

#: Bins wider than this share of the range are integrated.
WIDE = 0.02


def has_wide_bins(axis: Axis) -> bool:
    """Whether any bin of an axis is wide enough to be integrated."""
    return axis.grid_step > 0 and axis.least < _wide_below(axis)


@dataclass(frozen=True, slots=True)
class Bins:
    """Ends of bins, in order for each axis; a bin lies between two neighbouring ends of its axis."""

    axes: Indices  #: (e,) axis of each end
    ends: Floats  #: (e,) its coordinate
    values: Floats  #: (e - 1,) value whose bin lies between this end and the next; NaN where there is none

    def occupied(self, values: Floats, counts: Bools) -> tuple[Bins, Bools]:
        """Return the bins that have a point, and which points each of them has.

        Parameters
        ----------
        values : (p, m) array
            Values of ``m`` points on the axes.
        counts : (p, m) array of bool
            Which of them count.

        Returns
        -------
        bins : Bins
            With ``e'`` ends.
        has_point : (e' - 1, m) array of bool
            False where no bin lies between two ends.
        """
        axes = self.axes[:-1]
        has_point = values.take(axes, axis=0) == self.values[:, None]
        has_point &= counts.take(axes, axis=0)
        is_occupied = has_point.any(axis=1)
        is_end = np.zeros(len(self.ends), dtype=bool)
        is_end[:-1] |= is_occupied
        is_end[1:] |= is_occupied
        kept = np.flatnonzero(is_end)
        first = kept[:-1]
        bins = Bins(self.axes.take(kept), self.ends.take(kept), self.values.take(first))
        return bins, has_point.take(first, axis=0)

    def log_masses(self, mu: Floats, sigma: Floats, is_flat: Bools) -> Floats:
        """Return the log probability of each bin under normal distributions, or uniform ones on [0, 1].

        Parameters
        ----------
        mu, sigma : (p, k) arrays
            Centres and deviations on the axes.
        is_flat : (p, k) array of bool
            Which distributions are uniform.

        Returns
        -------
        (e - 1, k) array
            At least ``log(1e-300)``; arbitrary where no bin lies between two ends.
        """
        z = self.ends[:, None] - mu.take(self.axes, axis=0)
        z /= sigma.take(self.axes, axis=0)
        # The tail beyond each end, with the sign of its side, since distribution functions near 1 would
        # cancel. Of two ends on different sides, the difference lacks 1.
        is_below = np.signbit(z)
        tails = ndtr(np.copysign(z, -1.0))
        np.copysign(tails, z, out=tails)
        masses = tails[:-1] - tails[1:]
        masses += is_below[:-1] > is_below[1:]
        widths = self.ends[1:] - self.ends[:-1]
        np.copyto(masses, widths[:, None], where=is_flat.take(self.axes[:-1], axis=0))
        np.maximum(masses, LEAST, out=masses)
        logs: Floats = np.log(masses, out=masses)
        return logs


class BinTable:
    """The wide bins of ``p`` axes.

    Parameters
    ----------
    axes : sequence of p Axis
        Axes with wide bins.
    """

    def __init__(self, axes: Sequence[Axis]) -> None:
        is_open = [math.isfinite(axis.prior_sigma) for axis in axes]
        self._open: Indices = np.flatnonzero(np.array(is_open, dtype=bool))
        self._open_axes = Axes([axis for axis, opens in zip(axes, is_open, strict=True) if opens])
        self._known = _join([_known_bins(axis, j) for j, axis in enumerate(axes) if not is_open[j]])
        self._wide_below = np.array([_wide_below(axis) for axis in axes]).reshape(-1, 1)

    def is_wide(self, values: Floats) -> Bools:
        """Return which of (p, m) values have bins to integrate."""
        found: Bools = values < self._wide_below
        return found

    def find(self, values: Floats) -> Bins:
        """Return bins that include all wide ones of (p, m) values."""
        if not len(self._open):
            return self._known
        ordered = np.sort(values[self._open], axis=1)
        is_new = ordered < self._wide_below[self._open]
        is_new[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
        axes, distinct = self._open[np.nonzero(is_new)[0]], ordered[is_new]
        ends = np.column_stack([side[is_new] for side in self._open_axes.bins(ordered)]).ravel()
        between = np.column_stack([distinct, np.full(len(distinct), np.nan)]).ravel()
        return _join([self._known, Bins(np.repeat(axes, 2), ends, between[:-1])])


def _wide_below(axis: Axis) -> float:
    """Return a bound below which the bins of non-negative values, or all bins, of an axis are wide."""
    if not axis.grid_step:
        return -math.inf
    if axis.is_log:
        # The bin of v is log((v + h) / (v - h)) wide, h being half a step.
        return axis.grid_step / 2 / math.tanh(WIDE * axis.scale / 2)
    return math.inf if axis.grid_step > WIDE * axis.scale else -math.inf


def _known_bins(axis: Axis, index: int) -> Bins:
    """Return all wide bins of a bounded axis."""
    step = axis.grid_step
    last = min(axis.greatest, _wide_below(axis))
    first = round(axis.least / step)
    values: Floats = np.arange(first, math.floor(last / step + 1e-9) + 1, dtype=np.float64) * step
    low, high = Axes([axis]).bins(values[None])
    ends = np.append(low[0, :1], high[0])
    return Bins(np.full(len(ends), index, dtype=np.intp), ends, values)


def _join(parts: Sequence[Bins]) -> Bins:
    """Return the bins of several axes."""
    parts = [part for part in parts if len(part.ends)]
    none = np.zeros(0, dtype=np.intp)
    return Bins(
        axes=np.concatenate([none, *(part.axes for part in parts)]),
        ends=np.concatenate([none, *(part.ends for part in parts)]),
        values=np.concatenate([none, *(np.append(part.values, np.nan) for part in parts)])[:-1],
    )
