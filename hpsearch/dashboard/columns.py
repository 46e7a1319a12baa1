"""All trials of a search as columns, which are filtered and sorted without the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.goal import Goal
from hpsearch.core.history import Bools, Floats
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import State, Trial
from hpsearch.report.plotdata.search import STATES, SearchArrays, n_several
from hpsearch.space.expression import Choice
from hpsearch.space.tree import Space

Ints = NDArray[np.int64]

_CODES = {state: code for code, state in enumerate(STATES)}
#: The code of a number without a trial.
MISSING = -1

#: What trials can be sorted by, beside the parameters.
FIELDS = ("trial", "loss", "finished")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which trials to list, and in what order."""

    states: frozenset[State] = frozenset()  #: empty for all
    is_invalid: bool = False  #: only those that a user marked as invalid
    text: str = ""  #: a number, or part of the name of an option or of an error
    tids: frozenset[int] = frozenset()  #: only these; empty for all
    sort: str = "trial"  #: one of ``FIELDS`` or a label
    is_descending: bool = True


class TrialColumns:
    """Trials by number; a row that was written before is replaced.

    Parameters
    ----------
    space : Space
        The space of the search; values of other labels are left out.
    outcomes : Outcomes, optional
        Several objectives, or limits.
    """

    def __init__(self, space: Space, outcomes: Outcomes | None = None) -> None:
        self.space, self._outcomes = space, outcomes
        self.labels = space.labels
        self._column = {parameter.label: j for j, parameter in enumerate(space.parameters)}
        self._n = 0
        self._states: Ints = np.full(64, MISSING, dtype=np.int64)
        self._losses: Floats = np.full(64, np.nan)
        self._finished: Floats = np.full(64, np.nan)
        self._invalid: Bools = np.zeros(64, dtype=bool)
        self._infeasible: Bools = np.zeros(64, dtype=bool)
        self._several: Floats = np.full((64, n_several(outcomes)), np.nan)
        self._values: Floats = np.full((64, len(self.labels)), np.nan)
        self.errors: dict[int, str] = {}  #: in lower case, of failed trials that were read in full

    @property
    def states(self) -> Ints:
        """(n,) array, a view: indices into ``STATES``, ``MISSING`` where there is no such trial."""
        return self._states[: self._n]

    @property
    def losses(self) -> Floats:
        """(n,) array, a view: losses of trials that are done, NaN of all others."""
        return self._losses[: self._n]

    @property
    def invalid(self) -> Bools:
        """(n,) array, a view: whether a user marked the trial."""
        return self._invalid[: self._n]

    @property
    def values(self) -> Floats:
        """(n, d) array, a view: raw values in the order of ``space.parameters``, NaN where inactive."""
        return self._values[: self._n]

    def put(self, trial: Trial) -> None:
        """Write the row of a trial."""
        row = trial.tid
        while row >= len(self._states):
            self._grow()
        self._n = max(self._n, row + 1)
        self._states[row] = _CODES[trial.state]
        is_done = trial.state is State.DONE
        self._losses[row] = np.nan if trial.loss is None or not is_done else trial.loss
        self._infeasible[row] = is_done and trial.feasible is False
        if is_done and self._outcomes is not None and trial.losses is not None and self._several.shape[1]:
            self._several[row] = self._outcomes.minimised(trial.losses)
        self._finished[row] = np.nan if trial.finished_at is None else trial.finished_at.timestamp()
        self._invalid[row] = trial.invalid is not None
        for label, value in trial.values.items():
            if label in self._column:
                self._values[row, self._column[label]] = value

    def select(self, wanted: Selection) -> Ints:
        """Return the numbers of the trials to list, in order."""
        mask = self.states != MISSING
        if wanted.states:
            mask &= np.isin(self.states, [_CODES[state] for state in wanted.states]) & ~self.invalid
        if wanted.is_invalid:
            mask &= self.invalid
        if wanted.tids:
            mask &= np.isin(np.arange(self._n), list(wanted.tids))
        if wanted.text:
            mask &= self._matches(wanted.text)
        tids = np.flatnonzero(mask).astype(np.int64)
        return tids[self._order(tids, wanted)]

    def arrays(self, exp_key: str, goal: Goal) -> SearchArrays:
        """Return copies of the columns, from which pictures are made.

        Parameters
        ----------
        exp_key : str
            Name of the search.
        goal : Goal
            What it optimises.
        """
        rows = np.flatnonzero(self.states != MISSING)
        values = self.values[rows]
        is_invalid, is_infeasible = self.invalid[rows], self._infeasible[rows] & ~self.invalid[rows]
        usable = np.isfinite(self.losses[rows]) & ~is_invalid & ~is_infeasible
        return SearchArrays(
            exp_key=exp_key,
            space=self.space,
            goal=goal,
            tids=rows.astype(np.int64),
            states=self.states[rows],
            losses=np.where(usable, self.losses[rows], np.nan),
            is_invalid=is_invalid,
            values=np.nan_to_num(values),
            active=~np.isnan(values),
            outcomes=self._outcomes,
            objectives=np.where(is_invalid[:, None], np.nan, self._several[rows]),
            is_infeasible=is_infeasible,
        )

    def best_so_far(self) -> tuple[Ints, Floats]:
        """Return the numbers of the valid trials that improved the best loss, and their losses."""
        usable = np.isfinite(self.losses) & ~self.invalid & ~self._infeasible[: self._n]
        rows = np.flatnonzero(usable)
        losses = self.losses[rows]
        before = np.concatenate([[np.inf], np.minimum.accumulate(losses)[:-1]])
        improves = losses < before
        return rows[improves].astype(np.int64), losses[improves]

    def _order(self, tids: Ints, wanted: Selection) -> NDArray[np.intp]:
        """Return the order of the rows; those without a value come last in both directions."""
        match wanted.sort:
            case "loss":
                keys = np.where(self.invalid, np.nan, self.losses)[tids]
            case "finished":
                keys = self._finished[tids]
            case label if label in self._column:
                keys = self.values[tids, self._column[label]]
            case _:
                keys = tids.astype(np.float64)
        keys = -keys if wanted.is_descending else keys
        return np.lexsort((-tids, keys, np.isnan(keys)))

    def _matches(self, text: str) -> Bools:
        text = text.casefold()
        found = np.zeros(self._n, dtype=bool)
        if text.isdecimal() and int(text) < self._n:
            found[int(text)] = True
        for label, options in self._options.items():
            indices = [i for i, name in enumerate(options) if text in name]
            if indices:
                found |= np.isin(self.values[:, self._column[label]], indices)
        rows = [tid for tid, error in self.errors.items() if text in error and tid < self._n]
        found[rows] = True
        return found

    @property
    def _options(self) -> Mapping[str, Sequence[str]]:
        return {
            label: [name.casefold() for name in self.space.option_names(label)]
            for label, node in self.space.nodes.items()
            if isinstance(node, Choice)
        }

    def _grow(self) -> None:
        n = len(self._states)
        self._states = np.concatenate([self._states, np.full(n, MISSING, dtype=np.int64)])
        self._losses = np.concatenate([self._losses, np.full(n, np.nan)])
        self._finished = np.concatenate([self._finished, np.full(n, np.nan)])
        self._invalid = np.concatenate([self._invalid, np.zeros(n, dtype=bool)])
        self._infeasible = np.concatenate([self._infeasible, np.zeros(n, dtype=bool)])
        self._several = np.concatenate([self._several, np.full((n, self._several.shape[1]), np.nan)])
        self._values = np.concatenate([self._values, np.full((n, len(self.labels)), np.nan)])


def put_all(columns: TrialColumns, trials: Iterable[Trial]) -> Iterable[Trial]:
    """Write trials while they pass through.

    Parameters
    ----------
    columns : TrialColumns
        Where to write them.
    trials : iterable of Trial
        The trials.
    """
    for trial in trials:
        columns.put(trial)
        yield trial
