"""The mean loss over the values of two parameters, by the model, with the trials."""

from __future__ import annotations

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.report.plotdata.captions import nothing
from hpsearch.report.plotdata.chosen_parameters import ranked_labels
from hpsearch.report.plotdata.figure import Figure, Mark, Panel, Points, Role, Surface, Table
from hpsearch.report.plotdata.goal import as_shown
from hpsearch.report.plotdata.parameter_axis import ParameterAxis, parameter_axis
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.text import number

#: Trials that are drawn: the best ones.
_MAX_POINTS = 500
#: Trials of the table.
_MAX_ROWS = 20
_TITLE = "The loss over two parameters"


def contour(sources: tuple[SearchData, ...]) -> Figure:
    """Build the picture of two parameters: those that the reader chose, or the two that matter most.

    Parameters
    ----------
    sources : tuple of SearchData
        One search, perhaps with ``surface``.
    """
    source, arrays = sources[0], sources[0].arrays
    if not arrays.has_loss.any():
        return nothing("contour", _TITLE, arrays)
    labels = contour_labels(source)
    if labels is None:
        return Figure(kind="contour", title=_TITLE, caption="It needs two parameters that occur together.")
    first, second = labels
    columns = [arrays.column(label) for label in labels]
    rows = np.flatnonzero(arrays.has_loss & arrays.active[:, columns].all(axis=1))
    x, y = (
        parameter_axis(arrays.space, label, arrays.values[rows, j])
        for label, j in zip(labels, columns, strict=True)
    )
    rows = rows[np.argsort(arrays.losses[rows], kind="stable")[:_MAX_POINTS]]
    marks: list[Mark] = []
    surface = source.surface
    if surface is not None and surface.labels == labels:
        marks.append(_surface(arrays, surface.values, surface.mean, (x, y)))
    marks += _points(arrays, rows, columns, (x, y), is_shaded=not marks)
    how = (
        f"Colours are the mean {arrays.goal.name} over all other parameters, by a model of the trials."
        if surface is not None
        else f"Too little is known for a model of the losses; the points are coloured by {arrays.goal.name}."
    )
    return Figure(
        kind="contour",
        title=f"{'Losses' if surface is None else f'Mean {arrays.goal.name}'} over {first} and {second}",
        caption=f"{how} Points are the best {len(rows)} trials with both parameters.",
        panels=(Panel(x=x.axis, y=y.axis, marks=tuple(marks)),),
        height=4.6,
        table=Table(
            header=("trial", x.axis.title, y.axis.title, arrays.goal.name),
            rows=tuple(_row(arrays, row, columns, (x, y)) for row in rows[:_MAX_ROWS]),
        ),
    )


def contour_labels(source: SearchData) -> tuple[str, str] | None:
    """Return two labels that vary together: chosen by the reader, or those that matter most; None if none do.

    Parameters
    ----------
    source : SearchData
        A search with losses. A single chosen label is joined by the one that matters most.
    """
    ranked = ranked_labels(source)
    firsts = source.labels[:1] or ranked
    seconds = source.labels[1:2] or ranked
    pairs = ((first, second) for first in firsts for second in seconds if first != second)
    return next((pair for pair in pairs if _vary_together(source.arrays, pair)), None)


def _vary_together(arrays: SearchArrays, labels: tuple[str, str]) -> bool:
    columns = [arrays.column(label) for label in labels]
    rows = arrays.has_loss & arrays.active[:, columns].all(axis=1)
    return bool(rows.any() and (np.ptp(arrays.values[rows][:, columns], axis=0) > 0).all())


def _row(
    arrays: SearchArrays, row: int, columns: list[int], axes: tuple[ParameterAxis, ParameterAxis]
) -> tuple[str, ...]:
    values = (axis.text(arrays.values[row, j]) for axis, j in zip(axes, columns, strict=True))
    return str(arrays.tids[row]), *values, number(arrays.goal.value(float(arrays.losses[row])))


def _surface(
    arrays: SearchArrays,
    values: tuple[Floats, Floats],
    mean: Floats,
    axes: tuple[ParameterAxis, ParameterAxis],
) -> Surface:
    return Surface(
        x=axes[0].place(values[0]),
        y=axes[1].place(values[1]),
        z=as_shown(arrays.goal, mean),
        title=f"mean {arrays.goal.name}",
        is_smooth=not (axes[0].columns or axes[1].columns),
        is_reversed=arrays.goal.maximize,
    )


def _points(
    arrays: SearchArrays,
    rows: np.ndarray,
    columns: list[int],
    axes: tuple[ParameterAxis, ParameterAxis],
    *,
    is_shaded: bool,
) -> list[Mark]:
    x, y = (
        axis.spread(arrays.values[rows, j], arrays.tids[rows]) for axis, j in zip(axes, columns, strict=True)
    )
    shades = 1 - np.arange(len(rows)) / max(len(rows) - 1, 1)
    return [
        Points(
            name="trial",
            role=Role.DONE if is_shaded else Role.OVERLAID,
            x=x,
            y=y,
            tids=arrays.tids[rows],
            shades=shades if is_shaded else None,
        ),
        Points(name="best", role=Role.BEST, x=x[:1], y=y[:1], tids=arrays.tids[rows[:1]]),
    ]
