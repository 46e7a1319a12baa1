"""Panels as a picture, with matplotlib (extra ``plot``)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from convnet.panels import Panel, Point
from hpsearch.errors import MissingExtraError

_N_ACROSS = 6

#: Inches, and dots in one of them.
_PANEL_WIDTH, _PANEL_HEIGHT, _DPI = 3.0, 2.9, 100

#: Accuracies that may be marked on the axis.
_MARKS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 1.0)

#: With fewer of them, others are taken.
_ENOUGH_MARKS = 4

#: Smallest error on the axis, since zero has no logarithm.
_LEAST_ERROR = 1e-3

#: Of the first trial to the last; then of what is drawn around the points.
_COLOURS = "viridis_r"
_BEST, _FAILED, _MEDIAN, _FAINT = "#e8590c", "#c92a2a", "#343a40", "#e9ecef"


def draw(panels: Sequence[Panel], title: str) -> Any:
    """Return a matplotlib figure: the best trial ringed, the failed ones along the lower edge.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("The scatter", "plot") from error
    trials = {point.tid: point for panel in panels for point in panel.points}
    colours = ScalarMappable(Normalize(0, max(trials, default=1)), _COLOURS)
    n_down = -(-len(panels) // _N_ACROSS)
    size = (_N_ACROSS * _PANEL_WIDTH, n_down * _PANEL_HEIGHT + 0.5)
    figure = Figure(figsize=size, dpi=_DPI, layout="constrained")
    grid = figure.subplots(n_down, _N_ACROSS, sharey=True, squeeze=False)
    floor = _scale_accuracy(grid, trials)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _draw_points(axes, panel, colours, floor, _best(trials))
        _draw_axis(axes, panel)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for row in grid:
        row[0].set_ylabel("validation accuracy")
    figure.colorbar(colours, ax=grid, label="trial", pad=0.01, aspect=45)
    figure.suptitle(title, x=0.01, ha="left", fontsize=13)
    return figure


def _scale_accuracy(grid: Any, trials: Mapping[int, Point]) -> float:
    """Mark the accuracies of all panels; return the height at which failed trials are drawn."""
    heights = [_height(point.accuracy) for point in trials.values() if point.accuracy is not None] or [0.0]
    low, high = min(heights), max(heights)
    margin = 0.08 * (high - low) or 0.1
    floor = low - 1.5 * margin
    has_failed = any(point.accuracy is None for point in trials.values())
    bottom = floor - margin if has_failed else low - margin
    marks = _accuracy_marks(low - margin / 2, high + margin, gap=0.7 * margin)
    if has_failed:
        marks[floor] = "failed"
    first = grid.flat[0]  # the others share its axis
    first.set_ylim(bottom, high + margin)
    first.set_yticks(list(marks), list(marks.values()))
    return floor


def _draw_points(axes: Any, panel: Panel, colours: Any, floor: float, best: int | None) -> None:
    ended = [point for point in panel.points if point.accuracy is not None]
    if panel.columns:
        _draw_medians(axes, panel)
    axes.scatter(
        [point.x for point in ended],
        [_height(point.accuracy) for point in ended],
        c=colours.to_rgba([point.tid for point in ended]),
        s=34,
        linewidths=0.5,
        edgecolors="white",
        zorder=3,
    )
    failed = [point.x for point in panel.points if point.accuracy is None]
    axes.scatter(failed, [floor] * len(failed), c=_FAILED, marker="x", s=30, linewidths=1.4, zorder=3)
    for point in ended:
        if point.tid == best:
            ring = {"facecolors": "none", "edgecolors": _BEST, "linewidths": 2, "zorder": 4}
            axes.scatter([point.x], [_height(point.accuracy)], s=130, **ring)


def _draw_medians(axes: Any, panel: Panel) -> None:
    """Draw a bar at the median of each column."""
    for place in range(len(panel.columns)):
        heights = sorted(
            _height(point.accuracy)
            for point in panel.points
            if round(point.x) == place and point.accuracy is not None
        )
        if heights:
            median = (heights[len(heights) // 2] + heights[(len(heights) - 1) // 2]) / 2
            axes.hlines(median, place - 0.34, place + 0.34, color=_MEDIAN, linewidth=1.4, zorder=2)


def _draw_axis(axes: Any, panel: Panel) -> None:
    low, high = panel.bounds
    if panel.columns:
        axes.set_xlim(low, high)
        axes.set_xticks(range(len(panel.columns)), panel.columns)
    elif panel.is_log:
        stretch = (high / low) ** 0.04
        axes.set_xscale("log")
        axes.set_xlim(low / stretch, high * stretch)
        # Matplotlib's default labels overlap on an axis of one or two decades.
        marks = _log_marks(low, high)
        axes.set_xticks(marks, [f"{mark:g}" for mark in marks])
        axes.set_xticks([], minor=True)
    else:
        axes.set_xlim(low - 0.04 * (high - low), high + 0.04 * (high - low))
    axes.set_title(panel.label, fontsize=11)
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=_FAINT)
    axes.tick_params(length=3, labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)


def _accuracy_marks(low: float, high: float, gap: float) -> dict[float, str]:
    """Return heights in a range with their accuracies: the usual ones, or in a short range round ones."""
    marks = _where_there_is_room(_MARKS, low, high, gap)
    if len(marks) >= _ENOUGH_MARKS:
        return marks
    worst, best = max(1 - 10**-low, 0.0), 1 - 10**-high
    step = 10.0 ** math.floor(math.log10((best - worst) / 2))
    numbers = range(math.ceil(worst / step), math.floor(best / step) + 1)
    return _where_there_is_room([number * step for number in numbers], low, high, gap)


def _where_there_is_room(
    accuracies: Sequence[float], low: float, high: float, gap: float
) -> dict[float, str]:
    """Return the heights in a range of ascending accuracies, without those too close to a better one."""
    marks: dict[float, str] = {}
    for accuracy in reversed(accuracies):
        height = _height(accuracy)
        if low <= height <= high:
            marks[height] = f"{accuracy:.4g}"
            high = height - gap
    return marks


def _log_marks(low: float, high: float) -> list[float]:
    """Return round numbers within a range: powers of ten, or 1, 2, 5 and so on in a short one."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = (1, 2, 5) if high / low < 100 else (1,)
    marks = [step * 10.0**decade for decade in decades for step in steps]
    # Bounds that were written as logarithms come back with a rounding error.
    return [mark for mark in marks if low * 0.999 <= mark <= high * 1.001]


def _height(accuracy: float | None) -> float:
    """Return the height of an accuracy: the axis is logarithmic in the error."""
    return -math.log10(max(1 - (accuracy or 0.0), _LEAST_ERROR))


def _best(trials: Mapping[int, Point]) -> int | None:
    """Return the number of the best trial; of equal ones the earliest."""
    accuracies = {tid: point.accuracy for tid, point in trials.items() if point.accuracy is not None}
    return min(accuracies, key=lambda tid: (-accuracies[tid], tid), default=None)
