"""The expected gain in hypervolume of a point with independent normal objectives: exact, in logarithms.

A point gains, in each box of what is not dominated yet (``boxes``), the product over the objectives of how
far it lies below the upper end, at most down to the lower end. With ``g(a) = E[max(a - f, 0)] = s (z Phi(z) +
phi(z))`` and ``z = (a - mean) / s``, the expected gain is the sum of ``prod_i (g_i(u_i) - g_i(l_i))`` over
the boxes.

The sum is taken in logarithms, ``log(g(u) - g(l)) = log g(u) + log1p(-exp(log g(l) - log g(u)))``, so that it
has a slope where the gain itself rounds to zero (as Ament et al. 2023, arXiv 2310.20708, do for Monte Carlo
estimates of it). The derivatives of ``g`` are ``-Phi(z)`` by the mean, and ``phi(z)`` by ``s``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr, logsumexp

from hpsearch.core.history import Floats
from hpsearch.suggest.gp.acquisition import log_improvement
from hpsearch.suggest.gp.kernel import Indices
from hpsearch.suggest.objectives.boxes import Boxes

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
#: Ends whose ``log g`` differ by less than this are as good as equal, but a logarithm must remain.
_EQUAL = -1e-15


@dataclass(frozen=True, slots=True)
class _Edges:
    """The boxes' sides along one objective; many boxes share one."""

    levels: Floats  #: (l,) the finite ends
    lower: Indices  #: (s,) lower end of each different side, as an index of a level; -1 without one
    upper: Indices  #: (s,) its upper end
    of_boxes: Indices  #: (b,) side of each box


class ExpectedHypervolume:
    """The logarithm of the expected gain, for one set of boxes.

    Parameters
    ----------
    boxes : Boxes
        Of what is not dominated; at least one.
    """

    def __init__(self, boxes: Boxes) -> None:
        self._edges = [_edges(low, high) for low, high in zip(boxes.lower.T, boxes.upper.T, strict=True)]

    def log_gain(self, means: Floats, deviations: Floats) -> Floats:
        """Return the log expected gain of ``c`` points.

        Parameters
        ----------
        means : (c, m) array
            Of the objectives.
        deviations : (c, m) array
            Standard deviations; positive.

        Returns
        -------
        (c,) array
            Finite, down to gains of about ``exp(-1e300)``.
        """
        total: Floats = np.zeros(())
        for edges, mean, deviation in self._each(means, deviations):
            total = total + _Sides(edges, mean, deviation).logs[:, edges.of_boxes]
        return np.asarray(logsumexp(total, axis=1))

    def with_gradient(self, means: Floats, deviations: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the log expected gain of ``c`` points, and its derivatives.

        Parameters
        ----------
        means, deviations : (c, m) arrays
            As for ``log_gain``.

        Returns
        -------
        (c,) array, (c, m) array, (c, m) array
            The value, and its derivatives by the means and by the deviations.
        """
        found = [_Sides(edges, mean, s) for edges, mean, s in self._each(means, deviations)]
        total = np.sum([sides.logs[:, sides.edges.of_boxes] for sides in found], axis=0)
        value = logsumexp(total, axis=1)
        shares = np.exp(total - value[:, None])
        by_mean, by_deviation = np.empty(means.shape), np.empty(means.shape)
        for i, sides in enumerate(found):
            for derivative, slopes in zip((by_mean, by_deviation), sides.slopes(), strict=True):
                derivative[:, i] = (shares * slopes[:, sides.edges.of_boxes]).sum(axis=1)
        return value, by_mean, by_deviation

    def _each(self, means: Floats, deviations: Floats) -> Iterator[tuple[_Edges, Floats, Floats]]:
        return zip(self._edges, means.T, deviations.T, strict=True)


class _Sides:
    """The logarithms of ``g(u) - g(l)`` for each side along one objective, and their derivatives."""

    def __init__(self, edges: _Edges, mean: Floats, deviation: Floats) -> None:
        self.edges = edges
        self._z = (edges.levels - mean[:, None]) / deviation[:, None]  # (c, l)
        below = np.log(deviation)[:, None] + log_improvement(self._z)
        ratio = self._from_lower(below) - below[:, edges.upper]
        self.logs = below[:, edges.upper] + np.log1p(-np.exp(np.minimum(ratio, _EQUAL)))  # (c, s)

    def slopes(self) -> tuple[Floats, Floats]:
        """Return the derivatives, (c, s) each, by the mean and by the standard deviation."""
        log_below, log_density = log_ndtr(self._z), -0.5 * self._z * self._z - _LOG_SQRT_2PI
        return -self._between(log_below), self._between(log_density)

    def _between(self, logs: Floats) -> Floats:
        """Return the difference between upper and lower ends of exponentials, over ``g(u) - g(l)``."""
        upper, lower = logs[:, self.edges.upper], self._from_lower(logs)
        return np.asarray(np.exp(upper - self.logs) - np.exp(lower - self.logs))

    def _from_lower(self, logs: Floats) -> Floats:
        """Return the values at the lower ends, the logarithm of 0 where there is none."""
        return np.where(self.edges.lower < 0, -np.inf, logs[:, self.edges.lower])


def _edges(lower: Floats, upper: Floats) -> _Edges:
    """Return the different sides of (b,) boxes along one objective."""
    sides, of_boxes = np.unique(np.column_stack([lower, upper]), axis=0, return_inverse=True)
    levels = np.unique(sides[np.isfinite(sides)])
    return _Edges(
        levels=levels,
        lower=np.where(np.isfinite(sides[:, 0]), np.searchsorted(levels, sides[:, 0]), -1),
        upper=np.searchsorted(levels, sides[:, 1]),
        of_boxes=of_boxes.reshape(-1),
    )
