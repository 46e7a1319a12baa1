"""What the best tenth of the trials have in common: PED-ANOVA for conditional spaces.

A parameter scores high if its values in the best trials are distributed differently from those in all
trials. With ``T`` the best tenth, ``R`` all trials with a finite loss, ``a`` and ``b`` the shares of ``T``
and ``R`` in which the parameter is active, and densities ``p`` on a grid, the score is::

    (|T| / |R|)^2  a^2 / b  sum_g p_R(g) (p_T(g) / p_R(g) - 1)^2

(Watanabe et al. 2023, arXiv 2304.10255, for one regime; arXiv 2601.20800, theorem 4.2, for conditional
parameters). The scores equal those of Optuna 5, whose default this is.

The score compares the best trials with the *tried* ones, not with the space. Once a search has concentrated
on what matters most, that parameter scores nothing: all trials share it. ``sensitivity`` has no such defect.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats, History
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.runtime.special_functions import ndtr
from hpsearch.space.distribution import MAX_LOG, MIN_LOG, Categorical, Distribution, Integer, Normal, Numeric

#: Share of the trials that count as good.
_SHARE = 0.1
#: Most points of a grid.
_MAX_POINTS = 50
#: Trials with a parameter below which it has no score.
_MIN_TRIALS = 2
#: Half the range of a normal parameter, in standard deviations; trials farther out count at the end.
_HALF_RANGE = 3.0
#: Narrowest kernel, in grid steps: 90 % of it are within its own cell.
_MIN_WIDTH = 0.5 / 1.64
#: Added to each density, so that none is zero.
_FLOOR = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """The points of a number; latent values are logarithms if ``is_log``."""

    low: float
    high: float
    n: int  #: at least 2
    is_log: bool

    def nearest(self, values: Floats) -> Floats:
        """Return the index of the nearest point for (m,) values; the lower one of two."""
        with np.errstate(divide="ignore"):
            z = np.log(np.maximum(values, 0.0)) if self.is_log else values
        step = (self.high - self.low) / (self.n - 1)
        return np.asarray(np.clip(np.ceil((z - self.low) / step - 0.5), 0, self.n - 1))


@isolated_numerics()
def good_trial_scores(history: History) -> Floats:
    """Return the score of each parameter; their sum has no meaning, their ratios have.

    Parameters
    ----------
    history : History
        The finished trials; only those with a finite loss count.

    Returns
    -------
    (d,) array
        Not negative; all zeros with fewer than two trials.
    """
    counted = np.flatnonzero(np.isfinite(history.losses))
    parameters = history.space.parameters
    if len(counted) < _MIN_TRIALS:
        return np.zeros(len(parameters))
    losses = history.losses[counted]
    n_good = math.ceil(_SHARE * len(losses))
    is_good = losses <= np.partition(losses, n_good - 1)[n_good - 1]
    values, active = history.values[counted], history.active[counted]
    scores = [
        _divergence(p.distribution, values[active[:, j], j], is_good[active[:, j]])
        * _weight(active[:, j], is_good)
        for j, p in enumerate(parameters)
    ]
    return np.array(scores)


def _weight(active: np.ndarray, is_good: np.ndarray) -> float:
    """Return the factor in front of the sum; 0 if too few trials have the parameter."""
    if active.sum() < _MIN_TRIALS or not active[is_good].any():
        return 0.0
    return float(is_good.mean() ** 2 * active[is_good].mean() ** 2 / active.mean())


def _divergence(distribution: Distribution, values: Floats, is_good: np.ndarray) -> float:
    """Return the Pearson divergence of the good values of a parameter from all of its (m,) values."""
    if not is_good.any() or distribution.n_values == 1:
        return 0.0
    if isinstance(distribution, Categorical):
        n = len(distribution.probabilities)
        of_good, of_all = (_option_density(v, n) for v in (values[is_good], values))
    else:
        grid = _grid(distribution)
        cells = grid.nearest(values)
        of_good, of_all = (_number_density(c, grid.n) for c in (cells[is_good], cells))
    return float(of_all @ (of_good / of_all - 1) ** 2)


def _grid(distribution: Numeric | Integer) -> _Grid:
    """Return the grid of a numeric parameter: its values, or 50 points from its first to its last."""
    if isinstance(distribution, Integer):
        low, high = float(distribution.low), float(distribution.high - 1)
        return _Grid(low=low, high=high, n=min(distribution.n_values, _MAX_POINTS), is_log=False)
    latent, step, is_log = distribution.latent, distribution.q, distribution.is_log
    if isinstance(latent, Normal):
        half = _HALF_RANGE * latent.sigma
        low, high = latent.mu - half, latent.mu + half
        return _Grid(low=low, high=high, n=_MAX_POINTS, is_log=is_log)
    if step is None:
        return _Grid(low=latent.low, high=latent.high, n=_MAX_POINTS, is_log=is_log)
    low, high = distribution.support()
    n_steps = round((high - low) / step)
    if not is_log:
        return _Grid(low=low, high=high, n=min(n_steps + 1, _MAX_POINTS), is_log=False)
    low = math.log(low) if low > 0 else max(latent.low, MIN_LOG)
    n = min(math.ceil(math.log2(n_steps + 1)) + 1, _MAX_POINTS)
    return _Grid(low=low, high=min(math.log(high), MAX_LOG), n=n, is_log=True)


def _number_density(cells: Floats, n: int) -> Floats:
    """Return the density, (n,), of grid indices: normal kernels, cut to the grid, and one of the prior."""
    counts = np.bincount(cells.astype(np.intp), minlength=n)
    centres = np.flatnonzero(counts).astype(np.float64)
    weights = counts[counts > 0].astype(np.float64)
    widths = np.append(np.full(len(centres), _bandwidth(centres, weights)), float(n))
    mu = np.append(centres, (n - 1) / 2)
    edges = (np.arange(n + 1) - 0.5 - mu[:, None]) / widths[:, None]
    # Use the tail on the side of each end: distribution functions near 1 would cancel.
    left, right = edges[:, :-1], edges[:, 1:]
    mass = np.where(left > 0, ndtr(-left) - ndtr(-right), ndtr(right) - ndtr(left))
    total = ndtr(edges[:, -1:]) - ndtr(edges[:, :1])
    shares = np.append(weights, 1.0) / (weights.sum() + 1)
    return np.asarray(shares @ (mass / total)) + _FLOOR


def _bandwidth(centres: Floats, weights: Floats) -> float:
    """Return the bandwidth by Scott's rule for weighted grid indices."""
    n, cumulative = weights.sum(), np.cumsum(weights)
    mean = centres @ weights / n
    sigma = math.sqrt((centres - mean) ** 2 @ weights / max(1.0, n - 1))
    first = np.searchsorted(cumulative, n // 4, side="left")
    third = np.searchsorted(cumulative, n * 3 // 4, side="right")
    iqr = centres[min(len(centres) - 1, third)] - centres[first]
    return max(float(1.059 * min(iqr / 1.34, sigma) * n**-0.2), _MIN_WIDTH)


def _option_density(options: Floats, n: int) -> Floats:
    """Return the probability, (n,), of options: one smoothed row for each that occurs, and the prior."""
    counts = np.bincount(options.astype(np.intp), minlength=n)
    k = np.count_nonzero(counts)
    blur = 1 / (k + 1)
    rows = (np.eye(n)[counts > 0] + blur) / (1 + n * blur)
    shares = np.append(counts[counts > 0], 1.0) / (counts.sum() + 1)
    return np.asarray(shares @ np.vstack([rows, np.full(n, 1 / n)])) + _FLOOR
