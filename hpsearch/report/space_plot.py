"""Draws the histograms of a space with matplotlib (extra ``plot``)."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.errors import MissingExtraError
from hpsearch.report.matplotlib.axes import set_log_ticks
from hpsearch.report.space_histograms import Bars, Nothing, Options, Panel, Shape
from hpsearch.runtime.escaping import printable
from hpsearch.runtime.numerics import isolated_numerics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: From the palette of Okabe and Ito, which colour-blind people can tell apart.
_BARS, _OPTIONS = "#0072B2", "#009E73"
_INK, _FAINT = "#222222", "#6b6b6b"

_MAX_COLUMNS = 4
_PANEL_INCHES = (3.3, 2.35)
_HEAD_INCHES, _MIN_INCHES = 0.55, 5.0

#: The smallest share outside an axis that the picture mentions.
_MIN_OUTSIDE = 0.005

#: Characters that fit into a panel: the range, the label with the view, an option.
_RANGE_WIDTH, _LABEL_WIDTH, _NAME_WIDTH = 42, 28, 32


@isolated_numerics()
def draw_panels(panels: Sequence[Panel], title: str) -> Figure:
    """Return a figure with all panels, row by row.

    Parameters
    ----------
    panels : sequence of Panel
        At least one.
    title : str
        The line above them all.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise MissingExtraError("hpsearch space plot", "plot") from error
    n_columns = min(len(panels), _MAX_COLUMNS)
    n_rows = math.ceil(len(panels) / n_columns)
    width, height = n_columns * _PANEL_INCHES[0], n_rows * _PANEL_INCHES[1] + _HEAD_INCHES
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1)
    figure = Figure(figsize=(max(width, _MIN_INCHES), height), layout=layout)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, color=_INK)
    for place, panel in enumerate(panels, 1):
        axes = figure.add_subplot(n_rows, n_columns, place)
        _draw_texts(axes, panel)
        _draw_shape(axes, panel.shape)
    return figure


def _draw_texts(axes: Axes, panel: Panel) -> None:
    """Write the label and the view above, and the range below."""
    style: dict[str, Any] = {"fontsize": 8, "color": _FAINT}
    label = _short(panel.label, _LABEL_WIDTH - len(panel.view))
    axes.set_title(label, loc="left", fontsize=10, fontweight="bold", color=_INK, parse_math=False)
    axes.set_title(panel.view, loc="right", **style)
    lines = textwrap.wrap(panel.bounds, _RANGE_WIDTH)
    if panel.remark:
        lines.append(panel.remark)
    if panel.is_conditional:
        lines.append(f"active in {panel.active:.0%} of the samples")
    axes.set_xlabel("\n".join(lines), **style)


def _draw_shape(axes: Axes, shape: Shape) -> None:
    """Draw a histogram, or why there is none."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.tick_params(labelsize=8, labelcolor=_INK, color=_FAINT, length=3)
    axes.xaxis.get_offset_text().set_fontsize(8)
    match shape:
        case Bars():
            _draw_bars(axes, shape)
        case Options():
            _draw_options(axes, shape)
        case Nothing(reason=reason):
            axes.set(xticks=[], yticks=[])
            axes.text(0.5, 0.5, reason, ha="center", fontsize=8, color=_FAINT)


def _draw_bars(axes: Axes, bars: Bars) -> None:
    """Draw a bar between each two edges."""
    lows, highs = bars.edges[:-1], bars.edges[1:]
    axes.bar(lows, bars.heights, highs - lows, align="edge", color=_BARS, edgecolor="white", linewidth=0.8)
    _set_scale(axes, bars)
    if bars.is_log:
        what = "share per decade"
    else:
        what = "share of samples" if bars.n_steps.max() == 1 else "share of each value"
    axes.set_ylabel(what, fontsize=8, color=_FAINT)


def _draw_options(axes: Axes, options: Options) -> None:
    """Draw a horizontal bar for each option, from the top down, with its name and its share."""
    places = range(len(options.names))
    axes.barh(places, options.shares, color=_OPTIONS, alpha=0.45, height=0.8)
    style: dict[str, Any] = {"fontsize": 8, "color": _INK, "va": "center_baseline"}
    by_row = axes.get_yaxis_transform()  # x as a share of the axes, y as data
    for place, name, share in zip(places, options.names, options.shares, strict=True):
        axes.text(0.02, place, _short(name, _NAME_WIDTH), transform=by_row, parse_math=False, **style)
        axes.text(1, place, f"{share:.0%}", transform=by_row, ha="right", **style)
    axes.set_ylim(len(places) - 0.4, -0.6)
    axes.set_xlim(0, 1.15 * options.shares.max())
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines["bottom"].set_visible(False)


def _set_scale(axes: Axes, bars: Bars) -> None:
    """Fit the axis to the edges, and write the share outside it."""
    x = bars.edges
    axes.set_xlim(x[0], x[-1])
    axes.locator_params(axis="y", nbins=4)
    axes.yaxis.set_major_formatter("{x:g}")  # without a common factor, which would overlap the label
    if bars.is_log:
        axes.set_xscale("log")
        set_log_ticks(axes, "x", x[-1] / x[0])
    else:
        are_integers = np.all(x % 1 == 0.5)  # the edges lie between integer values
        axes.locator_params(axis="x", nbins=6, integer=bool(are_integers))
    if bars.outside >= _MIN_OUTSIDE:
        axes.set_ylim(top=1.12 * axes.get_ylim()[1])
        text = f"{bars.outside:.0%} lie outside"
        axes.text(1, 0.98, text, transform=axes.transAxes, ha="right", va="top", fontsize=8, color=_FAINT)


def _short(text: str, width: int) -> str:
    """Return a text on one line, shortened to ``width`` characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 3] + "..."
