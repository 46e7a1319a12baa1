"""Warping of losses for the GP: similar magnitudes, no skew.

A few huge losses must not hide the differences between good ones, which a search is about. Losses are scaled
by their spread, clipped where they are far worse than most, made normal by the Yeo-Johnson transform (Yeo and
Johnson 2000; as in HEBO, Cowen-Rivers et al. 2020, arXiv 2012.03826), and standardized.
"""

from __future__ import annotations

import numpy as np

from hpsearch.core.history import Bools, Floats

#: Interquartile range of a normal variable, in standard deviations.
_IQR_OF_SIGMA = 1.349
#: Losses are clipped at this many scales above the median ...
_MAX_ABOVE = 10.0
#: ... and the scale is so large that the best is at most this many below. Where most trials share one loss,
#: the interquartile range says nothing.
_MAX_BELOW = 5.0
#: Losses are replaced by logarithms where the median exceeds the best by more than this many times what the
#: best tenth exceeds it by.
_MAX_RATIO = 30.0
#: Candidate exponents of the Yeo-Johnson transform.
_LAMBDAS = np.linspace(-1.0, 3.0, 81)


def warped(losses: Floats) -> Floats:
    """Return losses on a scale on which they look normal.

    Parameters
    ----------
    losses : (n,) array
        Not NaN, less than ``inf``; ``-inf`` counts as the smallest finite loss.

    Returns
    -------
    (n,) array
        Mean 0 and variance 1, or all zeros when the losses are equal. The order is kept; clipping may make
        the worst ones equal.
    """
    if not len(losses):
        return np.zeros(0)
    finite = np.maximum(losses, losses[np.isfinite(losses)].min(initial=np.inf))
    finite = np.where(np.isfinite(finite), finite, 0.0)
    # Scaled to at most 1, so that sums and differences do not overflow.
    unit = finite / max(np.abs(finite).max(), np.finfo(float).tiny)
    bent = _bent(_scaled(_logarithmic(unit)))
    spread = bent.std()
    return (bent - bent.mean()) / spread if spread > 0 else np.zeros(len(losses))


def _logarithmic(y: Floats) -> Floats:
    """Return logarithms where losses range over orders of magnitude, else the losses.

    The linear scale makes one number of all good losses there; elsewhere the logarithm costs. Losses of which
    some are not positive are taken from the best one on.
    """
    low, median = np.quantile(y - y.min(), [0.1, 0.5])
    if median <= _MAX_RATIO * low or low <= 0:
        return y
    if y.min() > 0:
        return np.asarray(np.log(y))
    excess = y - y.min()
    return np.asarray(np.log(excess + excess[excess > 0].min()))


def _scaled(y: Floats) -> Floats:
    """Subtract the median and divide by the spread; zeros when all are equal."""
    low, median, high = np.quantile(y, [0.25, 0.5, 0.75])
    scale = max((high - low) / _IQR_OF_SIGMA, (median - y.min()) / _MAX_BELOW)
    if scale <= 0:  # more than three quarters are equal, and the others are worse
        scale = y.max() - median
    return np.minimum(y - median, _MAX_ABOVE * scale) / scale if scale > 0 else np.zeros(len(y))


def _bent(y: Floats) -> Floats:
    """Return the Yeo-Johnson transform of (n,) numbers with the most likely exponent."""
    if not y.any():
        return y
    sizes, is_above = np.log1p(np.abs(y)), y >= 0
    candidates = _yeo_johnson(sizes, is_above, _LAMBDAS[:, None])  # (81, n)
    with np.errstate(divide="ignore"):
        fits = -0.5 * len(y) * np.log(candidates.var(axis=1))
    fits += (_LAMBDAS - 1) * np.where(is_above, sizes, -sizes).sum()
    return np.asarray(candidates[np.argmax(fits)])


def _yeo_johnson(sizes: Floats, is_above: Bools, exponents: Floats) -> Floats:
    """Transform numbers, given as ``log(1 + |y|)`` and ``y >= 0``, with each exponent."""
    powers = np.where(is_above, exponents, 2 - exponents)
    safe = np.where(np.abs(powers) < 1e-12, 1.0, powers)
    raised = np.where(np.abs(powers) < 1e-12, sizes, np.expm1(powers * sizes) / safe)
    return np.where(is_above, raised, -raised)
