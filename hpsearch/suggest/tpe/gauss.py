"""Probabilities of the standard normal distribution, accurate in the tails."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri

from hpsearch.core.history import Floats

LOG_SQRT_2PI = 0.5 * math.log(2.0 * math.pi)

#: Below this width, use the density at the middle: its relative error is ``width^2 (z^2 - 1) / 24``, that of
#: a difference of distribution functions ``1e-16 / width``.
_NARROW = 1e-6
#: Below this probability, subtract logarithms.
_TAIL = 1e-280
#: Lower bound of widths and probabilities, so that their logarithms are finite.
LEAST = 1e-300


def log_interval(low: Floats, high: Floats) -> Floats:
    """Return the log probability that a standard normal variable lies in an interval.

    Parameters
    ----------
    low, high : arrays of the same shape
        Ends of the intervals; finite, ``low <= high``.

    Returns
    -------
    array of that shape
        Finite; an empty interval counts as 1e-300 wide.
    """
    # Use the tail on the side of each end: distribution functions near 1 would cancel.
    below, above = ndtr(-np.abs(low)), ndtr(-np.abs(high))
    mass = np.where((low < 0) & (high > 0), 1 - below - above, np.abs(above - below))
    logs: Floats = np.log(np.maximum(mass, LEAST))
    narrow = high - low < _NARROW
    if narrow.any():
        middle = low[narrow] / 2 + high[narrow] / 2
        logs[narrow] = np.log(np.maximum(high - low, LEAST)[narrow]) - 0.5 * middle * middle - LOG_SQRT_2PI
    tail = (mass < _TAIL) & ~narrow
    if tail.any():
        ends = -np.abs(low[tail]), -np.abs(high[tail])
        top = log_ndtr(np.maximum(*ends))
        share = -np.expm1(log_ndtr(np.minimum(*ends)) - top)
        logs[tail] = top + np.log(np.maximum(share, LEAST))
    return logs


def quantile(p: Floats) -> Floats:
    """Return the quantiles of the standard normal distribution; always finite."""
    return np.asarray(ndtri(np.clip(p, 1e-300, 1 - 1e-16)))
