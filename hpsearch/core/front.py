"""The front of a search with several objectives: the trials of which none is better in every respect.

A point dominates another if it is at most as high in each objective and lower in one; equal points do not
dominate each other. All functions take objectives that are minimised. A point with NaN or ``inf`` is on no
front.
"""

from __future__ import annotations

import bisect

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.hypervolume import Floats, exclusive_volume

Bools = NDArray[np.bool_]
Rows = NDArray[np.intp]

#: Distance of the reference point from the worst values of a set, in units of its range. With none, the
#: extremes of the front would dominate nothing.
_MARGIN = 0.1
#: Largest number of objectives that one sweep ranks.
_MAX_SWEPT = 3


def nondominated(objectives: Floats) -> Bools:
    """Return which points no other point dominates.

    Parameters
    ----------
    objectives : (n, m) array
        Minimised; NaN or ``inf`` in points that are never on the front.

    Returns
    -------
    (n,) array of bool
        True for points on the front.
    """
    return np.asarray(ranks(objectives, n_ranked=1) == 0)


def ranks(objectives: Floats, n_ranked: int | None = None) -> Rows:
    """Return the non-domination rank of each point.

    The front has rank 0; rank r is the front of what remains without the ranks below r.

    Parameters
    ----------
    objectives : (n, m) array
        Minimised; NaN or ``inf`` in points that are never on a front.
    n_ranked : int, optional
        Rank only until this many points have a rank; by default all.

    Returns
    -------
    (n,) array of int
        ``n`` for points with NaN or ``inf``, and for those that were not ranked.
    """
    found = np.full(len(objectives), len(objectives), dtype=np.intp)
    usable = np.flatnonzero((objectives < np.inf).all(axis=1))
    if not len(usable) or not objectives.shape[1]:
        return found
    points, places, counts = np.unique(objectives[usable], axis=0, return_inverse=True, return_counts=True)
    n_missing = len(usable) if n_ranked is None else min(n_ranked, len(usable))
    if points.shape[1] <= _MAX_SWEPT:
        of_points = _swept_ranks(points)
        n_above = np.bincount(of_points, counts).cumsum()
        of_points[of_points > np.searchsorted(n_above, n_missing)] = len(objectives)
    else:
        of_points = np.full(len(points), len(objectives), dtype=np.intp)
        _peel(points, counts, n_missing, of_points)
    found[usable] = of_points[places.reshape(-1)]
    return found


def thin(points: Floats, n: int, reference: Floats | None = None) -> Rows:
    """Choose points that together dominate much, one by one, each the one that adds most.

    The greedy choice reaches at least 1 - 1/e of the largest possible hypervolume (Nemhauser et al. 1978).

    Parameters
    ----------
    points : (k, m) array
        Objectives, minimised; not NaN, less than ``inf``.
    n : int
        How many to choose; all if there are not more.
    reference : (m,) array, optional
        Upper corner of the volume, beyond all points. By default objectives count by their range among the
        points, with a corner a tenth beyond it.

    Returns
    -------
    (min(k, n),) array of int
        Indices, the one that adds most first; of equal ones the earlier first.
    """
    if reference is None:
        points, reference = on_unit_scale(points), np.full(points.shape[1], 1 + _MARGIN)
    if points.shape[1] == 2:
        return _chosen_pairs(points, reference, n)
    return _chosen(points, reference, n)


def knee(points: Floats) -> int:
    """Return the index of the point that gives up least in its worst objective.

    On the scale where the best value of each objective is 0 and the worst 1, this is the point whose largest
    objective is lowest: the least Tchebycheff distance from the best values. Of equal ones, the one with the
    lowest sum counts, then the first.

    Parameters
    ----------
    points : (k, m) array
        A front, k > 0; minimised, not NaN, less than ``inf``.
    """
    units = on_unit_scale(points)
    return int(np.lexsort((units.sum(axis=1), units.max(axis=1)))[0])


def on_unit_scale(points: Floats) -> Floats:
    """Return (k, m) points with each objective scaled to [0, 1]; 0 where all are equal.

    ``-inf`` counts as the lowest finite value of its objective.
    """
    lowest = np.where(np.isfinite(points), points, np.inf).min(axis=0, initial=np.inf)
    points = np.maximum(points, np.where(np.isfinite(lowest), lowest, 0.0)) / 2  # a difference may overflow
    low, high = points.min(axis=0, initial=np.inf), points.max(axis=0, initial=-np.inf)
    return np.asarray((points - low) / np.where(high > low, high - low, 1.0))


def _chosen(points: Floats, reference: Floats, n: int) -> Rows:
    """Choose greedily; what a point adds is computed only while its upper bound is the highest.

    What it adds to some points is at most what it adds to any one of them, and shrinks with each more.
    """
    alone = (reference - points).prod(axis=1)
    bounds, is_exact = np.array(alone), np.ones(len(points), dtype=bool)
    chosen: list[int] = []
    while len(chosen) < min(n, len(points)):
        i = int(np.argmax(bounds))
        if not is_exact[i]:
            gain = exclusive_volume(points[i], points[chosen], reference)
            bounds[i], is_exact[i] = min(max(gain, 0.0), bounds[i]), True
            continue
        chosen.append(i)
        beside = alone - (reference - np.maximum(points, points[i])).prod(axis=1)
        bounds, is_exact = np.minimum(bounds, np.maximum(beside, 0.0)), np.zeros(len(points), dtype=bool)
        bounds[chosen] = -1.0
    return np.array(chosen, dtype=np.intp)


def _chosen_pairs(points: Floats, reference: Floats, n: int) -> Rows:
    """Choose greedily in two objectives, where a point adds a rectangle between its chosen neighbours.

    Points that are not on the front add nothing once it is chosen, so they come last.
    """
    on_front = np.flatnonzero(nondominated(points))
    x, y = points[on_front].T
    right, top = np.full(len(x), reference[0]), np.full(len(x), reference[1])
    is_left = np.ones(len(x), dtype=bool)
    chosen = []
    for _ in range(min(n, len(x))):
        best = int(np.argmax(np.where(is_left, (right - x) * (top - y), -1.0)))
        chosen.append(best)
        is_left[best] = False
        right = np.where(x <= x[best], np.minimum(right, x[best]), right)
        top = np.where(x >= x[best], np.minimum(top, y[best]), top)
    others = np.delete(np.arange(len(points)), on_front)
    return np.concatenate([on_front[np.array(chosen, dtype=np.intp)], others])[:n]


def _swept_ranks(points: Floats) -> Rows:
    """Return the ranks of different points of at most three objectives, in lexicographic order.

    A point belongs to the first rank of which no point before it dominates it. If one of a rank does, so does
    one of each rank below, so a binary search finds it (Zhang et al. 2015, "An efficient approach to
    nondominated sorting for evolutionary multiobjective optimization"). Points before it are no higher in the
    first objective, and those of a rank that matter in the other two form a staircase.
    """
    others = np.zeros((len(points), 2))
    others[:, : points.shape[1] - 1] = points[:, 1:]
    found, stairs = np.empty(len(points), dtype=np.intp), list[_Staircase]()
    for i, (x, y) in enumerate(others.tolist()):
        rank = bisect.bisect_left(stairs, True, key=lambda stair: not stair.dominates(x, y))
        if rank == len(stairs):
            stairs.append(_Staircase())
        stairs[rank].add(x, y)
        found[i] = rank
    return found


class _Staircase:
    """The points of two objectives that no other one dominates: x ascending, y descending."""

    def __init__(self) -> None:
        self._xs: list[float] = []
        self._ys: list[float] = []

    def dominates(self, x: float, y: float) -> bool:
        """Whether some point is at most as high in both objectives."""
        left = bisect.bisect_right(self._xs, x)
        return left > 0 and self._ys[left - 1] <= y

    def add(self, x: float, y: float) -> None:
        """Add a point that no other one dominates."""
        first = last = bisect.bisect_left(self._xs, x)
        while last < len(self._xs) and self._ys[last] >= y:
            last += 1
        self._xs[first:last], self._ys[first:last] = [x], [y]


def _peel(points: Floats, counts: Rows, n_missing: int, found: Rows) -> None:
    """Rank different points, in lexicographic order, front by front until enough of them have a rank.

    The first of the points that remain is on the front, since none after it can dominate it.
    """
    rank, rows = 0, np.arange(len(points))
    while len(rows) and n_missing > 0:
        rest, others = rows, points[rows, 1:]
        while len(rest):
            found[rest[0]] = rank
            n_missing -= int(counts[rest[0]])
            is_left = (others < others[0]).any(axis=1)
            rest, others = rest[is_left], others[is_left]
        rank, rows = rank + 1, rows[found[rows] > rank]
