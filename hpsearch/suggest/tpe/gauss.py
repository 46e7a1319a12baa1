"""Probabilities of the standard normal distribution that stay accurate where they are small."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from hpsearch.history import Floats

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)

#: Below this width the density at the middle is the better answer: its relative error is
#: ``width^2 (z^2 - 1) / 24``, that of a difference of distribution functions ``1e-16 / width``.
_NARROW = 1e-6
#: Below this probability the difference is taken of logarithms.
_TAIL = 1e-280
#: Keeps the logarithm of a width or a mass that rounded to nothing finite.
LEAST = 1e-300


def log_interval(low: Floats, high: Floats) -> Floats:
    """Log probability that a standard normal variable lies in an interval.

    Parameters
    ----------
    low, high : arrays that broadcast
        Ends of the intervals, finite, ``low <= high``.

    Returns
    -------
    array of the common shape
        Finite: an interval of no width counts as 1e-300 wide.
    """
    # Reflected so that the middle is not positive: distribution functions near 1 would cancel.
    is_right = low + high > 0
    a, b = np.where(is_right, -high, low), np.where(is_right, -low, high)
    mass = ndtr(b) - ndtr(a)
    logs: Floats = np.log(np.maximum(mass, LEAST))
    narrow = b - a < _NARROW
    if narrow.any():
        middle = a[narrow] / 2 + b[narrow] / 2
        logs[narrow] = np.log(np.maximum(b - a, LEAST)[narrow]) - 0.5 * middle * middle - LOG_SQRT_2PI
    tail = (mass < _TAIL) & ~narrow
    if tail.any():
        top = log_ndtr(b[tail])
        share = -np.expm1(log_ndtr(a[tail]) - top)
        logs[tail] = top + np.log(np.maximum(share, LEAST))
    return logs


def quantile(p: Floats) -> Floats:
    """Return the point below which a standard normal variable has the probability ``p``; never infinite."""
    return np.asarray(ndtri(np.clip(p, 1e-300, 1 - 1e-16)))
