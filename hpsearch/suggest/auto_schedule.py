"""The schedule of ``auto``: which model suggests next, and where the GP looks.

The schedule depends only on the numbers of finished and pending trials, never on clocks or workers.

In few parameters, GP and TPE alternate. In more, both leave some turns to annealing, which keeps most of a
good point and changes little of it, while the models propose all parameters together; and every third turn
of the GP stays near the best trial. With many pending trials, the GP, which knows them, takes three of
four turns, each with a different aim. Improving on the finished trials sends several trials to the same
promising region: near the best trial that helps on grids and options, but on smooth losses the trials pile
up at the least distance allowed. So the other two turns, one near and one anywhere, must improve on the
predictions for the pending trials, too, and may come closer to them.

With several objectives, every second turn of the GP has another aim than the hypervolume anywhere, since the
corners of the space, where it knows nothing, seem to extend the front: one stays near a trial of the front,
and one improves on the order of the trials.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import Enum

from hpsearch.suggest.gp.search_region import SearchRegion

#: From this many parameters on, there are turns near the best trial and of annealing.
_MANY_PARAMETERS = 4
#: From this many pending trials on, the GP takes three of four turns.
MANY_PENDING = 8
#: Distance from the best trial that counts as near, in units of each parameter's range.
_RADIUS = 0.15

_ANYWHERE = SearchRegion()
_NEAR = SearchRegion(radius=_RADIUS)


class Turn(Enum):
    """Turns that need no region."""

    TPE = "tpe"
    ANNEAL = "anneal"


#: The turns, repeated in order.
_FEW_PARAMETERS: Sequence[SearchRegion | Turn] = (_ANYWHERE, Turn.TPE)
_MORE_PARAMETERS: Sequence[SearchRegion | Turn] = (
    _ANYWHERE,
    Turn.TPE,
    _NEAR,
    Turn.ANNEAL,
    _ANYWHERE,
    Turn.TPE,
    Turn.ANNEAL,
    Turn.TPE,
)
_SEVERAL_OBJECTIVES: Sequence[SearchRegion | Turn] = (
    _ANYWHERE,
    Turn.TPE,
    _NEAR,
    Turn.ANNEAL,
    _ANYWHERE,
    Turn.TPE,
    SearchRegion(by_order=True),
    Turn.ANNEAL,
)
_PARALLEL: Sequence[SearchRegion | Turn] = (
    SearchRegion(beats_pending=True, gap=0.001),
    Turn.TPE,
    SearchRegion(radius=_RADIUS, keeps_choices=True),
    SearchRegion(radius=_RADIUS, keeps_choices=True, beats_pending=True, gap=0.001),
)


def next_turn(
    n: int, n_pending: int, n_parameters: int, *, has_several_objectives: bool = False
) -> SearchRegion | Turn:
    """Return where the GP looks for the next suggestion, or that it is the turn of another algorithm.

    Parameters
    ----------
    n : int
        Number of the turn.
    n_pending : int
        Trials that wait or are under evaluation.
    n_parameters : int
        Parameters of the space, active or not.
    has_several_objectives : bool
        Whether the search has a front.
    """
    turns = _MORE_PARAMETERS if n_parameters >= _MANY_PARAMETERS else _FEW_PARAMETERS
    if has_several_objectives and n_parameters >= _MANY_PARAMETERS:
        turns = _SEVERAL_OBJECTIVES
    if n_pending >= MANY_PENDING:
        turns = _PARALLEL
    return turns[n % len(turns)]


def turn_without_gp(turn: SearchRegion | Turn, has_many_choices: bool) -> Turn:
    """Return whose turn it is where the GP has none left.

    TPE takes the turns of the GP, except those near the best trial where most parameters are choices: TPE
    draws each option independently of the others, while annealing keeps most of them.

    Parameters
    ----------
    turn : SearchRegion or Turn
        The turn of the schedule.
    has_many_choices : bool
        Whether more than half of the parameters are choices.
    """
    if isinstance(turn, Turn):
        return turn
    return Turn.ANNEAL if has_many_choices and turn.radius < math.inf else Turn.TPE
