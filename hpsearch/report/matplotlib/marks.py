"""Marks in matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.report.matplotlib.axes import LANE
from hpsearch.report.matplotlib.text import plain
from hpsearch.report.palette import Palette
from hpsearch.report.plotdata.figure import Band, Bars, Density, Line, Mark, Note, Points, Role, Surface

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Shape of points by role, its size relative to others, and whether it is only an outline.
_SHAPES: Mapping[Role, tuple[str, float, bool]] = MappingProxyType(
    {
        Role.DONE: ("o", 1.0, False),
        Role.FAILED: ("x", 1.6, False),
        Role.RUNNING: ("o", 2.0, True),
        Role.PENDING: ("|", 2.0, False),
        Role.CANCELLED: ("s", 1.4, True),
        Role.PRUNED: ("v", 1.6, False),
        Role.INVALID: ("D", 1.2, True),
        Role.BEST: ("*", 6.0, False),
        Role.MEAN: ("o", 3.0, False),
        Role.OVERLAID: ("o", 1.2, False),
        Role.BEYOND: ("^", 1.6, True),
        Role.INFEASIBLE: ("x", 1.3, False),
    }
)
_LINES: Mapping[Role, str] = MappingProxyType(
    {Role.RUNNING: ":", Role.PRUNED: "--", Role.FAILED: ":", Role.LIMIT: "--"}
)
#: Bars beyond which edges would cover them.
_MAX_EDGED = 60
_SERIES_LINES = ("-", "--", ":", "-.")


def draw_mark(axes: Axes, mark: Mark, palette: Palette, size: float) -> None:
    """Draw one mark.

    Parameters
    ----------
    axes : Axes
        The axes.
    mark : Mark
        The mark.
    palette : Palette
        The colours.
    size : float
        Area of a point, in square points.
    """
    match mark:
        case Points():
            _draw_points(axes, mark, palette, size)
        case Line():
            _draw_line(axes, mark, palette)
        case Band():
            axes.fill_between(
                mark.x,
                mark.low,
                mark.high,
                color=palette.of(mark.role),
                alpha=0.35,
                lw=0,
                label=mark.name,
                zorder=1,
            )
        case Bars():
            _draw_bars(axes, mark, palette)
        case Density():
            _draw_density(axes, mark, palette)
        case Surface():
            _draw_surface(axes, mark, palette)
        case Note():
            color = palette.faint if mark.is_faint else palette.ink
            style: dict[str, Any] = {"fontsize": 8, "color": color, "zorder": 6}
            style["bbox"] = {"facecolor": palette.paper, "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
            axes.text(mark.x, mark.y, plain(mark.text), ha=mark.align, va="center", **style)


def draw_lane(axes: Axes, marks: Sequence[Points | Density], palette: Palette, size: float) -> None:
    """Draw the trials on the lane of those without a loss.

    Parameters
    ----------
    axes : Axes
        The axes.
    marks : sequence of Points or Density
        The trials.
    palette : Palette
        The colours.
    size : float
        Area of a point, in square points.
    """
    # The horizontal places are data, the vertical ones shares of the height.
    transform = axes.get_xaxis_transform()
    for mark in marks:
        if isinstance(mark, Points):
            lane = replace(mark, y=_lane_heights(mark.y))
            _draw_points(axes, lane, palette, size, transform=transform)
        else:
            cells = replace(mark, y_edges=_lane_heights(mark.y_edges))
            _draw_density(axes, cells, palette, transform=transform)


def _lane_heights(y: Floats) -> Floats:
    """Map heights from -1 to 1 to shares of the height of the axes."""
    return np.asarray((y + 1) / 2 * LANE)


def _draw_points(axes: Axes, mark: Points, palette: Palette, size: float, **style: Any) -> None:
    shape, scale, is_outline = _SHAPES.get(mark.role, ("o", 1.0, False))
    color = palette.of(mark.role)
    style |= {"marker": shape, "s": size * scale, "label": mark.name, "zorder": 3}
    if mark.shades is not None:
        axes.scatter(mark.x, mark.y, c=mark.shades, cmap=_scale(palette), vmin=0, vmax=1, **style)
    elif is_outline:
        axes.scatter(mark.x, mark.y, facecolors="none", edgecolors=color, linewidths=1.1, **style)
    elif mark.role in {Role.BEST, Role.OVERLAID}:
        style |= {"edgecolors": palette.paper, "linewidths": 0.6, "zorder": 5}
        axes.scatter(mark.x, mark.y, c=color, **style)
    else:
        is_crowd = mark.role in {Role.DONE, Role.DOMINATED}
        style |= {"linewidths": 0 if is_crowd else 1.1, "alpha": 0.6 if is_crowd else 1.0}
        axes.scatter(mark.x, mark.y, c=color, **style)


def _draw_line(axes: Axes, mark: Line, palette: Palette) -> None:
    style: dict[str, Any] = {"color": palette.of(mark.role), "linewidth": 0.9, "zorder": 2}
    if mark.role is Role.SERIES:
        style["color"] = palette.series[mark.series % len(palette.series)]
        style |= {"linewidth": 1.8, "linestyle": _SERIES_LINES[mark.series // 2 % len(_SERIES_LINES)]}
    elif mark.role in {Role.BEST, Role.MEAN}:
        style |= {"linewidth": 2.0, "zorder": 4}
    elif mark.shade is not None:
        style["color"] = palette.scale[round(mark.shade * (len(palette.scale) - 1))]
    elif mark.role is Role.PRIOR:
        style |= {"linewidth": 6, "alpha": 0.4, "solid_capstyle": "butt"}
    else:
        style["linestyle"] = _LINES.get(mark.role, "-")
    drawn = "steps-post" if mark.is_step else "default"
    axes.plot(mark.x, mark.y, drawstyle=drawn, label=mark.name or "_", **style)


def _draw_bars(axes: Axes, mark: Bars, palette: Palette) -> None:
    lengths = mark.ends - mark.starts
    style: dict[str, Any] = {
        "facecolor": palette.of(mark.role),
        "edgecolor": palette.paper,
        "linewidth": 0.4 if len(mark.places) <= _MAX_EDGED else 0,
        "alpha": _alpha(mark.role) if mark.is_vertical else 0.9,
        "label": mark.name,
        "zorder": 2,
    }
    if mark.is_vertical:
        axes.bar(mark.places, lengths, mark.width, bottom=mark.starts, **style)
    else:
        axes.barh(mark.places, lengths, mark.width, left=mark.starts, **style)
        if mark.errors is not None:
            axes.errorbar(
                mark.ends,
                mark.places,
                xerr=mark.errors,
                fmt="none",
                ecolor=palette.ink,
                elinewidth=1,
                capsize=2,
            )


def _draw_density(axes: Axes, mark: Density, palette: Palette, **style: Any) -> None:
    # The root keeps single trials visible beside cells with hundreds.
    cells = np.ma.masked_equal(np.sqrt(mark.counts), 0)
    style |= {"rasterized": True, "zorder": 0, "linewidth": 0}
    axes.pcolormesh(mark.x_edges, mark.y_edges, cells, cmap=_scale(palette), vmin=0, **style)


def _draw_surface(axes: Axes, mark: Surface, palette: Palette) -> None:
    colors = _scale(palette) if mark.is_reversed else _scale(palette).reversed()
    drawn: Any
    if mark.is_smooth:
        drawn = axes.contourf(mark.x, mark.y, mark.z, levels=14, cmap=colors, zorder=0.6)
        axes.contour(mark.x, mark.y, mark.z, levels=14, colors=palette.paper, linewidths=0.4, zorder=1)
    else:
        drawn = axes.pcolormesh(mark.x, mark.y, mark.z, cmap=colors, shading="nearest", zorder=0.6)
    bar = axes.figure.colorbar(drawn, ax=axes, pad=0.01, aspect=30)
    bar.set_label(plain(mark.title), fontsize=9, color=palette.ink)
    bar.ax.tick_params(labelsize=8, labelcolor=palette.ink, color=palette.grid)
    bar.outline.set_visible(False)


def _alpha(role: Role) -> float:
    """Return the opacity of an area, through which others must be seen."""
    return 0.35 if role is Role.PRIOR else 0.55


def _scale(palette: Palette) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("hpsearch", palette.scale)
