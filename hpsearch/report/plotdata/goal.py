"""What the losses of a search are called, and their sign: the only place where a picture turns it.

Stores and suggesters minimise. A user who maximises sees the values that the objective returned.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpsearch.core import goal as core
from hpsearch.core.history import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a search minimises or maximises."""

    name: str = "loss"
    is_maximized: bool = False

    @property
    def best_word(self) -> str:
        """What the best value is among all."""
        return "highest" if self.is_maximized else "lowest"

    def shown(self, losses: Floats) -> Floats:
        """Return minimised losses as the user knows them, (n,)."""
        return -losses if self.is_maximized else losses

    def shown_one(self, loss: float) -> float:
        """Return one minimised loss as the user knows it."""
        return -loss if self.is_maximized else loss


MINIMIZE = Goal()


def picture_goal(goal: core.Goal) -> Goal:
    """Return the goal of a search as pictures need it."""
    return Goal(name=goal.name, is_maximized=goal.maximize)
