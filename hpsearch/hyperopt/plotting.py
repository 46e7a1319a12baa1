"""Hyperopt's ``plotting``: plots of the trials with matplotlib (extra ``plot``).

Each function draws into the current figure, shows it if ``do_show`` is true, and returns it. Trials
without a finite loss are not drawn. A few huge losses do not ruin the axis of a plot: they are at its edge,
with a note how many there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from hpsearch.core.goal import LOSS
from hpsearch.core.history import Floats
from hpsearch.errors import LoadError, MissingExtraError
from hpsearch.hyperopt.engine.curves import curve_of
from hpsearch.hyperopt.engine.documents import Doc, is_ok, miscs_to_idxs_vals
from hpsearch.objective.evaluation import STATUS_OK
from hpsearch.report.matplotlib.axes import set_axis
from hpsearch.report.palette import LIGHT
from hpsearch.report.plotdata.loss_axis import LossAxis, loss_axis
from hpsearch.report.plotdata.parameter_axis import parameter_axis
from hpsearch.runtime.escaping import named
from hpsearch.runtime.numerics import isolated_numerics

__all__ = [
    "default_status_colors",
    "main_plot_1D_attachment",
    "main_plot_histogram",
    "main_plot_history",
    "main_plot_vars",
    "miscs_to_idxs_vals",
]

#: Bars of ``main_plot_histogram``.
_N_BINS = 20

#: Colour by status of the points in ``main_plot_history``.
default_status_colors = {"new": "k", "running": "g", "ok": "b", "fail": "r"}


@isolated_numerics()
def main_plot_history(
    trials: Any,
    do_show: bool = True,
    status_colors: Mapping[str, Any] | None = None,
    title: str = "Loss History",
) -> Any:
    """Plot the loss of each trial over its position, and the best loss so far.

    Parameters
    ----------
    trials : Trials
        The trials.
    do_show : bool
        Whether to show the figure.
    status_colors : mapping, optional
        Colour by status, in place of ``default_status_colors``.
    title : str
        Title of the plot.
    """
    plt = _pyplot()
    colors = {**default_status_colors, **(status_colors or {})}
    drawn = [(number, doc) for number, doc in enumerate(trials.trials) if _is_drawn(doc)]
    axes = plt.gca()
    if drawn:
        losses = np.array([float(doc["result"]["loss"]) for _, doc in drawn])
        scale = _set_losses(axes, losses, "y")
        shades = [colors.get(doc["result"].get("status"), "k") for _, doc in drawn]
        axes.scatter([number for number, _ in drawn], scale.place(losses), c=shades, s=16)
        is_good = np.array([is_ok(doc) for _, doc in drawn])
        numbers = np.array([number for number, _ in drawn])[is_good]
        best = np.minimum.accumulate(losses[is_good])
        axes.step(numbers, scale.place(best), color=LIGHT.best, where="post")
    axes.set_title(title)
    axes.set_xlabel("trial")
    axes.set_ylabel("loss")
    return _figure(plt, do_show)


@isolated_numerics()
def main_plot_histogram(trials: Any, do_show: bool = True, title: str = "Loss Histogram") -> Any:
    """Plot a histogram of the losses of trials with status "ok".

    Parameters
    ----------
    trials : Trials
        The trials.
    do_show : bool
        Whether to show the figure.
    title : str
        Title of the plot.
    """
    plt = _pyplot()
    axes = plt.gca()
    losses = np.array([float(doc["result"]["loss"]) for doc in trials.trials if is_ok(doc)])
    losses = losses[np.isfinite(losses)]
    if len(losses):
        scale = _set_losses(axes, losses, "x")
        low, high = scale.axis.low, scale.axis.high
        bins = (
            np.geomspace(low, high, _N_BINS + 1) if scale.axis.is_log else np.linspace(low, high, _N_BINS + 1)
        )
        axes.hist(scale.place(losses), bins=bins.tolist(), color=LIGHT.done)
    axes.set_title(title)
    axes.set_xlabel("loss")
    axes.set_ylabel("trials")
    return _figure(plt, do_show)


@isolated_numerics()
def main_plot_vars(
    trials: Any,
    do_show: bool = True,
    fontsize: int = 10,
    colorize_best: int | None = None,
    columns: int = 5,
    arrange_by_loss: bool = False,
) -> Any:
    """Plot the values of each parameter, coloured by the loss.

    The axes follow the space, if a search in this process has set it: logarithmic where the distribution is,
    with the names of options. Else a label that contains "log" gets a logarithmic axis.

    Parameters
    ----------
    trials : Trials
        The trials.
    do_show : bool
        Whether to show the figure.
    fontsize : int
        Font size of the titles, in points.
    colorize_best : int, optional
        Number of best trials to mark in red.
    columns : int
        Number of columns of the grid.
    arrange_by_loss : bool
        Whether the horizontal axis is the loss instead of the trial number.
    """
    plt = _pyplot()
    docs = [doc for doc in trials.trials if is_ok(doc) and math.isfinite(float(doc["result"]["loss"]))]
    losses = {doc["tid"]: float(doc["result"]["loss"]) for doc in docs}
    best = set(sorted(losses, key=losses.__getitem__)[: colorize_best or 0])
    labels = sorted({label for doc in docs for label in doc["misc"]["vals"]})
    space = getattr(trials, "search_space", None)
    rows = max(math.ceil(len(labels) / columns), 1)
    for place, label in enumerate(labels, 1):
        shown = [doc for doc in docs if len(doc["misc"]["vals"].get(label, ()))]
        tids = [doc["tid"] for doc in shown]
        values = [float(doc["misc"]["vals"][label][0]) for doc in shown]
        heights = [losses[tid] for tid in tids]
        axes = plt.subplot(rows, columns, place)
        axes.set_title(label, fontsize=fontsize)
        edges = ["r" if tid in best else "none" for tid in tids]
        if space is not None and label in space.nodes:
            scale = parameter_axis(space, label, np.array(values))
            set_axis(axes, scale.axis, "y", LIGHT, is_small=True)
            axes.set_ylabel("")
            values = scale.place(np.array(values)).tolist()
        elif "log" in label and values and min(values) > 0:
            axes.set_yscale("log")
        axes.scatter(heights if arrange_by_loss else tids, values, c=heights, edgecolors=edges, s=20)
        axes.set_xlabel("loss" if arrange_by_loss else "trial", fontsize=fontsize)
    plt.tight_layout()
    return _figure(plt, do_show)


@isolated_numerics()
def main_plot_1D_attachment(  # noqa: N802 - Hyperopt's name
    trials: Any,
    attachment_name: str,
    do_show: bool = True,
    colorize_by_loss: bool = True,
    max_darkness: float = 0.5,
    num_trails: int | None = None,
    preprocessing_fn: Callable[[Any], Any] = lambda x: x,
    line_width: float = 0.1,
) -> Any:
    """Plot an attachment of each trial, a sequence of numbers, as a line.

    Parameters
    ----------
    trials : Trials
        The trials; those without a one-dimensional attachment of that name are skipped.
    attachment_name : str
        Name of the attachment: numbers as a sequence, text, JSON, or from ``numpy.save``.
    do_show : bool
        Whether to show the figure.
    colorize_by_loss : bool
        Whether to draw trials with a lower loss darker.
    max_darkness : float
        Darkness of the darkest line, from 0 (white) to 1 (black).
    num_trails : int, optional
        Maximum number of lines, evenly spaced from the best trial to the worst.
    preprocessing_fn : callable
        Applied to the array of each attachment.
    line_width : float
        Width of the lines, in points.

    Raises
    ------
    LoadError
        If an attachment has another format; pickles are never read.
    """
    plt = _pyplot()
    docs = [doc for doc in trials.trials if attachment_name in trials.trial_attachments(doc)]
    losses = [float(doc["result"]["loss"]) if is_ok(doc) else math.inf for doc in docs]
    order = np.argsort(losses, kind="stable")  # the best first
    n_lines = len(docs) if num_trails is None else min(num_trails, len(docs))
    ranks = {order[rank]: rank for rank in np.linspace(0, len(docs), n_lines, endpoint=False, dtype=int)}
    for i in sorted(ranks):
        share = 1 - ranks[i] / max(len(docs) - 1, 1) if colorize_by_loss else 1.0
        curve = _curve(trials, docs[i], attachment_name)
        if curve is not None:
            grey = 1 - max_darkness * (0.2 + 0.8 * share)
            plt.plot(preprocessing_fn(curve), color=(grey, grey, grey), linewidth=line_width)
    plt.title(attachment_name)
    return _figure(plt, do_show)


def _curve(trials: Any, doc: Doc, name: str) -> Any:
    """Return an attachment of a trial as a sequence of numbers, or None if it is not one-dimensional."""
    try:
        return curve_of(trials.trial_attachments(doc)[name])
    except LoadError as error:
        raise LoadError(
            f"The attachment {named(name)} of trial {doc['tid']} cannot be drawn: {error}"
        ) from error


def _pyplot() -> Any:
    """Return ``matplotlib.pyplot``."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingExtraError("hyperopt.plotting", "plot") from error
    return plt


def _is_drawn(doc: Doc) -> bool:
    """Whether a trial has a loss to draw, whatever its status."""
    loss = doc["result"].get("loss")
    has_loss = is_ok(doc) if doc["result"].get("status") == STATUS_OK else isinstance(loss, int | float)
    return has_loss and math.isfinite(loss)


def _set_losses(axes: Any, losses: Floats, which: Literal["x", "y"]) -> LossAxis:
    """Set the axis of losses, which a few huge ones do not ruin; they are drawn at its edge."""
    scale = loss_axis(losses, LOSS)
    axes.set_axisbelow(True)
    set_axis(axes, scale.axis, which, LIGHT, is_small=False)
    if scale.note:
        axes.set_title(scale.note, loc="right", fontsize=8, color=LIGHT.faint)
    return scale


def _figure(plt: Any, do_show: bool) -> Any:
    """Return the current figure, and show it if ``do_show`` is true."""
    figure = plt.gcf()
    if do_show:
        plt.show()
    return figure
