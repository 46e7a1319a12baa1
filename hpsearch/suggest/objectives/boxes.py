"""Disjoint boxes that fill what a front does not dominate, below a reference point.

The expected gain in hypervolume is a sum over such boxes (``expected_hypervolume``). For two objectives they
are the strips between neighbours of the front. For three, a sweep along the third objective keeps the strips
of the points seen so far: a new point cuts one strip, ends those that it dominates and begins one, so ``n``
points make at most ``2 n + 1`` boxes (Yang et al. 2019, "Efficient computation of expected hypervolume
improvement using box decomposition algorithms", section 4). With more objectives, each slab between
neighbours in the last one holds the boxes of the others, whose number grows with ``n`` to the power of half
the objectives and more.
"""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from hpsearch.core.front import nondominated
from hpsearch.core.history import Floats

#: The lower and the upper corner of a box.
_Corners: TypeAlias = tuple[list[float], list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """``b`` disjoint boxes in ``m`` objectives."""

    lower: Floats  #: (b, m) lower corners; -inf without a bound
    upper: Floats  #: (b, m) upper corners, finite


def nondominated_boxes(front: Floats, reference: Floats) -> Boxes:
    """Return the boxes of all that is below the reference and that no point dominates.

    Parameters
    ----------
    front : (n, m) array
        Minimised, m > 0; points that are not below the reference in each objective do not count.
    reference : (m,) array
        Finite.
    """
    inside = front[(front < reference).all(axis=1)]
    found = np.array(_boxes(_distinct(inside), reference)).reshape(-1, 2, len(reference))
    return Boxes(lower=found[:, 0], upper=found[:, 1])


def _boxes(front: Floats, reference: Floats) -> list[_Corners]:
    """Return the boxes of different points below the reference, of which none dominates another."""
    match len(reference):
        case 1:
            return [([-np.inf], [float(front.min(initial=reference[0]))])]
        case 2:
            return _strips(front, reference)
        case 3:
            return _swept(front, reference)
        case _:
            return _slabs(front, reference)


def _strips(front: Floats, reference: Floats) -> list[_Corners]:
    x, y = front[np.argsort(front[:, 0])].T.tolist()
    edges, tops = [-np.inf, *x, float(reference[0])], [float(reference[1]), *y]
    return [
        ([left, -np.inf], [right, top]) for left, right, top in zip(edges[:-1], edges[1:], tops, strict=True)
    ]


def _swept(front: Floats, reference: Floats) -> list[_Corners]:
    found: list[_Corners] = []
    # The strips so far: their left ends, which ascend, their tops, which descend, and where they begin.
    lefts, tops, begins = [-np.inf], [float(reference[1])], [-np.inf]

    def end(strip: int, left: float, z: float) -> None:
        right = lefts[strip + 1] if strip + 1 < len(lefts) else float(reference[0])
        if begins[strip] < z:
            found.append(([left, -np.inf, begins[strip]], [right, tops[strip], z]))

    for x, y, z in front[np.argsort(front[:, 2], kind="stable")].tolist():
        first = last = bisect.bisect_right(lefts, x) - 1
        while last < len(lefts) and tops[last] > y:
            end(last, max(lefts[last], x), z)
            last += 1
        if last > first:
            kept = first + (lefts[first] < x)  # to the left of the point, the first strip goes on
            lefts[kept:last], tops[kept:last], begins[kept:last] = [x], [y], [z]
    for strip, left in enumerate(lefts):
        end(strip, left, float(reference[2]))
    return found


def _slabs(front: Floats, reference: Floats) -> list[_Corners]:
    levels = [-np.inf, *np.unique(front[:, -1]).tolist(), float(reference[-1])]
    return [
        ([*lower, low], [*upper, high])
        for low, high in itertools.pairwise(levels)
        for lower, upper in _boxes(_distinct(front[front[:, -1] <= low, :-1]), reference[:-1])
    ]


def _distinct(points: Floats) -> Floats:
    """Return the front of some points, each of its points once."""
    return np.asarray(np.unique(points[nondominated(points)], axis=0))
