"""Where a search stands: its best trial, its front, or the trial that comes closest to its limits.

With one objective, the best trial has the lowest loss among those that keep all limits. With several, there
is no single best: the front consists of the trials that no other trial beats in all of them, among those that
keep all limits. Trials that a user marked as invalid do not count.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hpsearch.core.front import knee, nondominated, thin
from hpsearch.core.hypervolume import Floats
from hpsearch.core.outcomes import Outcomes
from hpsearch.core.trial import FINISHED, State, Trial

#: Candidates for the front beyond twice its size before dominated ones are dropped.
_SLACK = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The front of a search with several objectives, by the first one, the best first."""

    outcomes: Outcomes
    trials: tuple[Trial, ...]  #: with at least the fields of ``Trial.point``
    n_done: int  #: trials that have losses, on the front or not
    n_since: int = 0  #: finished trials since the last one that came onto the front

    @property
    def objectives(self) -> Floats:
        """(n, m) array of the minimised losses."""
        return minimised(self.outcomes, self.trials)

    @property
    def knee(self) -> Trial | None:
        """The trial that gives up least in its worst objective; None of an empty front."""
        return self.trials[knee(self.objectives)] if self.trials else None

    @property
    def ranges(self) -> Mapping[str, tuple[float, float]]:
        """By objective, the lowest and the highest number on a front that is not empty, as returned."""
        found = {name: [t.losses[name] for t in self.trials if t.losses] for name in self.outcomes.names}
        return {name: (min(numbers), max(numbers)) for name, numbers in found.items()}

    def thinned(self, n: int) -> tuple[Trial, ...]:
        """Return the ``n`` trials that together dominate most, in the order of the front."""
        return tuple(self.trials[i] for i in sorted(thin(self.objectives, n)))

    def sorted_by(self, name: str) -> tuple[Trial, ...]:
        """Return the trials by an objective, the best first.

        Raises
        ------
        KeyError
            If there is no objective of this name.
        """
        column = dict(zip(self.outcomes.names, self.objectives.T, strict=True))[name]
        return tuple(self.trials[i] for i in np.argsort(column, kind="stable"))


class Standing:
    """Takes the trials of a search one by one, and knows where it stands.

    Parameters
    ----------
    outcomes : Outcomes, optional
        Those of the search.

    Attributes
    ----------
    best : Trial or None
        With one objective, the feasible trial with the lowest loss, the earliest if several.
    """

    def __init__(self, outcomes: Outcomes | None = None) -> None:
        self._outcomes = outcomes
        self.best: Trial | None = None
        self._closest: Trial | None = None
        self._has_feasible = False
        self._candidates: list[Trial] = []  # for the front
        self._n_settled = 0  # leading candidates that did not dominate each other
        self._n_done = 0
        self._times = array("d")  # when each trial finished
        self._front: Front | None = None  # None when it must be computed again

    def add(self, trial: Trial) -> None:
        """Take a trial into account; only a valid finished one counts."""
        if trial.state not in FINISHED or trial.invalid is not None:
            return
        self._front = None
        if self._outcomes is not None:
            self._times.append(completion(trial)[0])
        if trial.state is not State.DONE:
            return
        self._n_done += 1
        if trial.feasible is False:
            self._closest = min(self._closest or trial, trial, key=_violation)
            return
        self._has_feasible = True
        if trial.losses is None:
            self.best = min(self.best or trial, trial, key=_rank)
            return
        self._candidates.append(trial.point())
        if len(self._candidates) > 2 * self._n_settled + _SLACK:
            self._settle()

    @property
    def least_violated(self) -> Trial | None:
        """The trial that exceeds its limits least, if no trial keeps them all."""
        return None if self._has_feasible else self._closest

    @property
    def front(self) -> Front | None:
        """The front; None with one objective."""
        if self._outcomes is None or not self._outcomes.has_several_objectives:
            return None
        if self._front is None:
            self._front = self._new_front(self._outcomes)
        return self._front

    def _new_front(self, outcomes: Outcomes) -> Front:
        self._settle()
        objectives = minimised(outcomes, self._candidates)
        order = np.lexsort(objectives.T[::-1]) if self._candidates else ()
        last = max((completion(trial)[0] for trial in self._candidates), default=math.inf)
        return Front(
            outcomes=outcomes,
            trials=tuple(self._candidates[i] for i in order),
            n_done=self._n_done,
            n_since=int(np.sum(np.frombuffer(self._times) > last)) if self._times else 0,
        )

    def _settle(self) -> None:
        """Drop the candidates that are not on the front."""
        assert self._outcomes is not None
        if len(self._candidates) > self._n_settled:
            is_kept = nondominated(minimised(self._outcomes, self._candidates))
            self._candidates = [self._candidates[i] for i in np.flatnonzero(is_kept)]
            self._n_settled = len(self._candidates)


def standing_of(trials: Iterable[Trial], outcomes: Outcomes | None) -> Standing:
    """Return where a search stands.

    Parameters
    ----------
    trials : iterable of Trial
        All of them, in any order, perhaps with only the fields of ``Trial.point``.
    outcomes : Outcomes or None
        Those of the search.
    """
    standing = Standing(outcomes)
    for trial in trials:
        standing.add(trial)
    return standing


def minimised(outcomes: Outcomes, trials: Iterable[Trial]) -> Floats:
    """Return the (n, m) losses of trials in minimised form, NaN for those without.

    Parameters
    ----------
    outcomes : Outcomes
        The objectives.
    trials : iterable of Trial
        The trials.
    """
    missing = (math.nan,) * len(outcomes.objectives)
    rows = [missing if trial.losses is None else outcomes.minimised(trial.losses) for trial in trials]
    return np.array(rows, dtype=np.float64).reshape(-1, len(outcomes.objectives))


def completion(trial: Trial) -> tuple[float, int]:
    """Sort key: time of finishing, then number."""
    return math.inf if trial.finished_at is None else trial.finished_at.timestamp(), trial.tid


def _rank(trial: Trial) -> tuple[float, float, int]:
    """Sort key of done trials: loss, then time of finishing."""
    assert trial.loss is not None  # the state is done
    return trial.loss, *completion(trial)


def _violation(trial: Trial) -> tuple[float, float, int]:
    """Sort key of infeasible trials: the amount, then time of finishing."""
    assert trial.violation is not None
    return trial.violation, *completion(trial)
