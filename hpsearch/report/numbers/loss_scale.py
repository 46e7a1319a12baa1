"""The scale on which losses are compared over the whole space: the loss, its logarithm, without extremes.

The search itself sees losses on a scale that spreads the *tried* ones evenly (``suggest.gp.warp``). After a
search has concentrated, that scale resolves differences near the optimum and makes one number of all else,
so parameters that decide between good and bad seem not to matter. Here the scale follows from trials that are
spread over the space, chosen by farthest-point sampling (Gonzalez 1985), as if the space had been sampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats

#: Trials that stand for the space.
_N_SPREAD = 40
#: Losses are compared as logarithms where the worst tenth lies more than this many times farther above the
#: median than the best tenth lies below it.
_MAX_SKEW = 10.0
#: Losses count at most this many standard deviations above the median.
_MAX_ABOVE = 10.0
_IQR_OF_SIGMA = 1.349  # of a normal variable


@dataclass(frozen=True, slots=True, kw_only=True)
class LossScale:
    """A monotone map of losses to numbers with mean 0 and variance 1 over the trials."""

    is_log: bool  #: whether losses are compared by their logarithms
    shift: float  #: subtracted from a loss before its logarithm; 0 where all are positive
    cap: float  #: largest number before standardization; worse losses count as this
    centre: float
    spread: float  #: positive

    def apply(self, losses: Floats) -> Floats:
        """Map (n,) finite losses to the scale."""
        raw = np.log(np.maximum(losses - self.shift, 1e-300)) if self.is_log else losses
        return np.asarray((np.minimum(raw, self.cap) - self.centre) / self.spread)

    def losses(self, y: Floats) -> Floats:
        """Map numbers of the scale back to losses; those above the cap to the loss at the cap."""
        raw = np.minimum(self.centre + self.spread * y, self.cap)
        return np.asarray(np.exp(raw) + self.shift if self.is_log else raw)


def loss_scale(features: Floats, losses: Floats) -> LossScale:
    """Return the scale for trials.

    Parameters
    ----------
    features : (n, D) array
        Features of the trials.
    losses : (n,) array
        Their losses, finite; at least one.
    """
    typical = losses[spread_rows(features)]
    low, median, high = np.quantile(typical, [0.1, 0.5, 0.9])
    is_log = bool(high - median > _MAX_SKEW * (median - low) > 0)
    shift = 0.0
    if is_log and losses.min() <= 0:
        shift = float(
            2 * losses.min() - median
        )  # the best loss is as far above the shift as the median above it
    raw = np.log(losses - shift) if is_log else losses
    low, median, high = np.quantile(np.log(typical - shift) if is_log else typical, [0.25, 0.5, 0.75])
    scale = (high - low) / _IQR_OF_SIGMA
    cap = float(median + _MAX_ABOVE * scale) if scale > 0 else float(raw.max())
    kept = np.minimum(raw, cap)
    spread = float(kept.std())
    return LossScale(
        is_log=is_log,
        shift=shift,
        cap=cap,
        centre=float(kept.mean()),
        spread=spread if spread > 0 and np.isfinite(spread) else 1.0,
    )


def are_extreme(features: Floats, losses: Floats) -> Bools:
    """Return which losses are far above those of the whole space: beyond its cap, without logarithms.

    Parameters
    ----------
    features : (n, D) array
        Features of the trials.
    losses : (n,) array
        Their losses, finite; at least one.
    """
    low, median, high = np.quantile(losses[spread_rows(features)], [0.25, 0.5, 0.75])
    if not high > low:
        return np.zeros(len(losses), dtype=bool)
    return np.asarray(losses > median + _MAX_ABOVE * (high - low) / _IQR_OF_SIGMA)


def spread_rows(features: Floats) -> NDArray[np.intp]:
    """Return the rows of up to 40 points far from each other, beginning with the most central one.

    Parameters
    ----------
    features : (n, D) array
        Features of the trials.
    """
    first = int(((features - features.mean(axis=0)) ** 2).sum(axis=1).argmin())
    rows = [first]
    nearest = ((features - features[first]) ** 2).sum(axis=1)
    while len(rows) < min(_N_SPREAD, len(features)) and nearest.max() > 0:
        rows.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, ((features - features[rows[-1]]) ** 2).sum(axis=1))
    return np.array(rows)
