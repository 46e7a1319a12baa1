"""Whether it is worth going on: what the last half of a search brought, and what as many trials may bring.

Losses of a search improve ever more slowly, but not steadily: a point forecast would pretend to know. So the
forecast is an interval. In back-tests, doubling the number of trials brought on average a third of what the
doubling before it had brought, and seldom more than all of it; ``docs/design/importance.md`` has the figures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats

#: Finished trials from which a forecast is made, and from which one may end a search.
MIN_TRIALS, MIN_TRIALS_TO_END = 20, 40
#: A half without any improvement still allows this share of what the half before it brought.
_DECAY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a search brought lately, and what more trials may bring, in units of the loss."""

    n_trials: int  #: finished trials so far
    n_last: int  #: trials of the last half
    gain_last: float  #: by how much the last half improved the best loss
    n_improvements: int  #: trials of the last half that were better than all before
    most: float  #: upper end of what as many trials again will bring; the lower end is 0

    def most_in(self, n_more: float) -> float:
        """Return the upper end of what ``n_more`` trials will bring; each doubling brings the same."""
        return self.most * math.log2(1 + n_more / self.n_trials)


def forecast(losses: Floats) -> Forecast | None:
    """Return the forecast of a search, None while too little is known.

    Parameters
    ----------
    losses : (n,) array
        Losses of the finished trials in order of completion; NaN or ``inf`` for a failed one.
    """
    n = len(losses)
    if n < MIN_TRIALS:
        return None
    finite = np.where(np.isfinite(losses), losses, np.inf)
    best = np.minimum.accumulate(finite)
    half, quarter = n // 2, n // 4
    if not best[half - 1] < np.inf:
        return None
    gain = float(best[half - 1] - best[-1])
    before = float(best[quarter - 1] - best[half - 1]) if best[quarter - 1] < np.inf else 0.0
    return Forecast(
        n_trials=n,
        n_last=n - half,
        gain_last=gain,
        n_improvements=int((np.diff(best[half - 1 :]) < 0).sum()),
        most=max(gain, _DECAY * before),
    )


class Outlook:
    """The forecast of a growing search, computed once for each number of trials."""

    def __init__(self) -> None:
        self._n = 0
        self._found: Forecast | None = None

    def forecast(self, losses: Floats) -> Forecast | None:
        """Return the forecast; see ``forecast``."""
        if len(losses) != self._n:
            self._n, self._found = len(losses), forecast(losses)
        return self._found


def is_worth_going_on(found: Forecast | None, per_hour: float | None, least_gain: float) -> bool:
    """Whether an hour more may bring at least a gain; true while too little is known.

    Parameters
    ----------
    found : Forecast, optional
        The forecast.
    per_hour : float, optional
        Finished trials per hour; None while unknown.
    least_gain : float
        The least gain of an hour, in units of the loss.
    """
    if found is None or per_hour is None or found.n_trials < MIN_TRIALS_TO_END:
        return True
    return found.most_in(per_hour) >= least_gain
