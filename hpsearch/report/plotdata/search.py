"""The trials of a search as columns, from which pictures are made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.history import Bools, Floats
from hpsearch.core.outcomes import Outcomes
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
    losses: Floats  #: (n,) minimised; NaN without a usable one: not done, infinite, infeasible or invalid
    is_invalid: Bools  #: (n,) whether a user marked the trial
    values: Floats  #: (n, d) raw values in the order of ``space.parameters``; 0 where inactive
    active: Bools  #: (n, d)
    outcomes: Outcomes | None  #: several objectives, or limits
    objectives: Floats  #: (n, m) minimised, NaN without usable ones; m is 0 with one objective
    is_infeasible: Bools  #: (n,) whether a valid done trial exceeds a limit

    def __len__(self) -> int:
        return len(self.tids)

    @property
    def has_loss(self) -> Bools:
        """(n,) array: whether a trial has a loss that counts."""
        return np.isfinite(self.losses)

    @property
    def has_objectives(self) -> Bools:
        """(n,) array: whether a trial has several losses that are all finite."""
        found = np.isfinite(self.objectives).all(axis=1)
        return np.asarray(found & (self.objectives.shape[1] > 0))

    def in_state(self, state: State) -> Bools:
        """(n,) array: whether a valid trial is in a state; a done one without a usable loss is failed."""
        found = (self.states == _CODES[state]) & ~self.is_invalid
        has_result = self.has_loss | self.is_infeasible | self.has_objectives
        unusable = (self.states == _CODES[State.DONE]) & ~self.is_invalid & ~has_result
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
    importances: tuple[Importance, ...] = ()  #: one for each of several objectives
    effects: tuple[Effect, ...] = ()
    surface: PairEffect | None = None  #: of ``contour_labels``
    labels: tuple[str, ...] = field(default=())  #: parameters that the reader chose; empty: the telling ones


def search_arrays(
    exp_key: str,
    space: Space,
    trials: Iterable[Trial],
    goal: Goal = LOSS,
    outcomes: Outcomes | None = None,
) -> SearchArrays:
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
    outcomes : Outcomes, optional
        Several objectives, or limits.
    """
    columns = {parameter.label: j for j, parameter in enumerate(space.parameters)}
    tids: list[int] = []
    states: list[int] = []
    losses: list[float] = []
    invalid: list[bool] = []
    infeasible: list[bool] = []
    several: list[tuple[float, ...]] = []
    no_losses = (np.nan,) * n_several(outcomes)
    places: list[tuple[int, int, float]] = []
    for row, trial in enumerate(trials):
        tids.append(trial.tid)
        states.append(_CODES[trial.state])
        invalid.append(trial.invalid is not None)
        counts = trial.state is State.DONE and trial.invalid is None
        infeasible.append(counts and trial.feasible is False)
        has_loss = counts and trial.loss is not None and not infeasible[-1]
        losses.append(trial.loss if has_loss and trial.loss is not None else np.nan)
        if counts and outcomes is not None and trial.losses is not None:
            several.append(outcomes.minimised(trial.losses))
        else:
            several.append(no_losses)
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
        outcomes=outcomes,
        objectives=np.array(several, dtype=np.float64).reshape(len(tids), len(no_losses)),
        is_infeasible=np.array(infeasible, dtype=bool),
    )


def n_several(outcomes: Outcomes | None) -> int:
    """Return the number of objectives if there are several, else 0."""
    return 0 if outcomes is None or not outcomes.has_several_objectives else len(outcomes.objectives)


def role_of(trial: Trial) -> Role:
    """Return the role of a trial by its state."""
    if trial.invalid is not None:
        return Role.INVALID
    if trial.state is State.DONE and trial.feasible is False:
        return Role.INFEASIBLE
    losses = [trial.loss] if trial.losses is None else trial.losses.values()
    if trial.state is State.DONE and not all(loss is not None and np.isfinite(loss) for loss in losses):
        return Role.FAILED
    return Role(str(trial.state))
