"""A figure as the JSON that plotly.js draws."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hpsearch.report.palette import LIGHT, Palette
from hpsearch.report.plotdata.figure import Figure, Note, Panel
from hpsearch.report.plotly.axes import axis_layout, axis_value, lane_layout
from hpsearch.report.plotly.text import html_text
from hpsearch.report.plotly.traces import traces

#: Pixels of an inch, of the legend with the margin above, of the margin below, and between panels.
_PIXELS, _TOP, _BOTTOM = 78, 44, 44
_GAP_ACROSS, _GAP_DOWN = 58, 62
#: Pixels of a lane.
_LANE = 22
#: Pixels of the width for which gaps are computed; narrower pages get narrower panels.
_WIDTH = 900
#: Buttons appear when the pointer is over the picture; a drag zooms, and a double click shows all again.
_CONFIG: Mapping[str, Any] = MappingProxyType(
    {
        "displaylogo": False,
        "responsive": True,
        "displayModeBar": "hover",
        "modeBarButtonsToRemove": ["zoomIn2d", "zoomOut2d", "autoScale2d"],
    }
)
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


def plotly_figure(figure: Figure, palette: Palette = LIGHT, *, with_title: bool = False) -> dict[str, Any]:
    """Return the arguments of ``Plotly.newPlot``: ``data``, ``layout`` and ``config``.

    Parameters
    ----------
    figure : Figure
        What to draw; without panels, its caption is drawn.
    palette : Palette
        The colours. With ``CSS_VARIABLES``, the page replaces each ``var(--plot-…)`` by its value.
    with_title : bool
        Write the title above; a page has a heading instead.
    """
    n_rows = -(-len(figure.panels) // figure.n_columns)
    data: list[dict[str, Any]] = []
    layout = _layout(figure, palette, with_title=with_title)
    named: set[str] = set()
    for i, panel in enumerate(figure.panels):
        suffix = "" if i == 0 else str(i + 1)
        lane = _lane_suffix(i) if panel.lane else ""
        for mark, axis in (*((mark, suffix) for mark in panel.marks), *((mark, lane) for mark in panel.lane)):
            for trace in traces(mark, panel, palette):
                trace |= {"xaxis": f"x{suffix}", "yaxis": f"y{axis}"}
                name = trace.get("name", "")
                trace["showlegend"] = bool(name) and name not in named
                named.add(name)
                data.append(trace)
        is_first = i % figure.n_columns == 0
        shares_y = i > 0 and panel.y == figure.panels[0].y
        low, high = _domain(n_rows - 1 - i // figure.n_columns, n_rows, _gap_down(figure))
        lane_height = _LANE / (figure.height * _PIXELS) if panel.lane else 0.0
        layout[f"xaxis{suffix}"] = {
            **axis_layout(panel.x, palette, is_small=figure.n_columns > 1),
            "domain": _domain(i % figure.n_columns, figure.n_columns, _GAP_ACROSS / _WIDTH),
            "anchor": f"y{lane}" if panel.lane else f"y{suffix}",
        }
        if panel.lane:
            layout[f"yaxis{lane}"] = {
                **lane_layout(palette, is_labelled=is_first),
                "domain": [low, round(low + lane_height, 4)],
                "anchor": f"x{suffix}",
            }
        layout[f"yaxis{suffix}"] = {
            **axis_layout(panel.y, palette, has_title=is_first),
            "domain": [round(low + lane_height, 4), high],
            "anchor": f"x{suffix}",
            **({"matches": "y"} if shares_y else {}),
            **({"showticklabels": False} if shares_y and not is_first else {}),
        }
        layout["annotations"] += _annotations(panel, suffix, palette)
    layout["showlegend"] = len(named - {""}) > 1
    if not figure.panels:
        layout["annotations"] = [_empty(figure.caption, palette)]
        layout |= {"xaxis": {"visible": False}, "yaxis": {"visible": False}, "height": 120}
    return {"data": data, "layout": layout, "config": dict(_CONFIG)}


def _layout(figure: Figure, palette: Palette, *, with_title: bool) -> dict[str, Any]:
    title = {
        "text": html_text(figure.title),
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "font": {"size": 15},
    }
    return {
        **({"title": title} if with_title else {}),
        "height": round(figure.height * _PIXELS) + _TOP + _BOTTOM + (30 if with_title else 0),
        "margin": {"l": 60, "r": 16, "t": _TOP + (30 if with_title else 0), "b": _BOTTOM},
        "paper_bgcolor": palette.paper,
        "plot_bgcolor": palette.paper,
        "font": {"family": _FONT, "size": 12, "color": palette.ink},
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": palette.paper, "font": {"color": palette.ink}},
        "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "itemsizing": "constant"},
        "barmode": "overlay",
        "dragmode": "zoom",
        "uirevision": figure.kind,  # an update keeps the zoom
        "annotations": [],
    }


def _domain(place: int, n: int, gap: float) -> list[float]:
    """Return the share of the picture that one of ``n`` panels in a row takes."""
    width = (1 - gap * (n - 1)) / n
    start = place * (width + gap)
    return [round(start, 4), round(min(start + width, 1.0), 4)]


def _lane_suffix(i: int) -> str:
    """Return the number of the axis of a panel's lane, which no panel has."""
    return str(1000 + i)


def _gap_down(figure: Figure) -> float:
    return min(_GAP_DOWN / (figure.height * _PIXELS), 0.5)


def _annotations(panel: Panel, suffix: str, palette: Palette) -> list[dict[str, Any]]:
    shared = {"showarrow": False, "xref": f"x{suffix}", "yref": f"y{suffix}"}
    notes = [
        {
            **shared,
            "x": axis_value(panel.x, mark.x),
            "y": axis_value(panel.y, mark.y),
            "text": html_text(mark.text),
            "xanchor": mark.align,
            "bgcolor": palette.paper,
            "borderpad": 0,
            "opacity": 0.85,
            "font": {"size": 11, "color": palette.faint if mark.is_faint else palette.ink},
        }
        for mark in panel.marks
        if isinstance(mark, Note)
    ]
    beside = {
        "showarrow": False,
        "xref": f"x{suffix} domain",
        "yref": f"y{suffix} domain",
        "y": 1,
        "yanchor": "bottom",
        "font": {"size": 11, "color": palette.faint},
    }
    if panel.note:
        notes.append({**beside, "x": 1, "xanchor": "right", "text": html_text(panel.note)})
    if panel.title:
        notes.append({**beside, "x": 0, "xanchor": "left", "text": html_text(panel.title)})
    return notes


def _empty(caption: str, palette: Palette) -> dict[str, Any]:
    return {
        "text": html_text(caption),
        "showarrow": False,
        "xref": "paper",
        "yref": "paper",
        "x": 0,
        "y": 0.5,
        "xanchor": "left",
        "font": {"color": palette.faint, "size": 13},
    }
