"""Fronts and limits as text, and as rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpsearch.coordination.progress import Progress
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import Trial
from hpsearch.report.text import count_text, losses_text, number

if TYPE_CHECKING:
    from hpsearch.core.standing import Front


def front_text(front: Front) -> str:
    """Return the size, the ranges and the age of a front on one line."""
    if not front.trials:
        return "no trial yet"
    ranges = ", ".join(_range_text(name, *ends) for name, ends in front.ranges.items())
    n = front.n_since
    age = "the last trial changed it" if n == 0 else f"last change {count_text(n, 'trial')} ago"
    return f"{count_text(len(front.trials), 'trial')}; {ranges}; {age}"


def share_text(front: Front) -> str:
    """Return how many of the trials with losses are on the front."""
    n = len(front.trials)
    return f"{n} of {count_text(front.n_done, 'trial')} {'is' if n == 1 else 'are'} on the front."


def violation_text(trial: Trial, outcomes: Outcomes) -> str:
    """Return which limits a trial exceeds, and by how much.

    Parameters
    ----------
    trial : Trial
        A trial that exceeds some.
    outcomes : Outcomes
        Those of its search.
    """
    amounts = trial.violations or {}
    exceeded = [limit for limit in outcomes.limits if amounts.get(limit.name, 0.0) > 0]
    return ", ".join(f"exceeds {limit} by {number(amounts[limit.name])}" for limit in exceeded)


def new_on_front_line(trial: Trial) -> str:
    """Return a trial that came onto the front on one line."""
    return f"trial {trial.tid}: new on the front with {losses_text(trial.losses or {})}"


def closest_text(progress: Progress) -> str | None:
    """Return the trial that comes closest to the limits, if no trial keeps them all."""
    trial, outcomes = progress.least_violated, progress.experiment.outcomes
    if trial is None or outcomes is None:
        return None
    return f"none keeps the limits; trial {trial.tid} comes closest: it {violation_text(trial, outcomes)}"


def _range_text(name: str, low: float, high: float) -> str:
    return f"{name} {number(low)}" if low == high else f"{name} {number(low)} to {number(high)}"
