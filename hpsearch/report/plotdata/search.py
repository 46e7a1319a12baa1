"""The trials of a search as columns, from which pictures are made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.history import Bools, Floats
from hpsearch.core.trial import State, Trial
from hpsearch.report.numbers.effects import Effect, PairEffect
from hpsearch.report.numbers.importance import Importance
from hpsearch.report.plotdata.figure import Ints, Role
from hpsearch.space.tree import Space

#: States by their codes in ``SearchArrays.states``.
STATES = tuple(State)
_CODES = {state: code for code, state in enumerate(STATES)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchArrays:
    """The trials of one search, by number."""

    exp_key: str
    space: Space
    goal: Goal
    tids: Ints  #: (n,) increasing
    states: Ints  #: (n,) indices into ``STATES``
    losses: Floats  #: (n,) minimised; NaN without a usable one: not done, infinite, or invalid
    is_invalid: Bools  #: (n,) whether a user marked the trial
    values: Floats  #: (n, d) raw values in the order of ``space.parameters``; 0 where inactive
    active: Bools  #: (n, d)

    def __len__(self) -> int:
        return len(self.tids)

    @property
    def has_loss(self) -> Bools:
        """(n,) array: whether a trial has a loss that counts."""
        return np.isfinite(self.losses)

    def in_state(self, state: State) -> Bools:
        """(n,) array: whether a valid trial is in a state; a done one without a usable loss is failed."""
        found = (self.states == _CODES[state]) & ~self.is_invalid
        unusable = (self.states == _CODES[State.DONE]) & ~self.is_invalid & ~self.has_loss
        match state:
            case State.DONE:
                return np.asarray(found & ~unusable)
            case State.FAILED:
                return np.asarray(found | unusable)
        return np.asarray(found)

    def best_row(self) -> int | None:
        """Return the row of the best trial, of equal ones the first; None without a loss."""
        return int(np.nanargmin(self.losses)) if self.has_loss.any() else None

    def column(self, label: str) -> int:
        """Return the column of a parameter.

        Raises
        ------
        KeyError
            If the space has no such parameter.
        """
        for j, parameter in enumerate(self.space.parameters):
            if parameter.label == label:
                return j
        raise KeyError(label)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchData:
    """All that pictures may need of a search; what a kind does not need may be missing."""

    arrays: SearchArrays
    now: float | None = None  #: POSIX time of the store, until which running trials are drawn
    recent: tuple[Trial, ...] = ()  #: the last trials in full, for the timeline
    reporting: tuple[Trial, ...] = ()  #: trials with reports in full, for the learning curves
    importance: Importance | None = None
    effects: tuple[Effect, ...] = ()
    surface: PairEffect | None = None  #: of ``contour_labels``
    labels: tuple[str, ...] = field(default=())  #: parameters that the reader chose; empty: the telling ones


def search_arrays(exp_key: str, space: Space, trials: Iterable[Trial], goal: Goal = LOSS) -> SearchArrays:
    """Return trials as columns.

    Parameters
    ----------
    exp_key : str
        Name of the search.
    space : Space
        Its space. Values of labels that it does not have are left out.
    trials : iterable of Trial
        All its trials by number, perhaps with only the fields of ``TrialStore.points``; read once.
    goal : Goal
        What the losses are called, and whether the user maximises.
    """
    columns = {parameter.label: j for j, parameter in enumerate(space.parameters)}
    tids: list[int] = []
    states: list[int] = []
    losses: list[float] = []
    invalid: list[bool] = []
    places: list[tuple[int, int, float]] = []
    for row, trial in enumerate(trials):
        tids.append(trial.tid)
        states.append(_CODES[trial.state])
        invalid.append(trial.invalid is not None)
        has_loss = trial.state is State.DONE and trial.loss is not None and trial.invalid is None
        losses.append(trial.loss if has_loss and trial.loss is not None else np.nan)
        places += [(row, columns[label], v) for label, v in trial.values.items() if label in columns]
    values, active = np.zeros((len(tids), len(columns))), np.zeros((len(tids), len(columns)), dtype=bool)
    if places:
        rows, cols, found = zip(*places, strict=True)
        values[rows, cols], active[rows, cols] = found, True
    finite = np.array(losses, dtype=np.float64)
    finite[~np.isfinite(finite)] = np.nan
    return SearchArrays(
        exp_key=exp_key,
        space=space,
        goal=goal,
        tids=np.array(tids, dtype=np.int64),
        states=np.array(states, dtype=np.int64),
        losses=finite,
        is_invalid=np.array(invalid, dtype=bool),
        values=values,
        active=active,
    )


def role_of(trial: Trial) -> Role:
    """Return the role of a trial by its state."""
    if trial.invalid is not None:
        return Role.INVALID
    if trial.state is State.DONE and not (trial.loss is not None and np.isfinite(trial.loss)):
        return Role.FAILED
    return Role(str(trial.state))
