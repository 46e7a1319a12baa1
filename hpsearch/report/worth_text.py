"""Whether it is worth going on, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpsearch.report.text import count_text, duration_text, number

if TYPE_CHECKING:
    from hpsearch.coordination.forecast import Forecast


def worth_text(found: Forecast, per_minute: float | None, name: str = "loss") -> str:
    """Return what the last half of a search brought, and what as many trials again may bring.

    Parameters
    ----------
    found : Forecast
        The forecast.
    per_minute : float, optional
        Rate of finished trials; None or 0 if it is unknown.
    name : str
        What the losses are called.
    """
    time = f" take about {duration_text(60 * found.n_trials / per_minute)} and" if per_minute else ""
    more = f"as many again{time} may bring {_gain_text(found.most)}"
    last = f"the last {count_text(found.n_last, 'trial')}"
    if found.n_improvements == 0:
        return f"{last} did not improve the best {name}; {more}"
    times = "once" if found.n_improvements == 1 else f"{found.n_improvements} times"
    return f"{last} improved the best {name} by {number(found.gain_last)} ({times}); {more}"


def _gain_text(most: float) -> str:
    return f"0 to {number(most)}" if most > 0 else "nothing"
