"""Figures as one matplotlib figure: one below the other, each with its title, legend and caption."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hpsearch.errors import MissingExtraError
from hpsearch.report.matplotlib.axes import add_lane, set_axis
from hpsearch.report.matplotlib.marks import draw_lane, draw_mark
from hpsearch.report.matplotlib.text import plain
from hpsearch.report.palette import LIGHT, Palette
from hpsearch.report.plotdata.figure import Figure, Panel
from hpsearch.runtime.numerics import isolated_numerics

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawn
    from matplotlib.figure import SubFigure

_WIDTH = 9.0
#: Inches of a title with a legend, and of a line of a caption; characters of such a line.
_HEAD, _LINE, _CAPTION = 0.55, 0.16, 135
#: Panels from which points and texts are small.
_SMALL = 3
#: Names of a legend in a row.
_LEGEND_COLUMNS = 7


@isolated_numerics()
def draw_figures(figures: Sequence[Figure], palette: Palette = LIGHT) -> Drawn:
    """Return a matplotlib figure.

    Parameters
    ----------
    figures : sequence of Figure
        At least one; one without panels shows its caption.
    palette : Palette
        The colours.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure as Drawn
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise MissingExtraError("A picture", "plot") from error
    captions = [textwrap.wrap(figure.caption, _CAPTION) for figure in figures]
    heights = [
        (figure.height if figure.panels else 0.3) + _HEAD + _LINE * len(caption)
        for figure, caption in zip(figures, captions, strict=True)
    ]
    layout = ConstrainedLayoutEngine(w_pad=0.07, h_pad=0.06)
    drawn = Drawn(figsize=(_WIDTH, sum(heights)), layout=layout, facecolor=palette.paper)
    parts = drawn.subfigures(len(figures), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, figure, caption in zip(parts, figures, captions, strict=True):
        part.set_facecolor(palette.paper)
        title = {"fontsize": 12, "fontweight": "bold", "color": palette.ink}
        part.suptitle(plain(figure.title), x=0.01, ha="left", **title)
        part.supxlabel(plain("\n".join(caption)), x=0.01, ha="left", fontsize=8, color=palette.faint)
        _draw_panels(part, figure, palette)
    return drawn


def _draw_panels(part: SubFigure, figure: Figure, palette: Palette) -> None:
    n_rows = -(-len(figure.panels) // figure.n_columns)
    is_small = len(figure.panels) >= _SMALL
    handles: dict[str, Any] = {}
    first: Axes | None = None
    for i, panel in enumerate(figure.panels):
        shares_y = first is not None and panel.y == figure.panels[0].y
        axes = part.add_subplot(n_rows, figure.n_columns, i + 1, sharey=first if shares_y else None)
        first = first or axes
        _draw_panel(axes, panel, palette, is_small=is_small)
        has_labels = not shares_y or i % figure.n_columns == 0
        axes.tick_params(axis="y", labelleft=has_labels)
        if i % figure.n_columns:
            axes.set_ylabel("")
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    if len(handles) > 1:
        part.legend(
            handles.values(),
            [plain(name) for name in handles],
            loc="outside upper right",
            ncols=_LEGEND_COLUMNS,
            fontsize=8,
            frameon=False,
            labelcolor=palette.ink,
            handletextpad=0.4,
            columnspacing=1.2,
        )


def _draw_panel(axes: Axes, panel: Panel, palette: Palette, *, is_small: bool) -> None:
    axes.set_facecolor(palette.paper)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(palette.grid)
    axes.set_axisbelow(True)
    size = 9.0 if is_small else 18.0
    for mark in panel.marks:
        draw_mark(axes, mark, palette, size)
    set_axis(axes, panel.x, "x", palette, is_small=is_small)
    set_axis(axes, panel.y, "y", palette, is_small=is_small)
    if panel.lane:
        add_lane(axes, panel.y, palette)
        draw_lane(axes, panel.lane, palette, size)
    style: dict[str, Any] = {"fontsize": 8, "color": palette.faint}
    if panel.note:
        axes.set_title(plain(panel.note), loc="right", **style)
    if panel.title:
        axes.set_title(plain(panel.title), loc="left", **style)
