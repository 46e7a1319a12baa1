"""Search region and incumbent of one GP suggestion."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hpsearch.suggest.branches import Branch


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRegion:
    """Where the GP looks for its next suggestion, and what that must improve on."""

    #: largest distance from the best trial in each numeric parameter, in units of its range
    radius: float = math.inf
    #: whether a random half of the choices keep their options in the best trial
    keeps_choices: bool = False
    #: whether to improve on the predicted losses of pending trials, too
    beats_pending: bool = False
    #: least distance from pending points, in at least one feature
    gap: float = 0.01
    #: with several objectives, whether to improve on the trials' order instead of the hypervolume
    by_order: bool = False
    #: the branch to stay in, and whose best trial is the incumbent; None for all
    branch: Branch | None = None
