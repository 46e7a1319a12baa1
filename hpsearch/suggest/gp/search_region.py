"""Where a process looks in one of its turns, and what it wants to be better than."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRegion:
    """What one suggestion is after."""

    #: how far from the best trial it may look, in each number and in units of its range
    radius: float = math.inf
    #: whether some of the choices, by chance half of them, stay those of the best trial
    keeps_choices: bool = False
    #: whether to be better than what is believed of pending trials, too, not of finished ones alone
    beats_pending: bool = False
    #: two points that differ by no more than this in every feature are too close to evaluate both at once
    gap: float = 0.01
