"""Sentences that several pictures share."""

from __future__ import annotations

from hpsearch.report.plotdata.figure import Figure
from hpsearch.report.plotdata.search import SearchArrays
from hpsearch.report.text import count_text


def nothing(kind: str, title: str, arrays: SearchArrays) -> Figure:
    """Return the figure of a search without a loss.

    Parameters
    ----------
    kind : str
        Kind of the figure.
    title : str
        Its title.
    arrays : SearchArrays
        The trials.
    """
    if not len(arrays):
        caption = f"{arrays.exp_key} has no trials yet."
    elif arrays.has_objectives.any():
        caption = f"{arrays.exp_key} has several objectives, and this picture shows one loss: see its front."
    elif arrays.is_infeasible.any():
        caption = f"No trial of {arrays.exp_key} keeps all limits yet ({count_text(len(arrays), 'trial')})."
    else:
        caption = f"No trial of {arrays.exp_key} has a loss yet ({count_text(len(arrays), 'trial')})."
    return Figure(kind=kind, title=title, caption=caption)


def one_objective(kind: str, title: str, arrays: SearchArrays) -> Figure:
    """Return the figure of a search that has no front, since it has one objective.

    Parameters
    ----------
    kind : str
        Kind of the figure.
    title : str
        Its title.
    arrays : SearchArrays
        The trials.
    """
    if not len(arrays):
        return nothing(kind, title, arrays)
    caption = f"{arrays.exp_key} has one objective, {arrays.goal.name}: there is no front."
    return Figure(kind=kind, title=title, caption=caption)


def left_out(n: int, arrays: SearchArrays) -> str:
    """Return the sentence about parameters that are not shown; empty if all are.

    Parameters
    ----------
    n : int
        Parameters that are shown.
    arrays : SearchArrays
        The trials.
    """
    total = len(arrays.space.parameters)
    return "" if n >= total else f" It shows {n} of {total} parameters."
