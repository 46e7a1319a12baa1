"""The losses over the values of each parameter."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hpsearch.core.history import Bools, Floats
from hpsearch.report.plotdata.captions import left_out, nothing
from hpsearch.report.plotdata.chosen_parameters import chosen_labels, quarters
from hpsearch.report.plotdata.figure import Figure, Mark, Panel, Points, Role, Table
from hpsearch.report.plotdata.loss_axis import LossAxis, loss_axis
from hpsearch.report.plotdata.parameter_axis import ParameterAxis, parameter_axis
from hpsearch.report.plotdata.reduction import MAX_POINTS, reduced
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.plotdata.trial_marks import lane_marks, rows_of_lane, trial_marks
from hpsearch.report.text import count_text, number

#: Panels, unless the reader chooses the parameters.
MAX_PANELS = 12
_MAX_COLUMNS = 4
#: Height of a row of panels in inches.
_ROW = 2.3
_TITLE = "Losses over each parameter"


def slices(sources: tuple[SearchData, ...]) -> Figure:
    """Build a panel for each parameter.

    Parameters
    ----------
    sources : tuple of SearchData
        One search.
    """
    arrays = sources[0].arrays
    if not arrays.has_loss.any():
        return nothing("slice", _TITLE, arrays)
    labels = chosen_labels(sources[0], MAX_PANELS)
    if not labels:
        return Figure(kind="slice", title=_TITLE, caption=f"The space of {arrays.exp_key} has no parameters.")
    lane = rows_of_lane(arrays)
    lane.pop(Role.PENDING, None)
    axis = loss_axis(arrays.losses[arrays.has_loss], arrays.goal)
    panels = tuple(_panel(arrays, label, axis, lane, MAX_POINTS // len(labels)) for label in labels)
    n_columns = min(len(panels), _MAX_COLUMNS)
    return Figure(
        kind="slice",
        title=_TITLE,
        caption=_caption(arrays, len(labels), axis),
        panels=panels,
        n_columns=n_columns,
        height=max(_ROW * -(-len(panels) // n_columns), 3.0),
        table=Table(
            header=("parameter", "values", "trials", f"best {arrays.goal.name}", "median"),
            rows=tuple(row for label in labels for row in _rows(arrays, label)),
        ),
    )


def _rows(arrays: SearchArrays, label: str) -> Iterator[tuple[str, ...]]:
    """Yield the rows of one parameter: its options, or the quarters of its values; none without trials."""
    j = arrays.column(label)
    rows = np.flatnonzero(arrays.has_loss & arrays.active[:, j])
    if not len(rows):
        return
    values, losses = arrays.values[rows, j], arrays.losses[rows]
    scale = parameter_axis(arrays.space, label, values)
    for name, is_part in _parts(scale, values):
        found = losses[is_part]
        best, median = (number(arrays.goal.value(float(f(found)))) for f in (np.min, np.median))
        yield scale.axis.title, name, str(len(found)), best, median


def _parts(scale: ParameterAxis, values: Floats) -> Iterator[tuple[str, Bools]]:
    """Yield which values belong together, with a name for them."""
    if scale.columns:
        places = scale.place(values)
        for i, name in enumerate(scale.axis.tick_labels):
            if (places == i).any():
                yield name, places == i
        return
    part_of = quarters(values)
    for part in np.unique(part_of):
        is_part = part_of == part
        low, high = values[is_part].min(), values[is_part].max()
        yield (number(low) if low == high else f"{number(low)} to {number(high)}"), is_part


def _caption(arrays: SearchArrays, n: int, axis: LossAxis) -> str:
    trials = count_text(int(arrays.has_loss.sum()), "trial")
    beyond = f" {axis.note}, at the edge." if axis.n_beyond else ""
    text = f"Each point is one of {trials}; a panel has those in which the parameter was active."
    return f"{text}{beyond}{left_out(n, arrays)}"


def _panel(
    arrays: SearchArrays, label: str, axis: LossAxis, lane: dict[Role, np.ndarray], max_points: int
) -> Panel:
    j = arrays.column(label)
    is_active = arrays.active[:, j]
    scale = parameter_axis(arrays.space, label, arrays.values[is_active & arrays.has_loss, j])
    x = np.zeros(len(arrays))
    x[is_active] = scale.spread(arrays.values[is_active, j], arrays.tids[is_active])
    rows = np.flatnonzero(is_active & arrays.has_loss)
    found = reduced(x[rows], arrays.losses[rows], scale.edges, axis, max_points=max_points)
    marks: list[Mark] = trial_marks(found.density, rows[found.rows], arrays, axis, x)
    own = {role: rows[is_active[rows]] for role, rows in lane.items()}
    best = arrays.best_row()
    if best is not None and is_active[best]:
        y = axis.place(arrays.losses[[best]])
        marks.append(Points(name="best", role=Role.BEST, x=x[[best]], y=y, tids=arrays.tids[[best]]))
    return Panel(x=scale.axis, y=axis.axis, marks=tuple(marks), lane=lane_marks(own, arrays, x, scale.edges))
