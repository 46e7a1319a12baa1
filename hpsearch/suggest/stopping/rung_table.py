"""The values that trials reached at rungs, as arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats
from hpsearch.core.stopping.curve import END_RUNGS, FIRST_RUNG, RungValue, rung_step
from hpsearch.core.trial import State

#: The step of each rung.
_STEPS = np.array([rung_step(k) for k in range(FIRST_RUNG, END_RUNGS)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rungs:
    """The rungs of ``n`` trials below the end of a full trial; ``K`` neighbouring rungs, a view."""

    first: int  #: number of the rung in the first column
    values: Floats  #: (n, K) values as reported; NaN where not reached, ``inf`` where a curve diverged

    @property
    def last(self) -> NDArray[np.intp]:
        """(n,) array: column of the last rung that each trial reached; -1 if none."""
        n_columns = self.values.shape[1]
        if not n_columns:
            return np.full(len(self.values), -1)
        is_known = ~np.isnan(self.values)
        return np.where(is_known.any(axis=1), n_columns - 1 - is_known[:, ::-1].argmax(axis=1), -1)

    def starting_at(self, first: int) -> Rungs:
        """Return the rungs from a later one on, or the same."""
        return Rungs(first=first, values=self.values[:, first - self.first :])

    def of(self, rows: NDArray[np.intp]) -> Rungs:
        """Return the rungs of some of the trials."""
        return Rungs(first=self.first, values=self.values[rows])


class RungTable:
    """What a search knows of its trials' curves; a row for each trial that reported or ended.

    Attributes
    ----------
    n_done : int
        Trials with a loss.
    """

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._values: Floats = np.full((16, len(_STEPS)), np.nan)
        self._losses: Floats = np.full(16, np.nan)
        self._last: Floats = np.full((16, 2), np.nan)
        self._running: Bools = np.zeros(16, dtype=bool)
        self._pairs: dict[int, Sequence[tuple[float, float]]] = {}
        self._n_at = np.zeros(len(_STEPS), dtype=np.intp)  # trials that reached each rung
        self.n_done = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def n_values(self) -> int:
        """Values at rungs in the table; grows with what can be learned."""
        return int(self._n_at.sum())

    @property
    def tids(self) -> NDArray[np.intp]:
        """(n,) array: number of the trial in each row."""
        return np.fromiter(self._rows, dtype=np.intp, count=len(self._rows))

    @property
    def losses(self) -> Floats:
        """(n,) array: the loss of each trial; NaN unless it is done."""
        return self._losses[: len(self)]

    @property
    def is_running(self) -> Bools:
        """(n,) array: whether each trial runs."""
        return self._running[: len(self)]

    @property
    def n_reached(self) -> NDArray[np.intp]:
        """(n,) array: how many rungs each trial has reached."""
        return np.asarray(np.count_nonzero(~np.isnan(self._values[: len(self)]), axis=1))

    @property
    def last_reports(self) -> Floats:
        """(n, 2) array: largest step and last value that each trial reported; NaN if unknown."""
        return self._last[: len(self)]

    @property
    def pairs(self) -> Mapping[int, Sequence[tuple[float, float]]]:
        """All reports of some done trials, by number: steps and values."""
        return self._pairs

    def set(
        self,
        tid: int,
        rungs: Sequence[RungValue],
        loss: float | None,
        state: State,
        last: tuple[float, float] | None = None,
        reports: Sequence[tuple[float, float]] = (),
    ) -> None:
        """Set what is known of a trial; may be repeated.

        Parameters
        ----------
        tid : int
            Its number.
        rungs : sequence of RungValue
            All rungs that it reached.
        loss : float, optional
            The loss that it returned; None unless it is done.
        state : State
            Its state.
        last : (float, float), optional
            Its largest step, and the value that it reported last.
        reports : sequence of (float, float)
            All steps and values, for rules that compare trials step by step.
        """
        row = self._rows.setdefault(tid, len(self._rows))
        if row == len(self._losses):
            self._grow()
        self._forget(row)
        for rung in rungs:
            if FIRST_RUNG <= rung.k < END_RUNGS:
                self._values[row, rung.k - FIRST_RUNG] = math.inf if math.isnan(rung.value) else rung.value
        self._losses[row] = np.nan if loss is None or state is not State.DONE else loss
        self._running[row] = state is State.RUNNING
        self._last[row] = (np.nan, np.nan) if last is None else last
        if reports:
            self._pairs[tid] = tuple(reports)
        self._count(row, 1)

    def discard(self, tid: int) -> None:
        """Forget what is known of a trial, such as one whose result is wrong."""
        if tid in self._rows:
            self._forget(self._rows[tid])
            self._pairs.pop(tid, None)

    def longest_done(self) -> float | None:
        """Return the largest step that a done trial reported; None before there is one."""
        steps = self.last_reports[~np.isnan(self.losses), 0]
        steps = steps[np.isfinite(steps) & (steps > 0)]
        return float(steps.max()) if len(steps) else None

    def rungs_below(self, end: float) -> Rungs:
        """Return the rungs at steps below the end of a full trial, from the first that a trial reached."""
        used = np.flatnonzero((self._n_at > 0) & (end > _STEPS))
        first, stop = (int(used[0]), int(np.searchsorted(_STEPS, end))) if len(used) else (0, 0)
        return Rungs(first=first + FIRST_RUNG, values=self._values[: len(self), first:stop])

    def _forget(self, row: int) -> None:
        self._count(row, -1)
        self._values[row], self._losses[row], self._last[row] = np.nan, np.nan, np.nan
        self._running[row] = False

    def _count(self, row: int, sign: int) -> None:
        self._n_at += sign * ~np.isnan(self._values[row])
        self.n_done += sign * int(not np.isnan(self._losses[row]))

    def _grow(self) -> None:
        """Double the capacity."""
        n = len(self._losses)
        self._values = np.concatenate([self._values, np.full_like(self._values, np.nan)])
        self._losses = np.concatenate([self._losses, np.full(n, np.nan)])
        self._last = np.concatenate([self._last, np.full((n, 2), np.nan)])
        self._running = np.concatenate([self._running, np.zeros(n, dtype=bool)])
