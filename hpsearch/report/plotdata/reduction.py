"""An honest reduction of many trials: points if they fit, else a density of all with the best as points.

A picture of 100,000 points is a solid block, and costs a browser minutes. A density shows where the trials
are; the best ones, which readers look for, stay points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Floats
from hpsearch.report.plotdata.figure import Density
from hpsearch.report.plotdata.loss_axis import LossAxis

#: Points of one picture, beyond which most become a density.
MAX_POINTS = 5000
#: The best trials of a picture that stay points.
N_BEST = 500
#: Rows of a density.
_N_ROWS = 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduced:
    """Trials of a panel: rows to draw as points, and the density of all."""

    rows: NDArray[np.intp]  #: (m,) places in the arrays that were reduced
    density: Density | None  #: None if all are points


def reduced(
    x: Floats, losses: Floats, x_edges: Floats, axis: LossAxis, *, max_points: int = MAX_POINTS
) -> Reduced:
    """Reduce trials with losses to a bounded number of points.

    Parameters
    ----------
    x : (n,) array
        Where they lie on the horizontal axis.
    losses : (n,) array
        Minimised losses, finite.
    x_edges : (k + 1,) array
        Edges of the cells of a density.
    axis : LossAxis
        The vertical axis.
    max_points : int
        Most points of the panel.
    """
    if len(x) <= max_points:
        return Reduced(rows=np.arange(len(x)), density=None)
    n_best = max(max_points * N_BEST // MAX_POINTS, 1)
    best = np.argpartition(losses, n_best)[:n_best]
    y_edges = _loss_edges(axis)
    counts = np.histogram2d(axis.place(losses), x, bins=(y_edges, x_edges))[0]
    density = Density(x_edges=x_edges, y_edges=y_edges, counts=counts.astype(np.int64))
    return Reduced(rows=np.sort(best), density=density)


def thinned(rows: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Return at most some of the rows, evenly spaced.

    Parameters
    ----------
    rows : (m,) array
        Rows in order.
    n : int
        Most rows; at least one.
    """
    return rows if len(rows) <= n else rows[np.linspace(0, len(rows) - 1, n).astype(np.intp)]


def _loss_edges(axis: LossAxis) -> Floats:
    low, high = sorted((axis.axis.low, axis.axis.high))
    spread = np.geomspace if axis.axis.is_log else np.linspace
    return np.asarray(spread(low, high, _N_ROWS + 1), dtype=np.float64)
