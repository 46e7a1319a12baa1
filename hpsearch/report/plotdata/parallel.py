"""Parallel coordinates: a line for each of the best trials, through its values and its loss.

A parameter that is inactive in a trial has a lane below its axis, so that no line joins wrong points.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.front import ranks
from hpsearch.core.goal import Goal
from hpsearch.core.history import Floats
from hpsearch.report.plotdata.captions import left_out, nothing
from hpsearch.report.plotdata.chosen_parameters import chosen_labels
from hpsearch.report.plotdata.figure import Axis, Figure, Line, Mark, Note, Panel, Role
from hpsearch.report.plotdata.parameter_axis import ParameterAxis, parameter_axis, shortened
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.text import count_text, number

#: Lines, axes beside that of the loss, and shades of the lines.
_N_TRIALS, _MAX_AXES, _N_SHADES = 200, 10, 5
#: Where the lane of inactive parameters lies below an axis from 0 to 1, and the spread around an option.
_LANE, _SPREAD = -0.24, 0.05
_GOLDEN_RATIO = 0.6180339887498949
#: How far beyond an axis the values of its ends are written.
_BESIDE = 0.055
#: Characters of an axis' label and of an option.
_LABEL, _OPTION = 20, 10
#: Most options whose names fit beside an axis.
_MAX_NAMES = 8
_TITLE = "The best trials through all parameters"


def parallel(sources: tuple[SearchData, ...]) -> Figure:
    """Build the lines.

    Parameters
    ----------
    sources : tuple of SearchData
        One search.
    """
    arrays = sources[0].arrays
    rows = _best_rows(arrays)
    if not len(rows):
        return nothing("parallel", _TITLE, arrays)
    labels = chosen_labels(sources[0], _MAX_AXES)
    places = [_places(arrays, label, rows) for label in labels]
    goals, losses = _objectives(arrays, rows)
    loss_places = [_ranked(column) for column in losses]
    has_lane = any((y == _LANE).any() for _, y in places)
    heights = np.column_stack([*(y for _, y in places), *loss_places])  # (n, axes)
    names = [*labels, *(goal.name for goal in goals)]
    marks: list[Mark] = [_guides(len(names), has_lane=has_lane)]
    shades = 1 - loss_places[0] if len(goals) == 1 else _shades(arrays, rows)
    marks += _lines(heights, shades, heights[:1] if len(goals) == 1 else heights[shades == 1])
    for i, (scale, _) in enumerate(places):
        marks += _notes(scale, float(i))
    for i, (goal, column) in enumerate(zip(goals, losses, strict=True), start=len(labels)):
        marks += _loss_notes(goal, column, float(i))
    if has_lane:
        marks.append(Note(x=-0.08, y=_LANE, text="inactive", align="right"))
    panel = Panel(
        x=Axis(
            title="",
            low=-0.55 if has_lane else -0.25,
            high=len(names) - 0.55,
            ticks=tuple(float(i) for i in range(len(names))),
            tick_labels=tuple(shortened(name, _LABEL) for name in names),
            is_named=True,
        ),
        y=Axis(title="", low=_LANE - 0.06 if has_lane else -0.11, high=1.11, ticks=(), tick_labels=()),
        marks=tuple(marks),
    )
    n_known = int((arrays.has_loss | arrays.has_objectives).sum())
    which = f"the best {len(rows)} of {count_text(n_known, 'trial')}"
    strongest = "the best ones strongest" if len(goals) == 1 else "the front in the colour of the best"
    return Figure(
        kind="parallel",
        title=_TITLE,
        caption=f"Each line is one of {which}, {strongest}; losses are ranked."
        f"{left_out(len(labels), arrays)}",
        panels=(panel,),
        height=4.2,
    )


def _best_rows(arrays: SearchArrays) -> NDArray[np.intp]:
    """Return the rows of the best trials; with several objectives front by front."""
    if arrays.objectives.shape[1]:
        usable = np.flatnonzero(arrays.has_objectives & ~arrays.is_infeasible)
        order = np.argsort(ranks(arrays.objectives[usable], _N_TRIALS), kind="stable")
        return usable[order[:_N_TRIALS]]
    rows = np.flatnonzero(arrays.has_loss)
    return rows[np.argsort(arrays.losses[rows], kind="stable")[:_N_TRIALS]]


def _objectives(arrays: SearchArrays, rows: NDArray[np.intp]) -> tuple[list[Goal], list[Floats]]:
    """Return the goal and the losses of each objective."""
    if arrays.outcomes is None or not arrays.objectives.shape[1]:
        return [arrays.goal], [arrays.losses[rows]]
    return [one.goal for one in arrays.outcomes.objectives], list(arrays.objectives[rows].T)


def _shades(arrays: SearchArrays, rows: NDArray[np.intp]) -> Floats:
    """Return the shades of trials by their front, 1 for the first."""
    found = ranks(arrays.objectives[rows])
    return np.asarray(1 - found / max(int(found.max()), 1), dtype=np.float64)


def _ranked(losses: Floats) -> Floats:
    """Return where losses lie on their axis, 0 for the best: by rank, as a few may be far worse."""
    first = np.searchsorted(np.sort(losses), losses)
    return np.asarray(first / max(len(losses) - 1, 1), dtype=np.float64)


def _places(arrays: SearchArrays, label: str, rows: NDArray[np.intp]) -> tuple[ParameterAxis, Floats]:
    """Return the axis of a parameter, and the height of each line on it."""
    j = arrays.column(label)
    is_active = arrays.active[rows, j]
    scale = parameter_axis(arrays.space, label, arrays.values[rows[is_active], j])
    y = np.full(len(rows), _LANE)
    y[is_active] = scale.share(arrays.values[rows[is_active], j])
    if scale.columns:
        spread = _SPREAD / max(len(scale.columns), 2)
        y[is_active] += spread * ((arrays.tids[rows[is_active]] * _GOLDEN_RATIO) % 1 - 0.5) * 2
    return scale, y


def _guides(n: int, *, has_lane: bool) -> Line:
    x = np.repeat(np.arange(n, dtype=float), 3)
    y = np.tile([_LANE if has_lane else 0.0, 1.0, np.nan], n)
    return Line(name="", role=Role.GUIDE, x=x, y=y)


def _lines(heights: Floats, shades: Floats, best: Floats) -> list[Mark]:
    """Return the lines by shade, the worst first, then the best; NaN separates lines of one kind."""
    k = heights.shape[1]
    levels = np.minimum((shades * _N_SHADES).astype(int), _N_SHADES - 1)
    x = np.append(np.arange(k, dtype=float), np.nan)
    marks: list[Mark] = []
    for level in range(_N_SHADES):
        chosen = heights[levels == level]
        if len(chosen):
            y = _joined(chosen)
            shade = level / (_N_SHADES - 1)
            marks.append(Line(name="trial", role=Role.DONE, x=np.tile(x, len(chosen)), y=y, shade=shade))
    marks.append(Line(name="best", role=Role.BEST, x=np.tile(x, len(best))[:-1], y=_joined(best)[:-1]))
    return marks


def _joined(heights: Floats) -> Floats:
    """Return lines one after the other, with NaN behind each."""
    return np.column_stack([heights, np.full(len(heights), np.nan)]).ravel()


def _notes(scale: ParameterAxis, x: float) -> list[Mark]:
    """Return the values at the ends of an axis, or the names of its options."""
    if scale.columns and len(scale.columns) <= _MAX_NAMES:
        shares = scale.share(np.array(scale.columns))
        names = scale.axis.tick_labels
        return [
            Note(x=x + 0.04, y=float(share), text=shortened(name, _OPTION))
            for share, name in zip(shares, names, strict=True)
        ]
    low, high = (scale.text(end) for end in scale.ends)
    return [
        Note(x=x, y=-_BESIDE, text=low, align="center"),
        Note(x=x, y=1 + _BESIDE, text=high, align="center"),
    ]


def _loss_notes(goal: Goal, losses: Floats, x: float) -> list[Mark]:
    """Return the best, the median and the worst of the losses, beside their axis."""
    losses = np.sort(losses)
    rows = dict.fromkeys((0, len(losses) // 2, len(losses) - 1))
    places = _ranked(losses)
    return [
        Note(
            x=x + 0.04,
            y=float(places[row]),
            text=number(goal.value(float(losses[row]))),
            is_faint=False,
        )
        for row in rows
    ]
