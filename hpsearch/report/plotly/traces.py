"""Marks as traces of plotly.js."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from hpsearch.report.palette import Palette
from hpsearch.report.plotdata.figure import (
    Axis,
    Band,
    Bars,
    Density,
    Line,
    Mark,
    Note,
    Panel,
    Points,
    Role,
    Surface,
)
from hpsearch.report.plotly.text import html_text, numbers

#: Shape and size of points by role.
_SYMBOLS: Mapping[Role, tuple[str, int]] = MappingProxyType(
    {
        Role.DONE: ("circle", 5),
        Role.FAILED: ("x", 7),
        Role.RUNNING: ("circle-open", 8),
        Role.PENDING: ("line-ns-open", 8),
        Role.CANCELLED: ("square-open", 7),
        Role.PRUNED: ("triangle-down", 7),
        Role.INVALID: ("diamond-open", 7),
        Role.BEST: ("star", 11),
        Role.MEAN: ("circle", 8),
        Role.OVERLAID: ("circle", 5),
        Role.BEYOND: ("triangle-up-open", 7),
        Role.INFEASIBLE: ("x", 6),
    }
)
#: Points whose hover text has their values.
_WITH_VALUES = frozenset({Role.DONE, Role.BEST, Role.MEAN, Role.OVERLAID, Role.DOMINATED, Role.INFEASIBLE})
#: Dashes of lines by role, and of several searches.
_DASHES: Mapping[Role, str] = MappingProxyType(
    {Role.RUNNING: "dot", Role.PRUNED: "dash", Role.FAILED: "dot", Role.LIMIT: "dash"}
)
_SERIES_DASHES = ("solid", "dash", "dot", "dashdot")


def traces(mark: Mark, panel: Panel, palette: Palette) -> list[dict[str, Any]]:
    """Return the traces of a mark; a note has none.

    Parameters
    ----------
    mark : Mark
        The mark.
    panel : Panel
        Its panel, whose axes name the values.
    palette : Palette
        The colours.
    """
    match mark:
        case Points():
            return [_points(mark, panel, palette)]
        case Line():
            return [_line(mark, palette)]
        case Band():
            return [_band(mark, palette)]
        case Bars():
            return [_bars(mark, palette)]
        case Density():
            return [_density(mark, palette)]
        case Surface():
            return [_surface(mark, palette)]
        case Note():
            return []


def _points(mark: Points, panel: Panel, palette: Palette) -> dict[str, Any]:
    symbol, size = _SYMBOLS.get(mark.role, ("circle", 5))
    marker: dict[str, Any] = {"symbol": symbol, "size": size, "color": palette.of(mark.role)}
    if mark.role is Role.DONE and mark.shades is None:
        marker["opacity"] = 0.65
    if mark.shades is not None:
        marker |= {"color": numbers(mark.shades), "cmin": 0, "cmax": 1, "colorscale": _scale(palette)}
    if mark.role in {Role.BEST, Role.OVERLAID}:
        marker["line"] = {"color": palette.paper, "width": 1}
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": html_text(mark.name),
        "x": numbers(mark.x),
        "y": numbers(mark.y),
        "marker": marker,
        "hovertemplate": _hover(mark, panel),
    }
    return trace if mark.tids is None else {**trace, "customdata": mark.tids.tolist()}


def _hover(mark: Points, panel: Panel) -> str:
    what = html_text(mark.name) if mark.tids is None else "trial %{customdata}"
    has_value = mark.role in _WITH_VALUES
    state = "" if has_value else f" ({html_text(mark.name)})"
    values = [
        f"{html_text(axis.title)} %{{{letter}:.4~g}}"
        for axis, letter in ((panel.x, "x"), (panel.y, "y"))
        if has_value and _is_read(axis)
    ]
    return "<br>".join([what + state, *values]) + "<extra></extra>"


def _is_read(axis: Axis) -> bool:
    return bool(axis.title) and not axis.is_named and axis.title != "trial"


def _line(mark: Line, palette: Palette) -> dict[str, Any]:
    color, width = palette.of(mark.role), 1.2
    line: dict[str, Any] = {"shape": "hv" if mark.is_step else "linear"}
    if mark.role is Role.SERIES:
        n = len(palette.series)
        color, width = palette.series[mark.series % n], 2
        line["dash"] = _SERIES_DASHES[mark.series // 2 % len(_SERIES_DASHES)]
    elif mark.role in {Role.BEST, Role.MEAN}:
        width = 2.5
    elif mark.shade is not None:
        color = palette.scale[round(mark.shade * (len(palette.scale) - 1))]
    elif mark.role is Role.PRIOR:
        width = 6
    else:
        line["dash"] = _DASHES.get(mark.role, "solid")
    return {
        "type": "scatter",
        "mode": "lines",
        "name": html_text(mark.name),
        "x": numbers(mark.x),
        "y": numbers(mark.y),
        "line": {**line, "color": color, "width": width},
        "connectgaps": False,
        "hoverinfo": "skip" if mark.role is Role.GUIDE else "x+y+name",
        **({"opacity": 0.5} if mark.role is Role.PRIOR else {}),
    }


def _band(mark: Band, palette: Palette) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": html_text(mark.name),
        "x": numbers(np.concatenate([mark.x, mark.x[::-1]])),
        "y": numbers(np.concatenate([mark.high, mark.low[::-1]])),
        "fill": "toself",
        "fillcolor": palette.of(mark.role),
        "line": {"width": 0},
        "opacity": 0.4,
        "hoverinfo": "skip",
    }


def _bars(mark: Bars, palette: Palette) -> dict[str, Any]:
    lengths, places = numbers(mark.ends - mark.starts), numbers(mark.places)
    along, across = ("y", "x") if mark.is_vertical else ("x", "y")
    trace: dict[str, Any] = {
        "type": "bar",
        "name": html_text(mark.name),
        "orientation": "v" if mark.is_vertical else "h",
        along: lengths,
        across: places,
        "base": numbers(mark.starts),
        "width": mark.width,
        "marker": {"color": palette.of(mark.role), "line": {"width": 0}},
        "opacity": 0.4 if mark.role is Role.PRIOR else 0.85,
        "hovertemplate": f"%{{{along}:.3~g}} {html_text(mark.name)}<extra></extra>",
    }
    if mark.errors is not None:
        error = {"array": numbers(mark.errors), "color": palette.ink, "thickness": 1.5, "width": 4}
        trace[f"error_{along}"] = error
    if mark.tids is not None:
        trace["customdata"] = mark.tids.tolist()
        trace["hovertemplate"] = f"trial %{{customdata}} ({html_text(mark.name)})<extra></extra>"
    return trace


def _density(mark: Density, palette: Palette) -> dict[str, Any]:
    # The root keeps single trials visible beside cells with hundreds.
    cells = np.where(mark.counts > 0, np.sqrt(mark.counts), np.nan)
    return {
        "type": "heatmap",
        "x": numbers(mark.x_edges),
        "y": numbers(mark.y_edges),
        "z": [numbers(np.round(row, 1)) for row in cells],
        "zmin": 0,
        "colorscale": _scale(palette),
        "showscale": False,
        "hoverinfo": "skip",
    }


def _surface(mark: Surface, palette: Palette) -> dict[str, Any]:
    smooth = {"type": "contour", "contours": {"coloring": "heatmap"}, "line": {"width": 0.6}, "ncontours": 14}
    return {
        **(smooth if mark.is_smooth else {"type": "heatmap"}),
        "x": numbers(mark.x),
        "y": numbers(mark.y),
        "z": [numbers(row) for row in mark.z],
        "colorscale": _scale(palette),
        "reversescale": not mark.is_reversed,
        "colorbar": {
            "title": {"text": html_text(mark.title), "side": "right"},
            "thickness": 12,
            "outlinewidth": 0,
        },
        "hovertemplate": f"{html_text(mark.title)} %{{z:.4~g}}<extra></extra>",
    }


def _scale(palette: Palette) -> list[list[float | str]]:
    n = len(palette.scale) - 1
    return [[i / n, color] for i, color in enumerate(palette.scale)]
