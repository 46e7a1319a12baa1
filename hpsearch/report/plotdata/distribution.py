"""The distribution of the losses of one or several searches, as shares of trials at or below each loss."""

from __future__ import annotations

import numpy as np

from hpsearch.report.plotdata.captions import nothing
from hpsearch.report.plotdata.figure import Axis, Figure, Line, Panel, Role, Table
from hpsearch.report.plotdata.loss_axis import LossAxis, loss_axis
from hpsearch.report.plotdata.parameter_axis import shortened
from hpsearch.report.plotdata.search import SearchArrays, SearchData
from hpsearch.report.text import count_text, number

#: Steps of a curve.
_MAX_STEPS = 500
#: Characters of a search's name in the legend.
_NAME = 28
_TITLE = "Distribution of the losses"
_QUANTILES = (0.0, 0.1, 0.5, 0.9)


def distribution(sources: tuple[SearchData, ...]) -> Figure:
    """Build a curve for each search.

    Parameters
    ----------
    sources : tuple of SearchData
        Searches whose losses can be compared.
    """
    with_losses = [source.arrays for source in sources if source.arrays.has_loss.any()]
    if not with_losses:
        return nothing("distribution", _TITLE, sources[0].arrays)
    goal = with_losses[0].goal
    axis = loss_axis(np.concatenate([arrays.losses[arrays.has_loss] for arrays in with_losses]), goal)
    panel = Panel(
        x=axis.axis,
        y=Axis(title="share of trials that reach it", low=0.0, high=1.03),
        marks=tuple(_curve(arrays, axis, i) for i, arrays in enumerate(with_losses)),
        note=axis.note,
    )
    return Figure(
        kind="distribution",
        title=_TITLE,
        caption=_caption(with_losses),
        panels=(panel,),
        table=Table(
            header=("search", "trials", *(_quantile_name(q) for q in _QUANTILES)),
            rows=tuple(_row(arrays) for arrays in with_losses),
        ),
    )


def _curve(arrays: SearchArrays, axis: LossAxis, series: int) -> Line:
    losses = np.sort(arrays.losses[arrays.has_loss])
    shares = np.arange(1, len(losses) + 1) / len(losses)
    chosen = np.unique(np.linspace(0, len(losses) - 1, min(len(losses), _MAX_STEPS)).astype(int))
    chosen = chosen[losses[chosen] <= axis.limit]
    x, y = losses[chosen], shares[chosen]
    # From 0 at the best loss; up to the end of the axis.
    x, y = np.concatenate([x[:1], x, [axis.limit]]), np.concatenate([[0.0], y, y[-1:]])
    return Line(
        name=shortened(arrays.exp_key, _NAME),
        role=Role.SERIES,
        x=axis.place(x),
        y=y,
        is_step=True,
        series=series,
    )


def _caption(found: list[SearchArrays]) -> str:
    goal = found[0].goal
    if len(found) == 1:
        losses = found[0].losses[found[0].has_loss]
        half = number(goal.value(float(np.median(losses))))
        return f"Half of {count_text(len(losses), 'trial')} have a {goal.name} of {half} or better."
    best = min(found, key=lambda arrays: float(np.nanmedian(arrays.losses)))
    side = "right" if goal.maximize else "left"
    return f"A curve farther {side} is better; the best median is that of {best.exp_key}."


def _quantile_name(q: float) -> str:
    return "best" if q == 0 else "median" if q == 0.5 else f"{q:.0%} reach"


def _row(arrays: SearchArrays) -> tuple[str, ...]:
    losses = arrays.losses[arrays.has_loss]
    shown = (number(arrays.goal.value(float(np.quantile(losses, q)))) for q in _QUANTILES)
    return arrays.exp_key, f"{len(losses):,}", *shown
