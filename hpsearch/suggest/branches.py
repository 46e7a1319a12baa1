"""Branches of a space, and how many trials each of them deserves.

A nested choice, such as one among model families, opens a branch for each option. The first good trials draw
TPE and the GP into their branch, and the others may never be tuned well enough to show what they can reach.
So every second suggestion goes to the branch that falls most behind its share. Of ``k`` branches, the one
with the ``i``-th best loss deserves ``n / (i H_k)`` of ``n`` trials, with ``H_k = 1 + 1/2 + ... + 1/k``:
the allocation of successive rejects (Audibert, Bubeck and Munos 2010, "Best arm identification in multi-armed
bandits"), without a fixed budget. A branch whose best loss improves too slowly to overtake the best branch
within another ``n`` trials deserves less (rising bandits, Li et al. 2020, arXiv 2012.04371, section 3).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hpsearch.core.history import Bools, History
from hpsearch.space.distribution import Categorical
from hpsearch.space.tree import Space, Values

#: What a branch deserves is multiplied by this.
_SHARE = 1.5
#: Share of what a branch deserves that is left once it improves too slowly.
_LEFT = 0.4
#: Trials of a branch from which its rate of improvement is known.
_MIN_TRIALS = 6
#: Trials under a choice from which its branches are compared.
_MIN_COMPARED = 4
#: Random points among which an allowed one must be for a branch to deserve trials.
_MAX_DRAWS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One option of a nested choice, with the options of the choices above it."""

    options: Mapping[str, int]  #: index of the option by label of the choice
    columns: Mapping[int, int]  #: the same by column

    def rows(self, history: History, first: int = 0) -> Bools:
        """Return which trials of a history are in the branch.

        Parameters
        ----------
        history : History
            ``n`` trials.
        first : int
            The first trial to look at.

        Returns
        -------
        (n - first,) array of bool
            For each trial from the first on.
        """
        inside = np.ones(len(history) - first, dtype=bool)
        for column, option in self.columns.items():
            inside &= history.active[first:, column] & (history.values[first:, column] == option)
        return inside

    def has(self, values: Values) -> bool:
        """Whether a point is in the branch."""
        return all(values.get(label) == option for label, option in self.options.items())


@dataclass(slots=True)
class LossCurve:
    """The lowest loss of a branch after each of its trials; only improvements take memory."""

    n: int = 0  #: trials
    _since: list[int] = field(default_factory=list)  # number of the trial of each improvement, from 0
    _lowest: list[float] = field(default_factory=list)

    def add(self, loss: float) -> None:
        """Add the loss of a trial; ``inf`` if it failed."""
        if not self._lowest or loss < self._lowest[-1]:
            self._since.append(self.n)
            self._lowest.append(loss)
        self.n += 1

    @property
    def lowest(self) -> float:
        """The lowest loss; ``inf`` without one."""
        return self._lowest[-1] if self._lowest else math.inf

    def lowest_after(self, n: int) -> float:
        """Return the lowest loss of the first ``n`` trials; ``n`` is positive and at most their number."""
        return self._lowest[bisect.bisect_left(self._since, n) - 1]


class Branches:
    """The branches of a space.

    Parameters
    ----------
    space : Space
        The space.
    """

    def __init__(self, space: Space) -> None:
        column = {parameter.label: j for j, parameter in enumerate(space.parameters)}
        nested = {c.label for p in space.parameters for path in p.paths for c in path}
        self._choices: list[_Choice] = []
        for parameter in space.parameters:
            if parameter.label not in nested or not isinstance(parameter.distribution, Categorical):
                continue
            probabilities = parameter.distribution.probabilities
            above = {c.label: c.option for c in parameter.paths[0]}
            branches = []
            for option in range(len(probabilities)):
                options = {**above, parameter.label: option}
                columns = {column[label]: index for label, index in options.items()}
                branches.append(Branch(options=options, columns=columns))
            if space.conditions:
                probabilities = _without_forbidden(space, branches, probabilities)
            if np.count_nonzero(probabilities) > 1:
                self._choices.append(
                    _Choice(column[parameter.label], parameter.label, probabilities, branches)
                )
        self._history: History | None = None
        self._n_read = 0
        self._lowest, self._best = math.inf, 0  # the lowest loss, and its row

    def __bool__(self) -> bool:
        return bool(self._choices)

    def neglected(self, history: History, pending: Sequence[Values]) -> Branch | None:
        """Return the branch that has the least of the trials it deserves, or None if each has enough.

        Parameters
        ----------
        history : History
            Finished trials. The cost of a call grows only with those since the last one.
        pending : sequence of Values
            Points that wait or are under evaluation.
        """
        self._read(history)
        worst, found = 0.0, None
        for choice in self._choices:
            if choice.n < _MIN_COMPARED:
                continue
            lacking, branch = choice.most_lacking(pending)
            if lacking > worst:
                worst, found = lacking, branch
        return found

    def leading(self, history: History) -> list[Branch]:
        """Return the branches of the best trial, one for each of its nested choices.

        Parameters
        ----------
        history : History
            Finished trials. The cost of a call grows only with those since the last one.
        """
        self._read(history)
        return [
            choice.branches[int(history.values[self._best, choice.column])]
            for choice in self._choices
            if self._lowest < math.inf and history.active[self._best, choice.column]
        ]

    def _read(self, history: History) -> None:
        """Read the new rows of the last history, or all of another one."""
        if history is not self._history or len(history) < self._n_read:
            self._history, self._n_read, self._lowest = history, 0, math.inf
            for choice in self._choices:
                choice.clear()
        if len(history) > self._n_read:
            for choice in self._choices:
                choice.read(history, self._n_read)
            for row, loss in enumerate(history.losses[self._n_read :].tolist(), self._n_read):
                if loss < self._lowest:
                    self._lowest, self._best = loss, row
            self._n_read = len(history)


class _Choice:
    """A nested choice, and what its branches have reached."""

    def __init__(
        self, column: int, label: str, probabilities: Sequence[float], branches: Sequence[Branch]
    ) -> None:
        self.column = column
        self.branches = branches
        self._label = label
        self._probabilities = probabilities
        self.clear()

    def clear(self) -> None:
        """Forget all trials."""
        self.n = 0  #: trials with this choice
        self._curves = [LossCurve() for _ in self.branches]
        self._deserved = [0.0] * len(self.branches)

    def read(self, history: History, first: int) -> None:
        """Add the trials of a history from the first given one on."""
        rows = first + np.flatnonzero(history.active[first:, self.column])
        if not len(rows):
            return
        options = history.values[rows, self.column].astype(np.intp).tolist()
        for option, loss in zip(options, history.losses[rows].tolist(), strict=True):
            self._curves[option].add(loss if loss < math.inf else math.inf)  # NaN is a failure, too
        self.n += len(rows)
        self._deserved = deserved_trials(self._curves, self._probabilities)

    def most_lacking(self, pending: Iterable[Values]) -> tuple[float, Branch]:
        """Return the largest share of the deserved trials that a branch lacks, and the branch."""
        n_trials = [curve.n for curve in self._curves]
        for values in pending:
            if self._label in values:
                n_trials[int(values[self._label])] += 1
        lacking = [
            1 - n / max(deserved, 1e-9) if deserved > 0 else 0.0
            for n, deserved in zip(n_trials, self._deserved, strict=True)
        ]
        most = max(lacking)
        return most, self.branches[lacking.index(most)]


def _without_forbidden(
    space: Space, branches: Sequence[Branch], probabilities: tuple[float, ...]
) -> tuple[float, ...]:
    """Return the prior probabilities of branches, 0 for those in which conditions allow hardly any point."""
    return tuple(
        p if p and space.given(b.options).is_satisfiable(np.random.default_rng(0), _MAX_DRAWS) else 0.0
        for b, p in zip(branches, probabilities, strict=True)
    )


def deserved_trials(curves: Sequence[LossCurve], probabilities: Sequence[float]) -> list[float]:
    """Return how many trials each branch of a choice deserves.

    Parameters
    ----------
    curves : sequence of k LossCurves
        Of the finished trials of each branch.
    probabilities : sequence of k floats
        Prior probability of each branch; one with 0 deserves nothing.

    Returns
    -------
    list of k floats
        0 for the branch with the best loss, which needs no protection.
    """
    n = sum(curve.n for curve in curves)
    possible = [option for option, p in enumerate(probabilities) if p > 0]
    best = min(curve.lowest for curve in curves)
    harmonic = math.fsum(1 / rank for rank in range(1, len(possible) + 1))
    deserved = [0.0] * len(curves)
    for rank, option in enumerate(sorted(possible, key=lambda option: curves[option].lowest), 1):
        if rank == 1:
            continue
        share = min(1.0, probabilities[option] * len(possible))
        deserved[option] = _SHARE * n / (rank * harmonic) * share
        if curves[option].n >= _MIN_TRIALS and not _may_overtake(curves[option], best, n):
            deserved[option] *= _LEFT
    return deserved


def _may_overtake(curve: LossCurve, best: float, n_trials: int) -> bool:
    """Whether a branch would fall below ``best`` within more trials, at its present rate of improvement."""
    half = curve.n // 2
    if curve.lowest == math.inf:
        return False  # all trials have failed
    gain = (curve.lowest_after(half) - curve.lowest) / (curve.n - half)
    return not curve.lowest - gain * n_trials > best


def activities(space: Space) -> list[float]:
    """Return the prior probability that each parameter is active, as if its paths excluded each other."""
    weights = {
        p.label: p.distribution.probabilities
        for p in space.parameters
        if isinstance(p.distribution, Categorical)
    }
    return [
        min(1.0, sum(math.prod(weights[c.label][c.option] for c in path) for path in p.paths))
        for p in space.parameters
    ]
