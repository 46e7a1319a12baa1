"""Axes in matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from hpsearch.report.matplotlib.text import plain
from hpsearch.report.palette import Palette
from hpsearch.report.plotdata.figure import Axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A log axis whose ends have a ratio below these needs more ticks than powers of ten, or evenly spaced ones.
_FEW_DECADES, _NARROW = 200, 5
#: Share of the height that the lane of trials without a loss takes.
LANE = 0.1
#: Characters of tick labels that fit below a panel of the whole width, and of a quarter of it.
_ROOM, _SMALL_ROOM = 110, 24


def set_axis(axes: Axes, axis: Axis, which: Literal["x", "y"], palette: Palette, *, is_small: bool) -> None:
    """Set the scale, limits, ticks and title of one axis.

    Parameters
    ----------
    axes : Axes
        The axes.
    axis : Axis
        What is to be shown.
    which : {"x", "y"}
        Which of the two it is.
    palette : Palette
        The colours.
    is_small : bool
        Whether the panel is one of several.
    """
    side = axes.xaxis if which == "x" else axes.yaxis
    if axis.is_log:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(axis.low, axis.high)
    if axis.ticks is not None:
        side.set_ticks(list(axis.ticks), [plain(label) for label in axis.tick_labels])
        _fit_names(axes, axis, which, is_small=is_small)
    elif axis.is_log:
        set_log_ticks(axes, which, axis.high / axis.low)
    else:
        from matplotlib.ticker import MaxNLocator

        side.set_major_locator(MaxNLocator(5 if is_small else 8, steps=[1, 2, 2.5, 5, 10]))
        side.set_major_formatter("{x:.6g}")
    if not axis.is_named and (which == "y" or not is_small):
        axes.grid(axis=which, color=palette.grid, linewidth=0.6)
    if axis.ticks == ():
        axes.spines["left" if which == "y" else "bottom"].set_visible(False)
    side.set_tick_params(labelsize=8, labelcolor=palette.ink, color=palette.grid, length=3)
    side.set_label_text(plain(axis.title), fontsize=9, color=palette.ink)


def add_lane(axes: Axes, axis: Axis, palette: Palette) -> None:
    """Make room for a lane below the vertical axis, without ticks of numbers, and name it.

    Parameters
    ----------
    axes : Axes
        The axes.
    axis : Axis
        Its vertical axis.
    palette : Palette
        The colours.
    """
    low, high = sorted((axis.low, axis.high))
    ticks = [float(tick) for tick in axes.yaxis.get_majorticklocs() if low <= tick <= high]
    texts = [plain(axes.yaxis.get_major_formatter()(tick)) for tick in ticks]
    axes.set_ylim(_below(axis, LANE), axis.high)
    axes.set_yticks([*ticks, _below(axis, LANE / 2)], [*texts, "no loss"])
    axes.axhline(axis.low, color=palette.grid, linewidth=0.8, zorder=1)


def _below(axis: Axis, share: float) -> float:
    """Return the place below an axis such that the part between takes some share of the whole height."""
    ratio = share / (1 - LANE)
    if axis.is_log:
        return float(axis.low * (axis.low / axis.high) ** ratio)
    return axis.low - ratio * (axis.high - axis.low)


def _fit_names(axes: Axes, axis: Axis, which: Literal["x", "y"], *, is_small: bool) -> None:
    """Turn long names below a panel, and set those of a tree in a font of fixed width."""
    side = axes.xaxis if which == "x" else axes.yaxis
    longest = max(map(len, axis.tick_labels), default=0)
    if which == "x" and longest * len(axis.tick_labels) > (_SMALL_ROOM if is_small else _ROOM):
        for label in side.get_ticklabels():
            label.set(rotation=25, ha="right", rotation_mode="anchor")
    if axis.is_tree:
        for label in side.get_ticklabels():
            label.set_fontfamily("monospace")


def set_log_ticks(axes: Axes, which: Literal["x", "y"], ratio: float) -> None:
    """Put more ticks than powers of ten on a log axis that spans few decades, and no minor ones.

    Parameters
    ----------
    axes : Axes
        The axes.
    which : {"x", "y"}
        Which of the two it is.
    ratio : float
        Of its ends.
    """
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    side = axes.xaxis if which == "x" else axes.yaxis
    side.set_minor_locator(NullLocator())
    if ratio < _FEW_DECADES:
        side.set_major_locator(LogLocator(subs=(1, 2, 5)) if ratio > _NARROW else MaxNLocator(5))
        side.set_major_formatter("{x:g}")
    else:
        side.set_major_locator(LogLocator(numticks=6))
