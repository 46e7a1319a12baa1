"""Trials as marks: those with a loss at its height, the others on a lane beside the axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Floats
from hpsearch.core.trial import State
from hpsearch.report.plotdata.figure import Density, Mark, Points, Role
from hpsearch.report.plotdata.loss_axis import LossAxis
from hpsearch.report.plotdata.reduction import thinned
from hpsearch.report.plotdata.search import SearchArrays

Rows = NDArray[np.intp]

#: Marks of one lane, beyond which those that are final become a density.
_MAX_LANE = 200
_LANE_EDGES = np.array([-0.8, 0.8])
#: Not final: always marks.
_OPEN = (Role.RUNNING, Role.PENDING)


def rows_of_lane(arrays: SearchArrays) -> dict[Role, Rows]:
    """Return the rows of the trials without a loss that counts by role, if there are any."""
    found = {Role(str(state)): np.flatnonzero(arrays.in_state(state)) for state in State}
    del found[Role.DONE]
    found[Role.INFEASIBLE] = np.flatnonzero(arrays.is_infeasible)
    found[Role.INVALID] = np.flatnonzero(arrays.is_invalid)
    return {role: rows for role, rows in found.items() if len(rows)}


def lane_marks(
    rows: dict[Role, Rows], arrays: SearchArrays, x: Floats, x_edges: Floats
) -> tuple[Points | Density, ...]:
    """Return the marks of the lane: points if they fit, else how many there are in each bin.

    Parameters
    ----------
    rows : dict
        As ``rows_of_lane``.
    arrays : SearchArrays
        The trials.
    x : (n,) array
        Where each trial of ``arrays`` lies.
    x_edges : (k + 1,) array
        Edges of the bins.
    """
    marks: list[Points | Density] = []
    final = [found for role, found in rows.items() if role not in _OPEN]
    is_dense = sum(map(len, final)) > _MAX_LANE
    if is_dense:
        counts = np.histogram(x[np.concatenate(final)], x_edges)[0]
        marks.append(Density(x_edges=x_edges, y_edges=_LANE_EDGES, counts=counts[None]))
    for role, found in rows.items():
        if len(found) and (role in _OPEN or not is_dense):
            drawn = thinned(found, _MAX_LANE)
            y = np.zeros(len(drawn))
            marks.append(Points(name=str(role), role=role, x=x[drawn], y=y, tids=arrays.tids[drawn]))
    return tuple(marks)


def trial_marks(
    density: Density | None, rows: Rows, arrays: SearchArrays, axis: LossAxis, x: Floats
) -> list[Mark]:
    """Return trials with a loss: the density, points, and points at the edge for losses beyond the limit.

    Parameters
    ----------
    density : Density, optional
        Of all trials, if only the best are points.
    rows : (m,) array
        Rows of the trials that are points.
    arrays : SearchArrays
        The trials.
    axis : LossAxis
        The vertical axis.
    x : (n,) array
        Where each trial of ``arrays`` lies.
    """
    is_beyond = axis.beyond(arrays.losses[rows])
    name = f"{len(rows)} best trials" if density is not None else "trial"
    marks: list[Mark] = [] if density is None else [density]
    for role, what, chosen in (
        (Role.DONE, name, rows[~is_beyond]),
        (Role.BEYOND, "off the scale", rows[is_beyond]),
    ):
        if len(chosen):
            y = axis.place(arrays.losses[chosen])
            marks.append(Points(name=what, role=role, x=x[chosen], y=y, tids=arrays.tids[chosen]))
    return marks
