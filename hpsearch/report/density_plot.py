"""The pictures of a space's distributions, with matplotlib (extra ``plot``)."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.errors import ConfigurationError, MissingExtraError
from hpsearch.report.density import Bars, Curve, Floats, Nothing, Options, Panel, Shape
from hpsearch.runtime.arithmetic import own_arithmetic
from hpsearch.runtime.escaping import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: From the palette of Okabe and Ito, which colour-blind people can tell apart.
_CONTINUOUS, _BY_VALUE, _STEPS, _OPTIONS = "#0072B2", "#56B4E9", "#E69F00", "#009E73"
_INK, _FAINT = "#222222", "#6b6b6b"

_MAX_COLUMNS = 4
_PANEL_INCHES = (3.3, 2.35)
_HEAD_INCHES, _MIN_INCHES = 0.55, 5.0
_DPI = 130
#: Matplotlib draws no more pixels than this in one direction.
_MAX_PIXELS = 60_000

#: Up to these ratios of its ends a log axis needs more ticks than powers of ten, or even ones.
_FEW_DECADES, _NARROW = 200, 5

#: Shares from here on that an axis leaves out are told.
_WORTH_TELLING = 0.005

#: Characters that fit into a panel: its range, its label with the distribution's name, an option.
_RANGE_WIDTH, _LABEL_WIDTH, _NAME_WIDTH = 42, 28, 32


@own_arithmetic()
def draw_panels(panels: Sequence[Panel], title: str) -> Figure:
    """Return a figure with all panels, row by row.

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
        _draw_heading(axes, panel)
        _draw_shape(axes, panel.shape)
    return figure


@own_arithmetic()
def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure in the format that the file's ending names: ``.png``, ``.svg`` or ``.pdf``.

    Raises
    ------
    ConfigurationError
        If the file cannot be written.
    """
    dpi = min(_DPI, _MAX_PIXELS / max(figure.get_size_inches()))
    try:
        figure.savefig(path, dpi=dpi)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(f"The picture cannot be written to {path}: {reason}.") from error


def _draw_heading(axes: Axes, panel: Panel) -> None:
    """Write the label and the distribution, and below them the range."""
    is_by_value = isinstance(panel.shape, Curve) and panel.shape.is_by_value
    lines = textwrap.wrap(panel.bounds, _RANGE_WIDTH)
    if panel.is_conditional:
        lines.append(f"active in {panel.active:.0%} of the samples")
    axes.set_title("\n".join(lines), loc="left", fontsize=8, color=_FAINT, pad=5)
    above: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "parse_math": False}
    height = 6 + 11 * len(lines)
    name = "by value" if is_by_value else panel.distribution
    axes.annotate(name, (1, 1), (0, height), ha="right", fontsize=8, color=_FAINT, **above)
    label = _short(panel.label, _LABEL_WIDTH - len(name))
    axes.annotate(label, (0, 1), (0, height), fontsize=10, fontweight="bold", color=_INK, **above)


def _draw_shape(axes: Axes, shape: Shape) -> None:
    """Draw what is seen of a parameter."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.tick_params(labelsize=8, labelcolor=_INK, color=_FAINT, length=3)
    axes.xaxis.get_offset_text().set_fontsize(8)
    match shape:
        case Curve():
            _draw_curve(axes, shape)
        case Bars():
            _draw_bars(axes, shape)
        case Options():
            _draw_options(axes, shape)
        case Nothing(reason=reason):
            axes.set_axis_off()
            axes.text(0.5, 0.5, reason, ha="center", fontsize=8, color=_FAINT)


def _draw_curve(axes: Axes, curve: Curve) -> None:
    """Draw a density as a line over a light area."""
    color = _BY_VALUE if curve.is_by_value else _CONTINUOUS
    axes.fill_between(
        curve.x, np.minimum(curve.density, 2 * curve.ceiling), color=color, alpha=0.25, linewidth=0
    )
    axes.plot(curve.x, curve.density, color=color, linewidth=1.8)
    axes.set_ylim(0, 1.12 * curve.ceiling)
    _set_scale(axes, curve.x, curve)
    axes.set_ylabel("density per decade" if curve.is_log else "density", fontsize=8, color=_FAINT)


def _draw_bars(axes: Axes, bars: Bars) -> None:
    """Draw a bar from edge to edge, a little apart."""
    lows, highs = bars.edges[:-1], bars.edges[1:]
    axes.bar(lows, bars.heights, highs - lows, align="edge", color=_STEPS, edgecolor="white", linewidth=0.8)
    _set_scale(axes, bars.edges, bars)
    if bars.is_log:
        what = "share per decade"
    else:
        what = "share of samples" if bars.n_steps.max() == 1 else "share of each value"
    axes.set_ylabel(what, fontsize=8, color=_FAINT)


def _draw_options(axes: Axes, options: Options) -> None:
    """Draw a bar to the right for each option, from the top down, its name on it and its share behind."""
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


def _set_scale(axes: Axes, x: Floats, shape: Curve | Bars) -> None:
    """Let the axis go from the first to the last x, and tell what lies beyond."""
    axes.set_xlim(x[0], x[-1])
    axes.locator_params(axis="y", nbins=4)
    axes.yaxis.set_major_formatter("{x:g}")  # without a factor above, where the heading stands
    if shape.is_log:
        axes.set_xscale("log")
        _set_ticks_of_few_decades(axes, x[-1] / x[0])
        axes.minorticks_off()
    else:
        are_integers = np.all(x % 1 == 0.5)  # of which these are the edges
        axes.locator_params(axis="x", nbins=6, integer=bool(are_integers))
    if shape.beyond >= _WORTH_TELLING:
        axes.set_ylim(top=1.12 * axes.get_ylim()[1])
        text = f"{shape.beyond:.0%} lie further right"
        axes.text(1, 0.98, text, transform=axes.transAxes, ha="right", va="top", fontsize=8, color=_FAINT)


def _set_ticks_of_few_decades(axes: Axes, ratio: float) -> None:
    """Put more ticks than powers of ten on a log axis whose ends have a small ratio."""
    from matplotlib.ticker import LogLocator, MaxNLocator

    if ratio < _FEW_DECADES:
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if ratio > _NARROW else MaxNLocator(5))
        axes.xaxis.set_major_formatter("{x:g}")


def _short(text: str, width: int) -> str:
    """Return a text on one line of at most ``width`` characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 3] + "..."
