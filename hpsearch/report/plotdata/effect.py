"""The mean loss over the space at each value of a parameter, by the model, with a band."""

from __future__ import annotations

import numpy as np

from hpsearch.report.numbers.effects import Effect
from hpsearch.report.plotdata.captions import left_out, nothing
from hpsearch.report.plotdata.chosen_parameters import chosen_labels
from hpsearch.report.plotdata.figure import Axis, Band, Figure, Line, Mark, Panel, Points, Role, Table
from hpsearch.report.plotdata.goal import as_shown
from hpsearch.report.plotdata.parameter_axis import ParameterAxis, parameter_axis
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.text import number

_MAX_PANELS, _MAX_COLUMNS = 8, 4
_ROW = 2.3
#: Ratio of the ends from which the axis of positive losses is logarithmic, and the factor beyond its ends.
_WIDE, _LOG_MARGIN = 20.0, 1.15
_TITLE = "Where the loss is low on average"


def effect(sources: tuple[SearchData, ...]) -> Figure:
    """Build a panel for each parameter.

    Parameters
    ----------
    sources : tuple of SearchData
        One search, with ``effects``.
    """
    arrays = sources[0].arrays
    if not arrays.has_loss.any():
        return nothing("effect", _TITLE, arrays)
    known = {found.label: found for found in sources[0].effects}
    labels = [label for label in chosen_labels(sources[0], _MAX_PANELS) if label in known]
    if not labels:
        why = (
            "Not enough is known yet for a model of the losses." if not known else "No such parameter varies."
        )
        return Figure(kind="effect", title=_TITLE, caption=why)
    effects = [known[label] for label in labels]
    y_axis = _y_axis(arrays, effects)
    panels = tuple(_panel(arrays, found, y_axis) for found in effects)
    n_columns = min(len(panels), _MAX_COLUMNS)
    caption = (
        f"The mean {arrays.goal.name} over the whole space at each value of one parameter, by a model of the "
        f"trials; bands hold it in 90 % of cases.{left_out(len(labels), arrays)}"
    )
    return Figure(
        kind="effect",
        title=_TITLE if not arrays.goal.maximize else f"Where {arrays.goal.name} is high on average",
        caption=caption,
        panels=panels,
        n_columns=n_columns,
        height=max(_ROW * -(-len(panels) // n_columns), 3.0),
        table=Table(
            header=("parameter", f"best mean {arrays.goal.name}", "at"),
            rows=tuple(_row(arrays, found) for found in effects),
        ),
    )


def _y_axis(arrays: SearchArrays, effects: list[Effect]) -> Axis:
    shown = [as_shown(arrays.goal, x) for found in effects for x in (found.low, found.high)]
    low, high = min(float(x.min()) for x in shown), max(float(x.max()) for x in shown)
    title = f"mean {arrays.goal.name}"
    if low > 0 and high >= _WIDE * low and not arrays.goal.maximize:
        return Axis(title=title, low=low / _LOG_MARGIN, high=high * _LOG_MARGIN, is_log=True)
    margin = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return Axis(title=title, low=low - margin, high=high + margin)


def _panel(arrays: SearchArrays, found: Effect, y_axis: Axis) -> Panel:
    scale = _scale(arrays, found)
    x = scale.place(found.values)
    mean, low, high = (as_shown(arrays.goal, y) for y in (found.mean, found.low, found.high))
    ends = np.sort(np.stack([low, high]), axis=0)
    marks: tuple[Mark, ...]
    if scale.columns:
        marks = tuple(
            Line(name="90 % band", role=Role.PRIOR, x=np.repeat(at, 2), y=ends[:, i])
            for i, at in enumerate(x)
        )
        marks = (*marks, Points(name="mean", role=Role.MEAN, x=x, y=mean))
    else:
        marks = (
            Band(name="90 % band", role=Role.PRIOR, x=x, low=ends[0], high=ends[1]),
            Line(name="mean", role=Role.MEAN, x=x, y=mean),
        )
    return Panel(x=scale.axis, y=y_axis, marks=marks)


def _scale(arrays: SearchArrays, found: Effect) -> ParameterAxis:
    return parameter_axis(arrays.space, found.label, found.values)


def _row(arrays: SearchArrays, found: Effect) -> tuple[str, str, str]:
    best = int(found.mean.argmin())
    at = found.options[best] if found.options else number(float(found.values[best]))
    return found.label, number(arrays.goal.value(float(found.mean[best]))), at
