"""Hyperopt's ``plotting``: pictures of the trials, with matplotlib (extra ``plot``).

Each function draws into the current figure, shows it unless ``do_show`` is false, and
returns the figure. Trials without a loss, or with a NaN, are not drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hpsearch.errors import LoadError, MissingExtraError
from hpsearch.hyperopt.engine.curves import curve_of
from hpsearch.hyperopt.engine.documents import Doc, is_ok, miscs_to_idxs_vals
from hpsearch.objective.evaluation import STATUS_OK
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

#: Colours of the points of ``main_plot_history`` by status.
default_status_colors = {"new": "k", "running": "g", "ok": "b", "fail": "r"}


@isolated_numerics()
def main_plot_history(
    trials: Any,
    do_show: bool = True,
    status_colors: Mapping[str, Any] | None = None,
    title: str = "Loss History",
) -> Any:
    """Draw the loss of each trial over its number, and the best loss so far."""
    plt = _pyplot()
    colors = {**default_status_colors, **(status_colors or {})}
    points = [
        (number, float(doc["result"]["loss"]), colors.get(doc["result"].get("status"), "k"))
        for number, doc in enumerate(trials.trials)
        if _has_number(doc)
    ]
    good = [(number, float(doc["result"]["loss"])) for number, doc in enumerate(trials.trials) if is_ok(doc)]
    if points:
        numbers, losses, shades = zip(*points, strict=True)
        plt.scatter(numbers, losses, c=shades, s=16)
    if good:
        plt.step([n for n, _ in good], np.minimum.accumulate([loss for _, loss in good]), "g", where="post")
    plt.title(title)
    plt.xlabel("trial")
    plt.ylabel("loss")
    return _finished(plt, do_show)


@isolated_numerics()
def main_plot_histogram(trials: Any, do_show: bool = True, title: str = "Loss Histogram") -> Any:
    """Draw how often losses of each size came up among the trials with the status "ok"."""
    plt = _pyplot()
    losses = [float(doc["result"]["loss"]) for doc in trials.trials if is_ok(doc)]
    plt.hist([loss for loss in losses if math.isfinite(loss)])
    plt.title(title)
    plt.xlabel("loss")
    plt.ylabel("trials")
    return _finished(plt, do_show)


@isolated_numerics()
def main_plot_vars(
    trials: Any,
    do_show: bool = True,
    fontsize: int = 10,
    colorize_best: int | None = None,
    columns: int = 5,
    arrange_by_loss: bool = False,
) -> Any:
    """Draw each parameter against the loss.

    Parameters
    ----------
    trials : Trials
        At least one with a loss.
    do_show : bool
        Whether to show the figure.
    fontsize : int
        Of the titles, in points.
    colorize_best : int, optional
        How many of the best trials stand out.
    columns : int
        Of the grid.
    arrange_by_loss : bool
        Whether values lie on the vertical axis over the loss, instead of over the number of
        the trial with the loss as colour. A label with "log" in it gets a logarithmic axis.
    """
    plt = _pyplot()
    docs = [doc for doc in trials.trials if is_ok(doc) and math.isfinite(float(doc["result"]["loss"]))]
    losses = {doc["tid"]: float(doc["result"]["loss"]) for doc in docs}
    best = set(sorted(losses, key=losses.__getitem__)[: colorize_best or 0])
    labels = sorted({label for doc in docs for label in doc["misc"]["vals"]})
    rows = max(math.ceil(len(labels) / columns), 1)
    for place, label in enumerate(labels, 1):
        shown = [doc for doc in docs if len(doc["misc"]["vals"].get(label, ()))]
        tids = [doc["tid"] for doc in shown]
        values = [float(doc["misc"]["vals"][label][0]) for doc in shown]
        heights = [losses[tid] for tid in tids]
        axes = plt.subplot(rows, columns, place)
        axes.set_title(label, fontsize=fontsize)
        edges = ["r" if tid in best else "none" for tid in tids]
        axes.scatter(heights if arrange_by_loss else tids, values, c=heights, edgecolors=edges, s=20)
        if "log" in label and values and min(values) > 0:
            axes.set_yscale("log")
        axes.set_xlabel("loss" if arrange_by_loss else "trial", fontsize=fontsize)
    plt.tight_layout()
    return _finished(plt, do_show)


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
    """Draw an attachment of each trial, a sequence of numbers, as a line.

    Parameters
    ----------
    trials : Trials
        Those without the attachment, or with one of another shape, are left out.
    attachment_name : str
        Its name; numbers as a sequence, as text, as JSON, or as ``numpy.save`` writes them.
    do_show, line_width
        Whether to show the figure, and the width of lines in points.
    colorize_by_loss : bool
        Whether lines of lower losses are darker.
    max_darkness : float
        How dark the darkest line may be, from 0 (white) to 1 (black).
    num_trails : int, optional
        How many lines to draw at most, in regular steps from the best to the worst.
    preprocessing_fn : callable
        Takes the numbers of an attachment as an array; by default they are drawn as they are.

    Raises
    ------
    LoadError
        If an attachment is something else; says of which trial, and what it is. Pickles are never read.
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
    return _finished(plt, do_show)


def _curve(trials: Any, doc: Doc, name: str) -> Any:
    """Return an attachment of a trial as a sequence of numbers, None if it has another shape."""
    try:
        return curve_of(trials.trial_attachments(doc)[name])
    except LoadError as error:
        raise LoadError(
            f"The attachment {named(name)} of trial {doc['tid']} is not drawn: {error}"
        ) from error


def _pyplot() -> Any:
    """Return matplotlib's drawing functions."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise MissingExtraError("hyperopt.plotting", "plot") from error
    return plt


def _has_number(doc: Doc) -> bool:
    """Whether a trial reported a loss that can be drawn, whatever its status."""
    loss = doc["result"].get("loss")
    return is_ok(doc) if doc["result"].get("status") == STATUS_OK else isinstance(loss, int | float)


def _finished(plt: Any, do_show: bool) -> Any:
    """Return the figure, after showing it if that is wanted."""
    figure = plt.gcf()
    if do_show:
        plt.show()
    return figure
