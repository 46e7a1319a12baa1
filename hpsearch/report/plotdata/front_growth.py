"""How the front of several objectives grew: the volume that it dominates, over the trials.

The reference point is fixed: the limit of an objective, else a tenth of the range beyond the worst value on
the last front. So the curve never falls, and its end is 1.
"""

from __future__ import annotations

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.core.hypervolume import hypervolume
from hpsearch.report.plotdata.captions import nothing, one_objective
from hpsearch.report.plotdata.figure import Axis, Figure, Line, Panel, Role, Table
from hpsearch.report.plotdata.front import front_rows
from hpsearch.report.plotdata.reduction import thinned
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.text import number

_TITLE = "Growth of the front"
#: Trials at which the volume is computed.
_MAX_STEPS = 200
#: Distance of the reference point from the worst value, in units of the range.
_MARGIN = 0.1


def front_growth(sources: tuple[SearchData, ...]) -> Figure:
    """Build the curve.

    Parameters
    ----------
    sources : tuple of SearchData
        One search.
    """
    arrays = sources[0].arrays
    if arrays.outcomes is None or not arrays.objectives.shape[1]:
        return one_objective("growth", _TITLE, arrays)
    rows = front_rows(arrays)
    if not len(rows):
        return nothing("growth", _TITLE, arrays)
    tids, shares = _shares(arrays, rows)
    first, last = int(arrays.tids[0]), int(arrays.tids[-1])
    margin = max(0.015 * (last - first), 0.6)
    line = Line(
        name="share of the last front",
        role=Role.BEST,
        x=np.append(tids, last).astype(np.float64),
        y=np.append(shares, shares[-1]),
        is_step=True,
    )
    half = int(tids[np.argmax(shares >= 0.9)])
    return Figure(
        kind="growth",
        title=_TITLE,
        caption=f"Trial {half} brought nine tenths of the volume that the front dominates now; "
        f"the last change was trial {arrays.tids[rows].max()}.",
        panels=(
            Panel(
                x=Axis(title="trial", low=first - margin, high=last + margin),
                y=Axis(title="dominated volume", low=0.0, high=1.05),
                marks=(line,),
            ),
        ),
        height=3.0,
        table=Table(
            header=("trial", "dominated volume"),
            rows=tuple((str(tid), number(float(share))) for tid, share in zip(tids, shares, strict=True)),
        ),
    )


def _shares(arrays: SearchArrays, rows: np.ndarray) -> tuple[np.ndarray, Floats]:
    """Return trials, and the share of the last volume that all trials up to each of them dominate."""
    low, reference = _box(arrays, rows)
    usable = np.flatnonzero(arrays.has_objectives & ~arrays.is_infeasible)
    units = (arrays.objectives[usable] - low) / (reference - low)
    inside = (units < 1).all(axis=1)
    usable, units = usable[inside], np.maximum(units[inside], 0.0)
    steps = _improving(units)
    chosen = thinned(steps, _MAX_STEPS)
    ones = np.ones(units.shape[1])
    volumes = np.array([hypervolume(units[steps[steps <= step]], ones) for step in chosen])
    return arrays.tids[usable[chosen]], volumes / volumes[-1]


def _box(arrays: SearchArrays, rows: np.ndarray) -> tuple[Floats, Floats]:
    assert arrays.outcomes is not None
    losses = arrays.objectives[rows]
    low, worst = losses.min(axis=0), losses.max(axis=0)
    span = np.where(worst > low, worst - low, np.maximum(np.abs(low), 1.0))
    limits = np.array(arrays.outcomes.reference)
    reference = np.where(np.isfinite(limits), np.maximum(limits, worst), worst + _MARGIN * span)
    return low, np.where(reference > low, reference, low + _MARGIN * span)


def _improving(units: Floats) -> np.ndarray:
    """Return the rows that no earlier one dominates or equals, in order."""
    front = np.empty((0, units.shape[1]))
    found = []
    for row, point in enumerate(units):
        if not (front <= point).all(axis=1).any():
            front = np.vstack([front[~(point <= front).all(axis=1)], point])
            found.append(row)
    return np.array(found, dtype=np.intp)
