"""Losses as the user knows them: the only place where a picture turns the sign of an array."""

from __future__ import annotations

from hpsearch.core.goal import Goal
from hpsearch.core.history import Floats


def as_shown(goal: Goal, losses: Floats) -> Floats:
    """Return what a user knows minimised losses as, (n,): of a search that maximises, the values.

    Parameters
    ----------
    goal : Goal
        That of the search.
    losses : (n,) array
        Minimised losses.
    """
    return 0.0 - losses if goal.maximize else losses


def best_word(goal: Goal) -> str:
    """Return what the best number is among all."""
    return "highest" if goal.maximize else "lowest"
