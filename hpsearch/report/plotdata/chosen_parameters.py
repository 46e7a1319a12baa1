"""Which parameters a picture shows, when there is not room for all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Floats
from hpsearch.report.plotdata.search import SearchData
from hpsearch.space.distribution import Categorical


def chosen_labels(source: SearchData, n: int) -> tuple[str, ...]:
    """Return the labels to show: those that the reader chose, else the most telling ones in reading order.

    By importance where it is known. Else by how much the medians of the ranks of the losses differ between
    parts of a parameter's values, weighted by how many trials have the parameter.

    Parameters
    ----------
    source : SearchData
        A search with losses.
    n : int
        Most labels, if the reader chose none.
    """
    if source.labels:
        return source.labels
    labels = source.arrays.space.labels
    if len(labels) <= n:
        return labels
    ranked = ranked_labels(source)[:n]
    return tuple(label for label in labels if label in ranked)


def ranked_labels(source: SearchData) -> tuple[str, ...]:
    """Return all labels, the most telling first."""
    if source.importance is not None and source.importance.parameters:
        ranked = [parameter.label for parameter in source.importance.parameters]
        return tuple(dict.fromkeys([*ranked, *source.arrays.space.labels]))
    scores = _scores(source)
    return tuple(sorted(source.arrays.space.labels, key=lambda label: -scores[label]))


def quarters(values: Floats) -> NDArray[np.intp]:
    """Return the quarter of each value, (n,): 0 for the lowest ones to 3; equal values share one.

    Parameters
    ----------
    values : (n,) array
        At least one value.
    """
    return np.searchsorted(np.quantile(values, (0.25, 0.5, 0.75)), values)


def _scores(source: SearchData) -> dict[str, float]:
    arrays = source.arrays
    rows = np.flatnonzero(arrays.has_loss)
    ranks = np.argsort(np.argsort(arrays.losses[rows], kind="stable"), kind="stable") / max(len(rows), 1)
    scores = {}
    for j, parameter in enumerate(arrays.space.parameters):
        is_active = arrays.active[rows, j]
        values = arrays.values[rows[is_active], j]
        is_choice = isinstance(parameter.distribution, Categorical)
        spread = _spread(values, ranks[is_active], is_choice=is_choice)
        scores[parameter.label] = spread * float(is_active.mean()) if len(rows) else 0.0
    return scores


def _spread(values: Floats, ranks: Floats, *, is_choice: bool) -> float:
    """Return the difference between the best and the worst part of the values by their median ranks."""
    if not len(values):
        return 0.0
    parts = values.astype(np.intp) if is_choice else quarters(values)
    medians = [float(np.median(ranks[parts == part])) for part in np.unique(parts)]
    return max(medians) - min(medians)
