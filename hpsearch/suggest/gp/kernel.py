"""The Matern 5/2 kernel with one length-scale per parameter (Rasmussen and Williams 2006, equation 4.17).

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
    """Hyperparameters of a GP."""

    lengths: Floats  #: (d,) length-scale of each parameter, in units of its range
    signal: float  #: variance of the loss
    noise: float  #: variance of repeated observations of one point


def distances(a: Floats, b: Floats) -> Floats:
    """Return the scaled distances ``r`` between two sets of points.

    Parameters
    ----------
    a : (m, D) array
        Features divided by their length-scales.
    b : (n, D) array
        Likewise.

    Returns
    -------
    (m, n) array
        Not negative.
    """
    squares = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * (a @ b.T)
    return np.asarray(np.sqrt(5 * np.maximum(squares, 0.0)))


def correlation(r: Floats) -> tuple[Floats, Floats]:
    """Return ``(1 + r + r^2 / 3) exp(-r)`` and ``5 / 3 (1 + r) exp(-r)``.

    The second is minus the derivative of the first by half the squared distance, so ``dk / dx`` is
    ``-s second (x - x') / l^2``.
    """
    decay = np.exp(-r)
    slope = (1 + r) * decay
    return slope + r * r / 3 * decay, 5 / 3 * slope
