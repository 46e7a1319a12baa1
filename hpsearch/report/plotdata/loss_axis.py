"""The axis of the losses, with limits that a few huge losses do not ruin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.core.goal import Goal
from hpsearch.core.history import Bools, Floats
from hpsearch.report.plotdata.figure import Axis
from hpsearch.report.plotdata.goal import as_shown
from hpsearch.report.text import number

#: Losses this many interquartile ranges above the third quartile are drawn at the edge (Tukey 1977).
_FENCE = 1.5
#: Where all but a few losses are equal, the quantile that takes the fence's place.
_HIGH = 0.95
#: Positive losses get a log axis where the third quartile is this many times the best.
_WIDE = 50.0
#: Share of the axis beyond the best and the worst loss.
_MARGIN = 0.06
#: Smallest loss on a log axis.
_LEAST = 1e-150
#: Spans below this share of the losses are rounding errors.
_SMALL = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class LossAxis:
    """An axis of losses, and where trials lie on it."""

    axis: Axis
    goal: Goal
    limit: float  #: worst minimised loss that is drawn where it is; worse ones are drawn at the edge
    n_beyond: int  #: losses worse than the limit

    def place(self, losses: Floats) -> Floats:
        """Return where minimised losses are drawn, (n,)."""
        return as_shown(self.goal, np.minimum(losses, self.limit))

    def beyond(self, losses: Floats) -> Bools:
        """Return whether losses are worse than the limit, (n,)."""
        return np.asarray(losses > self.limit)

    @property
    def note(self) -> str:
        """How many losses are drawn at the edge; empty if none."""
        if not self.n_beyond:
            return ""
        where = "below" if self.goal.maximize else "above"
        return f"{self.n_beyond:,} {where} {number(self.goal.value(self.limit))}"


def loss_axis(losses: Floats, goal: Goal) -> LossAxis:
    """Return the axis for losses.

    Parameters
    ----------
    losses : (n,) array
        Minimised losses, finite; at least one.
    goal : Goal
        Their name and sign.
    """
    is_log = not goal.maximize and _is_wide(losses)
    raw = np.log10(losses) if is_log else losses
    best, limit = float(raw.min()), _limit(raw)
    span = limit - best
    if span <= _SMALL * max(abs(best), abs(limit)) or not math.isfinite(span):
        span = abs(best) * 0.1 or 1.0
        limit = best + span if math.isfinite(best + span) else best
    shown = (-limit, -best) if goal.maximize else (best, limit)
    low, high = shown[0] - _MARGIN * span, shown[1] + _MARGIN * span
    scale = _power if is_log else float
    kept = losses[raw <= limit]  # not `scale(limit)`, which rounds
    true_limit = float(kept.max()) if len(kept) else scale(limit)
    return LossAxis(
        axis=Axis(title=goal.name, low=scale(low), high=scale(high), is_log=is_log),
        goal=goal,
        limit=true_limit,
        n_beyond=int((losses > true_limit).sum()),
    )


def _is_wide(losses: Floats) -> bool:
    best = losses.min()
    return bool(best >= _LEAST and np.quantile(losses, 0.75) >= _WIDE * best)


def _limit(raw: Floats) -> float:
    """Return the worst value that is not drawn at the edge, one that occurs."""
    q25, q75, high, worst = np.quantile(raw, [0.25, 0.75, _HIGH, 1.0])
    fence = q75 + _FENCE * (q75 - q25) if q75 > q25 else high
    if fence <= raw.min() or worst <= fence:
        return float(worst)
    return float(raw[raw <= fence].max())


def _power(exponent: float) -> float:
    return float(10.0 ** min(max(exponent, -300.0), 300.0))
