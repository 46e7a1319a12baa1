"""Finished trials as arrays, from which suggesters learn.

Rows are in the order in which the coordinator saw the trials finish. They are never
removed or changed.

A pruned trial has no loss. Where it would have ended can be predicted, and the prediction changes as more
curves become known; ``with_predicted`` then makes a new history, so that nothing learned from the old one is
taken for what follows from the new one.

With several objectives, a trial has one row of objectives and no loss. Suggesters that learn from one number
then read a condensed history, whose losses put its trials in order.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.outcomes import Outcomes
from hpsearch.core.stopping.forecast import Forecast
from hpsearch.core.trial import State, Trial
from hpsearch.space.distribution import Numeric
from hpsearch.space.tree import Space, Values

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: The attributes with one row for each trial.
_COLUMNS = ("_values", "_active", "_losses", "_uppers", "_several", "_violations")


class History:
    """The finished trials of one experiment, append-only.

    Columns are in the order of ``space.parameters``; a parameter that was inactive in a trial
    has the value 0 and ``active`` false.

    Parameters
    ----------
    space : Space
        The search space.
    outcomes : Outcomes, optional
        The ``m`` objectives and ``k`` limits of the experiment; by default one objective and no limits.
    """

    def __init__(self, space: Space, outcomes: Outcomes | None = None) -> None:
        self.space = space
        self.outcomes = outcomes
        self._whole: History | None = None
        self._column = {parameter.label: j for j, parameter in enumerate(space.parameters)}
        self._n = 0
        self._values: Floats = np.zeros((16, len(self._column)))
        self._active: Bools = np.zeros((16, len(self._column)), dtype=bool)
        self._losses: Floats = np.zeros(16)
        self._uppers: Floats = np.zeros(16)
        self._several: Floats = np.zeros((16, self._n_several))
        self._violations: Floats = np.zeros((16, 0 if outcomes is None else len(outcomes.limits)))
        self._pruned: dict[int, int] = {}  # rows by number of the trial

    def __len__(self) -> int:
        return self._n

    @property
    def whole(self) -> History:
        """The history that this one condenses; itself, if it has all trials."""
        return self if self._whole is None else self._whole

    @property
    def values(self) -> Floats:
        """(n, d) array of raw values, a view; 0 where inactive."""
        return self._values[: self._n]

    @property
    def active(self) -> Bools:
        """(n, d) array, a view: whether each parameter was active in each trial."""
        return self._active[: self._n]

    @property
    def losses(self) -> Floats:
        """(n,) array, a view; NaN for a failed trial, and for a pruned one without a prediction.

        With several objectives, all are NaN.
        """
        return self._losses[: self._n]

    @property
    def objectives(self) -> Floats:
        """(n, m) array, a view, minimised; NaN for a failed trial. One objective is the loss."""
        return self._several[: self._n] if self._several.shape[1] else self.losses[:, None]

    @property
    def violations(self) -> Floats:
        """(n, k) array, a view: by how much each limit is exceeded, if positive; NaN without a result."""
        return self._violations[: self._n]

    @property
    def within_limits(self) -> Bools:
        """(n,) array: whether a trial exceeds no limit; true without a result."""
        return np.asarray(~(self.violations > 0).any(axis=1))

    @property
    def uppers(self) -> Floats:
        """(n,) array, a view: one standard deviation above each predicted loss, else the loss."""
        return self._uppers[: self._n]

    @property
    def measured(self) -> Floats:
        """(n,) array: the losses that trials returned; NaN where there is none, or a prediction."""
        return np.where(self.uppers > self.losses, np.nan, self.losses)

    def add(self, trial: Trial) -> None:
        """Append a finished trial; unless it is done, it gets the loss NaN."""
        if self._n == len(self._losses):
            self._grow()
        self._values[self._n], self._active[self._n] = self.encode(trial.values)
        is_done = trial.state is State.DONE
        has_loss = is_done and trial.loss is not None
        self._losses[self._n] = self._uppers[self._n] = trial.loss if has_loss else np.nan
        self._several[self._n] = self._violations[self._n] = np.nan
        if self.outcomes is not None and is_done:
            if trial.losses is not None:
                self._several[self._n] = self.outcomes.minimised(trial.losses)
            if trial.violations is not None:
                self._violations[self._n] = self.outcomes.amounts(trial.violations)
        if trial.state is State.PRUNED:
            self._pruned[trial.tid] = self._n
        self._n += 1

    def extend(self, history: History, rows: NDArray[np.intp]) -> None:
        """Append rows of another history.

        Parameters
        ----------
        history : History
            One of the same space and outcomes.
        rows : (m,) array of int
            Its rows to append, in order.
        """
        while self._n + len(rows) > len(self._losses):
            self._grow()
        new = slice(self._n, self._n + len(rows))
        self._values[new], self._active[new] = history.values[rows], history.active[rows]
        self._losses[new], self._uppers[new] = history.losses[rows], history.uppers[rows]
        self._several[new] = history._several[rows]
        self._violations[new] = history.violations[rows]
        self._n += len(rows)

    def reordered(self, order: NDArray[np.intp]) -> History:
        """Return the same trials as a new history, whose row i is row ``order[i]`` of this one."""
        history = History(self.space, self.outcomes)
        history._take(self, order)
        places = np.empty(self._n, dtype=np.intp)
        places[order] = np.arange(self._n)
        history._pruned = {tid: int(places[row]) for tid, row in self._pruned.items()}
        return history

    def condensed(self, rows: NDArray[np.intp], losses: Floats) -> History:
        """Return some of the trials as a new history with other losses; nothing can be added to it.

        Parameters
        ----------
        rows : (k,) array of int
            The trials to keep, in order.
        losses : (k,) array
            What to learn from in place of the losses; NaN for a failed trial.
        """
        history = History(self.space, self.outcomes)
        history._take(self, rows)
        history._several = self.objectives[rows]
        history._losses = losses
        history._whole = self.whole
        return history

    def with_predicted(
        self, forecasts: Mapping[int, Forecast], running: Mapping[int, Values] | None = None
    ) -> History:
        """Return a new history with the predicted losses of pruned and running trials.

        Parameters
        ----------
        forecasts : mapping of int to Forecast
            Predictions by number of the trial. A pruned trial without one counts as failed.
        running : mapping of int to Values, optional
            Points of running trials with a prediction, by number; they become the last rows.

        Returns
        -------
        History
            This one, if no trial is pruned or given as running.
        """
        if not self._pruned and not running:
            return self
        history = self.reordered(np.arange(self._n))
        for tid, values in (running or {}).items():
            history.add(Trial(exp_key="", tid=tid, values=values, state=State.PRUNED))
        losses, uppers = history.losses, history.uppers  # views
        for tid, row in history._pruned.items():  # noqa: SLF001  # its own class
            losses[row] = uppers[row] = np.nan
            if (forecast := forecasts.get(tid)) is not None:
                losses[row] = forecast.loss
                uppers[row] = max(forecast.upper, np.nextafter(forecast.loss, np.inf))
        return history

    def encode(self, values: Values) -> tuple[Floats, Bools]:
        """Return a point as a (d,) array of raw values and a (d,) mask of the active parameters."""
        row, mask = np.zeros(len(self._column)), np.zeros(len(self._column), dtype=bool)
        for label, value in values.items():
            row[self._column[label]] = value
            mask[self._column[label]] = True
        return row, mask

    def point(self, row: int) -> Values:
        """Return the point of a row: its active parameters, in the types that sampling gives."""
        return {
            parameter.label: float(value) if isinstance(parameter.distribution, Numeric) else int(value)
            for parameter, value, is_active in zip(
                self.space.parameters, self._values[row], self._active[row], strict=True
            )
            if is_active
        }

    @property
    def _n_several(self) -> int:
        """The number of objectives if there are several, else 0."""
        n = 1 if self.outcomes is None else len(self.outcomes.objectives)
        return n if n > 1 else 0

    def _take(self, history: History, rows: NDArray[np.intp]) -> None:
        """Take some trials of another history in place of all."""
        self._n = len(rows)
        for name in _COLUMNS:
            setattr(self, name, getattr(history, name)[rows])

    def _grow(self) -> None:
        """Double the capacity, so that appending takes constant time on average."""
        for name in _COLUMNS:
            column = getattr(self, name)
            n_more = max(16, len(column))
            setattr(self, name, np.concatenate([column, np.zeros((n_more, *column.shape[1:]), column.dtype)]))
