"""The front of several objectives: one panel for each pair of them, with the trials that it dominates.

Objectives keep the direction that their user knows. A limit of an objective is a line.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.front import knee, nondominated
from hpsearch.core.history import Floats
from hpsearch.core.outcomes import Objective
from hpsearch.report.plotdata.captions import nothing, one_objective
from hpsearch.report.plotdata.figure import Axis, Figure, Line, Mark, Note, Panel, Points, Role, Table
from hpsearch.report.plotdata.loss_axis import LossAxis, loss_axis
from hpsearch.report.plotdata.reduction import MAX_POINTS, thinned
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.text import count_text, number

Rows = NDArray[np.intp]

_TITLE = "The front"
#: Panels, and trials of the front in the table.
_MAX_PANELS, _MAX_ROWS = 6, 50
#: Distance of a text from its point, as a share of the axis.
_BESIDE = 0.012


def front(sources: tuple[SearchData, ...]) -> Figure:
    """Build the front.

    Parameters
    ----------
    sources : tuple of SearchData
        One search.
    """
    arrays = sources[0].arrays
    if arrays.outcomes is None or not arrays.objectives.shape[1]:
        return one_objective("front", _TITLE, arrays)
    rows = front_rows(arrays)
    if not arrays.has_objectives.any():
        return nothing("front", _TITLE, arrays)
    pairs = list(combinations(range(arrays.objectives.shape[1]), 2))[:_MAX_PANELS]
    return Figure(
        kind="front",
        title=_TITLE,
        caption=_caption(arrays, rows),
        panels=tuple(_panel(arrays, rows, i, j) for i, j in pairs),
        n_columns=min(len(pairs), 3),
        height=4.0 if len(pairs) == 1 else 3.2 * -(-len(pairs) // 3),
        table=_table(arrays, rows),
    )


def front_rows(arrays: SearchArrays) -> Rows:
    """Return the rows of the trials on the front, by the first objective, the best first."""
    shown = np.where(arrays.is_infeasible[:, None], np.inf, arrays.objectives)
    rows = np.flatnonzero(nondominated(shown) & np.isfinite(shown).all(axis=1))
    return rows[np.lexsort(arrays.objectives[rows].T[::-1])]


def _panel(arrays: SearchArrays, rows: Rows, i: int, j: int) -> Panel:
    is_known = arrays.has_objectives
    x_axis, y_axis = (_axis(arrays, rows, k, is_known) for k in (i, j))
    on_front = np.zeros(len(arrays), dtype=bool)
    on_front[rows] = True
    groups = (
        ("dominated", Role.DOMINATED, is_known & ~on_front & ~arrays.is_infeasible),
        ("exceeds a limit", Role.INFEASIBLE, is_known & arrays.is_infeasible),
        ("on the front", Role.BEST, on_front),
    )
    marks: list[Mark] = [*_limits(arrays, i, j, x_axis.axis, y_axis.axis)]
    if arrays.objectives.shape[1] == 2 and len(rows) > 1:
        marks.append(_stairs(arrays, rows, x_axis, y_axis))
    for name, role, chosen in groups:
        found = thinned(np.flatnonzero(chosen), MAX_POINTS // 2)
        if len(found):
            xs, ys = x_axis.place(arrays.objectives[found, i]), y_axis.place(arrays.objectives[found, j])
            marks.append(Points(name=name, role=role, x=xs, y=ys, tids=arrays.tids[found]))
    if len(rows) > 2:
        best = rows[knee(arrays.objectives[rows])]
        x, y = (float(a.place(arrays.objectives[[best], k])[0]) for a, k in ((x_axis, i), (y_axis, j)))
        # Beside its star, which the text would cover.
        beside = 0.0 if x_axis.axis.is_log else _BESIDE * (x_axis.axis.high - x_axis.axis.low)
        marks.append(Note(x=x + beside, y=y, text="knee", is_faint=False))
    return Panel(x=x_axis.axis, y=y_axis.axis, marks=tuple(marks), note=_beyond(x_axis, y_axis))


def _axis(arrays: SearchArrays, rows: Rows, k: int, is_known: NDArray[np.bool_]) -> LossAxis:
    """Return the axis of an objective; the whole front is within it."""
    assert arrays.outcomes is not None
    goal = arrays.outcomes.objectives[k].goal
    usual = loss_axis(arrays.objectives[is_known, k], goal)
    if not len(rows) or float(arrays.objectives[rows, k].max()) <= usual.limit:
        return usual
    worst = float(arrays.objectives[rows, k].max())
    kept = arrays.objectives[is_known & (arrays.objectives[:, k] <= worst), k]
    return loss_axis(np.append(kept, [worst] * len(kept)), goal)


def _stairs(arrays: SearchArrays, rows: Rows, x_axis: LossAxis, y_axis: LossAxis) -> Line:
    """Return the edge of what the front dominates."""
    x, y = arrays.objectives[rows].T
    # Along the first objective, a trial dominates until the next one begins.
    xs = np.column_stack([x[1:], x[1:]]).ravel()
    ys = np.column_stack([y[:-1], y[1:]]).ravel()
    return Line(
        name="front",
        role=Role.BEST,
        x=x_axis.place(np.concatenate([x[:1], xs])),
        y=y_axis.place(np.concatenate([y[:1], ys])),
    )


def _limits(arrays: SearchArrays, i: int, j: int, x: Axis, y: Axis) -> list[Mark]:
    assert arrays.outcomes is not None
    marks: list[Mark] = []
    for k, is_vertical in ((i, True), (j, False)):
        objective = arrays.outcomes.objectives[k]
        axis, other = (x, y) if is_vertical else (y, x)
        if objective.limit is None or not _is_within(axis, objective):
            continue
        ends, at = np.array([other.low, other.high]), np.full(2, objective.limit.bound)
        line = (at, ends) if is_vertical else (ends, at)
        marks.append(Line(name="limit", role=Role.LIMIT, x=line[0], y=line[1]))
    return marks


def _is_within(axis: Axis, objective: Objective) -> bool:
    bound = objective.limit.bound if objective.limit else np.nan
    return min(axis.low, axis.high) <= bound <= max(axis.low, axis.high)


def _beyond(*axes: LossAxis) -> str:
    return ", ".join(f"{axis.axis.title}: {axis.note}" for axis in axes if axis.note)


def _caption(arrays: SearchArrays, rows: Rows) -> str:
    n_known = int(arrays.has_objectives.sum())
    n_over = int(arrays.is_infeasible.sum())
    verb = "is" if len(rows) == 1 else "are"
    trials = count_text(n_known, "trial")
    text = f"{len(rows)} of {trials} {verb} on the front: no other one beats them in every objective."
    return f"{text} {n_over:,} exceed a limit." if n_over else text


def _table(arrays: SearchArrays, rows: Rows) -> Table:
    assert arrays.outcomes is not None
    goals = [objective.goal for objective in arrays.outcomes.objectives]
    found: list[tuple[str, ...]] = []
    for row in rows[:_MAX_ROWS]:
        losses: Floats = arrays.objectives[row]
        shown = (number(goal.value(float(loss))) for goal, loss in zip(goals, losses, strict=True))
        found.append((str(arrays.tids[row]), *shown))
    return Table(header=("trial", *arrays.outcomes.names), rows=tuple(found))
