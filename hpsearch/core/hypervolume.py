"""Hypervolume: how much of the objective space a set of points dominates, up to a reference point.

Two objectives take one sort. Three take a sweep along the third, which keeps the staircase of the points seen
so far in the other two and its area; both cost O(n log n). With more objectives, a sweep along the last one
adds the exclusive volume of each point in the others, as in the algorithm of the Walking Fish Group (While,
Bradstreet and Barone 2012, "A fast way of calculating exact hypervolumes", section III); each further
objective multiplies the cost by n.
"""

from __future__ import annotations

import bisect

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def hypervolume(points: Floats, reference: Floats) -> float:
    """Return the volume that at least one point dominates, below a reference point.

    Parameters
    ----------
    points : (n, m) array
        Objectives, minimised. Points that are not below the reference in every objective, or have NaN, add
        nothing.
    reference : (m,) array
        Upper corner of the volume; finite.

    Returns
    -------
    float
        0 without points; ``inf`` when a point has ``-inf``.
    """
    inside = points[(points < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    if not np.isfinite(inside).all():
        return np.inf
    match inside.shape[1]:
        case 1:
            return float(reference[0] - inside.min())
        case 2:
            return _area(inside, reference)
        case 3:
            return _volume(inside, reference)
        case _:
            return _by_exclusive_parts(inside, reference)


def exclusive_volume(point: Floats, others: Floats, reference: Floats) -> float:
    """Return the volume that one point dominates and no other does.

    Parameters
    ----------
    point : (m,) array
        Objectives, minimised.
    others : (n, m) array
        Points that dominate volume already.
    reference : (m,) array
        Upper corner of the volume; finite.
    """
    if not (point < reference).all():
        return 0.0
    # What the others dominate within the box of the point is what they dominate after moving into it.
    return float((reference - point).prod()) - hypervolume(np.maximum(others, point), reference)


def _area(points: Floats, reference: Floats) -> float:
    x, y = points[np.lexsort((points[:, 1], points[:, 0]))].T
    heights = reference[1] - np.minimum.accumulate(y)
    return float(np.diff(np.append(x, reference[0])) @ heights)


def _volume(points: Floats, reference: Floats) -> float:
    """Sum slabs along the third objective: the area dominated so far, times the way to the next point."""
    area = volume = 0.0
    height = float(points[:, 2].min())
    # The staircase: x ascending and y descending, between two ends that are never removed.
    xs, ys = [-np.inf, float(reference[0])], [float(reference[1]), -np.inf]
    for x, y, z in points[np.argsort(points[:, 2], kind="stable")].tolist():
        volume += area * (z - height)
        height = z
        first = bisect.bisect_right(xs, x)
        if ys[first - 1] <= y:
            continue
        last = first
        left, top = x, ys[first - 1]
        while ys[last] >= y:  # these steps lie behind the new one
            area += (xs[last] - left) * (top - y)
            left, top = xs[last], ys[last]
            last += 1
        area += (xs[last] - left) * (top - y)
        xs[first:last], ys[first:last] = [x], [y]
    return volume + area * (float(reference[2]) - height)


def _by_exclusive_parts(points: Floats, reference: Floats) -> float:
    """Sum over the points, in the order of the last objective, what each adds to those before it."""
    points = points[np.argsort(points[:, -1], kind="stable")]
    heights = reference[-1] - points[:, -1]
    bases = [
        exclusive_volume(point, points[:i, :-1], reference[:-1]) for i, point in enumerate(points[:, :-1])
    ]
    return float(heights @ np.array(bases))
