"""How reported values relate to the loss that a trial returns.

An objective may report its loss as it falls, or another number: an accuracy, which rises, or a training loss.
The done trials show which it is: their last report equals the loss, or rises or falls with it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats

#: Done trials that show a direction where the reports are not the loss.
_MIN_TRIALS = 4
#: Rank correlation below which reports say nothing about the loss ...
_MIN_CORRELATION = 0.3
#: ... and, in standard deviations of what chance gives, below which it may be chance.
_N_SIGMAS = 2.5
#: Relative difference up to which a report equals the loss.
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """What reported values are."""

    sign: float  #: 1 where lower values are better, -1 where higher ones are
    is_loss: bool  #: whether they are the loss that the trial returns in the end


def find_direction(last_values: Floats, losses: Floats, *, maximize: bool | None) -> Direction | None:
    """Return what reported values are.

    Parameters
    ----------
    last_values : (n,) array
        The last value that each trial reported; NaN if unknown.
    losses : (n,) array
        The loss of each trial; NaN unless it is done.
    maximize : bool, optional
        Whether higher reported values are better, if the user said so.

    Returns
    -------
    Direction or None
        None while too few trials are done to know, or if the reports say nothing about the loss.
    """
    is_known = np.isfinite(last_values) & np.isfinite(losses)
    values, known = last_values[is_known], losses[is_known]
    n_equal = np.count_nonzero(np.abs(values - known) <= _TOLERANCE * np.abs(known))
    is_loss = bool(len(known) and 2 * n_equal >= len(known) and maximize is not True)
    if is_loss or maximize is not None:
        return Direction(sign=-1.0 if maximize else 1.0, is_loss=is_loss)
    if len(known) < _MIN_TRIALS:
        return None
    correlation = rank_correlation(values, known)
    if abs(correlation) < max(_MIN_CORRELATION, min(_N_SIGMAS / math.sqrt(len(known)), 1 - 1e-9)):
        return None
    return Direction(sign=float(np.sign(correlation)), is_loss=False)


def rank_correlation(a: Floats, b: Floats) -> float:
    """Return Spearman's rank correlation of two (n,) arrays; 0 where one is constant.

    Parameters
    ----------
    a : (n,) array
        Finite numbers.
    b : (n,) array
        Finite numbers.
    """
    x, y = _ranks(a), _ranks(b)
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / size if size > 0 else 0.0


def _ranks(values: Floats) -> Floats:
    """Return ranks around 0; equal values share their mean rank."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks = np.cumsum(counts) - (counts + 1) / 2
    ranks = mean_ranks[place.reshape(-1)]
    return np.asarray(ranks - ranks.mean() if len(ranks) else ranks)
