"""Whose turn it is in ``auto``, and where the process looks in its own.

Turns follow from how many trials there are, finished and pending: no clock and no worker decides.

Where few trials are pending, process and estimator alternate, and in many parameters every other
turn of the process stays near the best trial. In a crowd of pending trials, the process, which
knows of them, takes three turns of four, each with an aim of its own. Improvement on what has finished
sends several trials to the same promising place: near the best trial that carries a search forward
over grids and options, but where the loss is smooth they pile up at the least distance allowed. So the
other two turns, one near and one far, are to improve on what is believed of the pending ones, too,
and may come closer to them.
"""

from __future__ import annotations

from collections.abc import Sequence

from hpsearch.suggest.gp.search_region import SearchRegion

#: Where few trials are pending, the process stays near the best trial from so many parameters on.
_MANY = 4
#: So many pending trials are a crowd.
_CROWD = 8

#: How far from the best trial the process looks where it stays near it.
_RADIUS = 0.15

_FAR = SearchRegion()
_NEAR = SearchRegion(radius=_RADIUS)
_FAR_BEYOND_PENDING = SearchRegion(beats_pending=True, gap=0.001)
_NEAR_BEYOND_PENDING = SearchRegion(radius=_RADIUS, keeps_choices=True, beats_pending=True, gap=0.001)
_NEAR_BEYOND_FINISHED = SearchRegion(radius=_RADIUS, keeps_choices=True)

#: None is a turn of the estimator.
_IN_FEW: Sequence[SearchRegion | None] = (_FAR, None)
_IN_MANY: Sequence[SearchRegion | None] = (_FAR, None, _NEAR, None)
_IN_A_CROWD: Sequence[SearchRegion | None] = (
    _FAR_BEYOND_PENDING,
    None,
    _NEAR_BEYOND_FINISHED,
    _NEAR_BEYOND_PENDING,
)


def next_region(n_finished: int, n_pending: int, n_parameters: int) -> SearchRegion | None:
    """Return where the process looks, or None where it is the turn of the estimator."""
    alone = _IN_MANY if n_parameters >= _MANY else _IN_FEW
    turns = _IN_A_CROWD if n_pending >= _CROWD else alone
    return turns[(n_finished + n_pending) % len(turns)]
