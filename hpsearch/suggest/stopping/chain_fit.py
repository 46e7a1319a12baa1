"""The chain of regressions from rung to rung, learned from the trials of a search.

Whether a trial went on was decided on values that the model sees, so stopped trials bias no stage: each stage
learns from all trials that reached its end. The prior says that a value stays as it is (b = 0, 1, 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats
from hpsearch.core.stopping.chain import HIGHEST, LOWEST, Moments, Scale, Stage, next_moments
from hpsearch.suggest.stopping.direction import Direction
from hpsearch.suggest.stopping.rung_table import Rungs, RungTable

#: Prior of the coefficients: means, and their precision in units of 1 / sigma^2.
_MEAN, _PRECISION = np.array([0.0, 1.0, 0.0]), 4.0
#: Prior of sigma^2: inverse gamma with this shape, around the square of this standard deviation.
_SHAPE, _SIGMA = 1.5, 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """Predicted scaled losses of ``m`` trials of a table, those that can be predicted."""

    rows: NDArray[np.intp]  #: (m,) their rows
    last: NDArray[np.intp]  #: (m,) number of the last rung that each reached
    means: Floats  #: (m,)
    variances: Floats  #: (m,) squared scales


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The fitted model."""

    first_rung: int  #: number of the rung from which the first stage starts
    end: float  #: last step of a full trial
    scale: Scale  #: scale of reported values
    loss_scale: Scale  #: scale of losses; the same if losses are reported
    stages: tuple[Stage, ...]  #: one from each rung, the last to the loss

    def predict(self, table: RungTable, is_wanted: Bools) -> Predictions:
        """Predict final losses.

        Parameters
        ----------
        table : RungTable
            What ``n`` trials reported.
        is_wanted : (n,) array of bool
            The trials to predict, except those without a rung, and those that diverged.
        """
        wanted = np.flatnonzero(is_wanted)
        rungs = table.rungs_below(self.end).starting_at(self.first_rung).of(wanted)
        values = np.where(np.isinf(rungs.values), np.nan, _scaled(rungs.values, self.scale))
        last = rungs.last
        # In the order in which the trials enter the chain, those that have entered are the first ones.
        order = np.argsort(last, kind="stable")[np.count_nonzero(last < 0) :]
        entry = last[order]
        u, before = values[order, entry], values[order, np.maximum(entry - 1, 0)]
        has_before = (entry > 0) & ~np.isnan(before)
        moments = Moments(u.copy(), np.where(has_before, u - before, 0.0), *np.zeros((3, len(u))))
        for column, stage in enumerate(self.stages):
            n = int(np.searchsorted(entry, column, side="right"))
            entered = next_moments(stage, Moments(*(part[:n] for part in moments)))
            for part, new in zip(moments, entered, strict=True):
                part[:n] = new
        found = np.flatnonzero(~np.isnan(moments.value))
        found = found[np.argsort(order[found])]
        return Predictions(
            rows=wanted[order[found]],
            last=entry[found] + self.first_rung,
            means=np.clip(moments.value[found], LOWEST - 2, HIGHEST + 1),
            variances=moments.variance[found],
        )

    def to_document(self) -> dict[str, Any]:
        """Return what a worker needs as plain values."""
        return {
            "first_rung": self.first_rung,
            "scale": self.scale.to_document(),
            "stages": [stage.to_document() for stage in self.stages],
        }


def fit_chain(table: RungTable, end: float, direction: Direction) -> Chain | None:
    """Fit the model to all trials.

    Parameters
    ----------
    table : RungTable
        What they reported.
    end : float
        Last step of a full trial.
    direction : Direction
        What the reported values are.

    Returns
    -------
    Chain or None
        None if no trial has reached a rung.
    """
    rungs = table.rungs_below(end)
    n_columns = rungs.values.shape[1]
    if not n_columns:
        return None
    last, losses = rungs.last, table.losses
    latest = np.where(last >= 0, rungs.values[np.arange(len(last)), last], np.nan)
    if direction.is_loss:
        scale = loss_scale = _scale(np.where(np.isnan(losses), latest, losses), 1.0)
    else:
        scale, loss_scale = _scale(latest, direction.sign), _scale(losses, 1.0)
    final = _scaled(losses, loss_scale)
    values = (
        _filled(_scaled(rungs.values, scale), rungs, final)
        if direction.is_loss
        else _scaled(rungs.values, scale)
    )
    steps = np.column_stack([values, final])  # (n, K + 1)
    is_usable = np.column_stack([~np.isinf(rungs.values), np.isfinite(losses)])
    steps = np.where(is_usable, steps, np.nan)
    return Chain(
        first_rung=rungs.first,
        end=end,
        scale=scale,
        loss_scale=loss_scale,
        stages=tuple(_fit_stage(steps, k) for k in range(n_columns)),
    )


def _scale(values: Floats, sign: float) -> Scale:
    """Return the scale that resolves the better half of some values."""
    y = sign * values[np.isfinite(values)]
    if not len(y):
        return Scale(0.0, 1.0, sign)
    low, quarter, middle = np.quantile(y, [0.0, 0.25, 0.5])
    width = max((middle - low) / 2, 1e-9 * max(1.0, abs(middle)), 1e-12)
    return Scale(float(quarter), float(width), sign)


def _scaled(values: Floats, scale: Scale) -> Floats:
    """Return an array of values on a scale; NaN stays NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        u = np.arcsinh((scale.sign * values - scale.center) / scale.width)
    return np.asarray(np.clip(np.where(np.isinf(values), HIGHEST, u), LOWEST, HIGHEST))


def _filled(values: Floats, rungs: Rungs, final: Floats) -> Floats:
    """Return (n, K) values in which the rungs after the end of a shorter done trial have its loss."""
    is_after = np.arange(values.shape[1]) > rungs.last[:, None]
    return np.where(is_after & (rungs.last >= 0)[:, None], final[:, None], values)


def _features(u: Floats, before: Floats) -> Floats:
    """Return the (n, 3) features of a stage; without a rung before, nothing changed."""
    return np.column_stack([np.ones(len(u)), u, u - np.where(np.isnan(before), u, before)])


def _before(steps: Floats, column: int) -> Floats:
    return steps[:, column - 1] if column else np.full(len(steps), np.nan)


def _fit_stage(steps: Floats, column: int) -> Stage:
    """Fit the stage from a column to the next, by conjugate Bayesian linear regression."""
    rows = ~np.isnan(steps[:, column]) & ~np.isnan(steps[:, column + 1])
    x = _features(steps[rows, column], _before(steps, column)[rows])
    y = steps[rows, column + 1]
    a = _PRECISION * np.eye(3) + x.T @ x
    inverse = np.linalg.inv(a)
    mean = inverse @ (_PRECISION * _MEAN + x.T @ y)
    residuals, shift = y - x @ mean, mean - _MEAN
    shape = _SHAPE + len(y) / 2
    rate = _SHAPE * _SIGMA**2 + (residuals @ residuals + _PRECISION * shift @ shift) / 2
    b0, b1, b2 = mean.tolist()
    i = inverse.tolist()
    return Stage(
        mean=(b0, b1, b2),
        inverse=(i[0][0], i[1][1], i[2][2], i[0][1], i[0][2], i[1][2]),
        variance=float(rate / shape),
        freedom=2 * shape,
    )
