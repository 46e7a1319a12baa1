"""The schedule of ``auto``: whether the GP or TPE suggests next, and where the GP looks.

The schedule depends only on the numbers of finished and pending trials, never on clocks or workers.

With few pending trials, GP and TPE alternate, and in many parameters every second turn of the GP stays near
the best trial. With many pending trials, the GP, which knows them, takes three of four turns, each with a
different aim. Improving on the finished trials sends several trials to the same promising region: near the
best trial that helps on grids and options, but on smooth losses the trials pile up at the least distance
allowed. So the other two turns, one near and one anywhere, must improve on the predictions for the pending
trials, too, and may come closer to them.
"""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.suggest.gp.search_region import SearchRegion

#: From this many parameters on, every second turn of the GP stays near the best trial.
_MANY_PARAMETERS = 4
#: From this many pending trials on, the GP takes three of four turns.
_MANY_PENDING = 8
#: Distance from the best trial that counts as near, in units of each parameter's range.
_RADIUS = 0.15

_ANYWHERE = SearchRegion()
_NEAR = SearchRegion(radius=_RADIUS)

#: The turns, repeated in order; None is a turn of TPE.
_FEW_PARAMETERS: Sequence[SearchRegion | None] = (_ANYWHERE, None)
_MORE_PARAMETERS: Sequence[SearchRegion | None] = (_ANYWHERE, None, _NEAR, None)
_PARALLEL: Sequence[SearchRegion | None] = (
    SearchRegion(beats_pending=True, gap=0.001),
    None,
    SearchRegion(radius=_RADIUS, keeps_choices=True),
    SearchRegion(radius=_RADIUS, keeps_choices=True, beats_pending=True, gap=0.001),
)


def next_region(n_finished: int, n_pending: int, n_parameters: int) -> SearchRegion | None:
    """Return where the GP looks for the next suggestion, or None when it is the turn of TPE.

    Parameters
    ----------
    n_finished, n_pending : int
        Finished trials, and trials that wait or are under evaluation.
    n_parameters : int
        Parameters of the space, active or not.
    """
    turns = _MORE_PARAMETERS if n_parameters >= _MANY_PARAMETERS else _FEW_PARAMETERS
    if n_pending >= _MANY_PENDING:
        turns = _PARALLEL
    return turns[(n_finished + n_pending) % len(turns)]
