"""The losses over the trials, with the best so far, and a lane for trials without a loss."""

from __future__ import annotations

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.report.plotdata.captions import nothing
from hpsearch.report.plotdata.figure import Axis, Figure, Line, Mark, Panel, Role, Table
from hpsearch.report.plotdata.goal import as_shown, best_word
from hpsearch.report.plotdata.loss_axis import LossAxis, loss_axis
from hpsearch.report.plotdata.reduction import reduced
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.plotdata.trial_marks import lane_marks, rows_of_lane, trial_marks
from hpsearch.report.text import count_text, number

#: Bins of the trial numbers in a density.
_N_BINS = 120


def history(sources: tuple[SearchData, ...]) -> Figure:
    """Build the history of a search.

    Parameters
    ----------
    sources : tuple of SearchData
        One search.
    """
    arrays = sources[0].arrays
    if not arrays.has_loss.any():
        return nothing("history", "Losses over the trials", arrays)
    axis = loss_axis(arrays.losses[arrays.has_loss], arrays.goal)
    first, last = int(arrays.tids[0]), int(arrays.tids[-1])
    margin = max(0.015 * (last - first), 0.6)
    x_axis = Axis(title="trial", low=first - margin, high=last + margin)
    edges = np.linspace(x_axis.low, x_axis.high, min(_N_BINS, len(arrays)) + 1)
    marks = (*_losses(arrays, axis, edges), _best_line(arrays, axis, last))
    lane = lane_marks(rows_of_lane(arrays), arrays, arrays.tids.astype(float), edges)
    panel = Panel(x=x_axis, y=axis.axis, marks=marks, lane=lane, note=axis.note)
    return Figure(
        kind="history",
        title="Losses over the trials"
        if arrays.goal.name == "loss"
        else f"{arrays.goal.name} over the trials",
        caption=_caption(arrays),
        panels=(panel,),
        height=3.6,
        table=_improvements(arrays),
    )


def _losses(arrays: SearchArrays, axis: LossAxis, edges: Floats) -> list[Mark]:
    """Return the losses as points, or as a density with the best ones as points."""
    rows = np.flatnonzero(arrays.has_loss)
    x, losses = arrays.tids[rows].astype(float), arrays.losses[rows]
    found = reduced(x, losses, edges, axis)
    return trial_marks(found.density, rows[found.rows], arrays, axis, arrays.tids.astype(float))


def _best_line(arrays: SearchArrays, axis: LossAxis, last: int) -> Line:
    tids, best = _steps(arrays)
    x = np.append(tids, last).astype(float)
    y = axis.place(np.append(best, best[-1]))
    return Line(name="best so far", role=Role.BEST, x=x, y=y, is_step=True)


def _steps(arrays: SearchArrays) -> tuple[np.ndarray, Floats]:
    """Return the trials that improved the best loss, and their losses."""
    rows = np.flatnonzero(arrays.has_loss)
    losses = arrays.losses[rows]
    before = np.concatenate([[np.inf], np.minimum.accumulate(losses)[:-1]])
    improves = losses < before
    return arrays.tids[rows[improves]], losses[improves]


def _caption(arrays: SearchArrays) -> str:
    best, goal = arrays.best_row(), arrays.goal
    assert best is not None
    loss = number(goal.value(float(arrays.losses[best])))
    return (
        f"The {best_word(goal)} {goal.name} is {loss}, of trial {arrays.tids[best]}; "
        f"{count_text(int(arrays.has_loss.sum()), 'trial')} of {len(arrays):,} have one."
    )


def _improvements(arrays: SearchArrays) -> Table:
    tids, losses = _steps(arrays)
    shown = as_shown(arrays.goal, losses)
    rows = tuple((str(tid), number(float(loss))) for tid, loss in zip(tids, shown, strict=True))
    return Table(header=("trial", f"best {arrays.goal.name} so far"), rows=rows)
