"""Axes for plotly.js."""

from __future__ import annotations

import math
from typing import Any

from hpsearch.report.palette import Palette
from hpsearch.report.plotdata.figure import Axis
from hpsearch.report.plotly.text import html_text

#: Decades of a log axis beyond which only powers of ten have ticks, and how many of them; below the narrow
#: ones, plotly.js finds better ticks.
_FEW_DECADES, _NARROW, _SMALL_TICKS, _TICKS = 2, 0.7, 4, 8


def axis_layout(
    axis: Axis, palette: Palette, *, has_title: bool = True, is_small: bool = False
) -> dict[str, Any]:
    """Return the layout of an axis.

    Parameters
    ----------
    axis : Axis
        The axis.
    palette : Palette
        The colours.
    has_title : bool
        Whether its title is written.
    is_small : bool
        Whether the panel is one of several in a row.
    """
    layout: dict[str, Any] = {
        "type": "log" if axis.is_log else "linear",
        "range": [axis_value(axis, axis.low), axis_value(axis, axis.high)],
        "gridcolor": palette.grid,
        "linecolor": palette.grid,
        "zeroline": False,
        "automargin": True,
        "tickfont": {"size": 11},
        "nticks": 5 if is_small else 9,
    }
    if has_title and axis.title:
        layout["title"] = {"text": html_text(axis.title), "font": {"size": 12}, "standoff": 6}
    if axis.ticks is not None:
        labels = [html_text(label) for label in axis.tick_labels]
        layout |= {"tickvals": list(axis.ticks), "ticktext": labels, "showgrid": not axis.is_named}
        if axis.is_tree:
            # Browsers join spaces; no-break spaces of a fixed width keep the tree in shape.
            layout["ticktext"] = [label.replace(" ", "\u00a0") for label in labels]
            layout["tickfont"] = {"size": 11, "family": "ui-monospace, 'DejaVu Sans Mono', monospace"}
    elif axis.is_log:
        layout |= {"exponentformat": "power", "tickangle": 0}
        n_decades = _n_decades(axis)
        if n_decades > _FEW_DECADES:
            layout["dtick"] = math.ceil(n_decades / (_SMALL_TICKS if is_small else _TICKS))
        elif n_decades > _NARROW:
            layout["dtick"] = "D2"  # at 1, 2 and 5

    return layout


def lane_layout(palette: Palette, *, is_labelled: bool) -> dict[str, Any]:
    """Return the vertical axis of the lane of trials without a loss.

    Parameters
    ----------
    palette : Palette
        The colours.
    is_labelled : bool
        Whether its name is written.
    """
    return {
        "range": [-1, 1],
        "fixedrange": True,
        "tickvals": [0],
        "ticktext": ["no loss"] if is_labelled else [""],
        "tickfont": {"size": 11, "color": palette.faint},
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
        "showline": False,
    }


def axis_value(axis: Axis, value: float) -> float:
    """Return a place on an axis in the units of its range: of a log axis, the logarithm to the base 10.

    Parameters
    ----------
    axis : Axis
        The axis.
    value : float
        In the units of the data; positive on a log axis.
    """
    return math.log10(value) if axis.is_log else value


def _n_decades(axis: Axis) -> float:
    return abs(math.log10(axis.high / axis.low))
