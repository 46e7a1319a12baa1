"""The covariance of a loss at two points: Matern's with smoothness 5/2, a length for each parameter.

With ``r^2 = 5 sum_j |x_j - x'_j|^2 / l_j^2``, where ``x_j`` are the features of parameter ``j``::

    k(x, x') = s (1 + r + r^2 / 3) exp(-r),      dk / d(r^2) = -s / 6 (1 + r) exp(-r)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Floats

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameters:
    """What is fitted of a loss besides its values."""

    lengths: Floats  #: (d,) how far a parameter moves before the loss forgets, in units of its range
    signal: float  #: variance of the loss
    noise: float  #: variance of what repeats of one point differ by


def distances(a: Floats, b: Floats) -> Floats:
    """Return ``r`` between (m, D) and (n, D) features that were divided by their lengths, (m, n)."""
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    return np.asarray(np.sqrt(5 * np.maximum(squares, 0.0)))


def correlation(r: Floats) -> tuple[Floats, Floats]:
    """Return ``(1 + r + r^2 / 3) exp(-r)`` and ``5 / 3 (1 + r) exp(-r)``.

    The second is minus the derivative of the first by half the squared scaled distance, so
    that ``dk / dx = -s second (x - x') / l^2``.
    """
    decay = np.exp(-r)
    slope = (1 + r) * decay
    return slope + r * r / 3 * decay, 5 / 3 * slope
