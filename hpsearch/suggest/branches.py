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

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats, History
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

Rows = NDArray[np.intp]


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
        self._choices: list[tuple[int, str, Floats, list[Branch]]] = []
        for parameter in space.parameters:
            if parameter.label not in nested or not isinstance(parameter.distribution, Categorical):
                continue
            probabilities = np.array(parameter.distribution.probabilities)
            above = {c.label: c.option for c in parameter.paths[0]}
            branches = []
            for option in range(len(probabilities)):
                options = {**above, parameter.label: option}
                columns = {column[label]: index for label, index in options.items()}
                branches.append(Branch(options=options, columns=columns))
            if np.count_nonzero(probabilities) > 1:
                self._choices.append((column[parameter.label], parameter.label, probabilities, branches))

    def __bool__(self) -> bool:
        return bool(self._choices)

    def neglected(self, history: History, pending: Sequence[Values]) -> Branch | None:
        """Return the branch that has the least of the trials it deserves, or None if each has enough.

        Parameters
        ----------
        history : History
            Finished trials.
        pending : sequence of Values
            Points that wait or are under evaluation.
        """
        worst, found = 0.0, None
        for column, label, probabilities, branches in self._choices:
            rows = np.flatnonzero(history.active[:, column])
            if len(rows) < _MIN_COMPARED:
                continue
            options = history.values[rows, column].astype(np.intp)
            losses = np.where(history.losses[rows] < np.inf, history.losses[rows], np.inf)
            deserved = deserved_trials(options, losses, probabilities)
            n_trials = np.bincount(options, minlength=len(branches)).astype(np.float64)
            for values in pending:
                if label in values:
                    n_trials[int(values[label])] += 1
            lacking = np.where(deserved > 0, 1 - n_trials / np.maximum(deserved, 1e-9), 0.0)
            option = int(lacking.argmax())
            if lacking[option] > worst:
                worst, found = float(lacking[option]), branches[option]
        return found

    def leading(self, history: History) -> list[Branch]:
        """Return the branches of the best trial, one for each of its nested choices.

        Parameters
        ----------
        history : History
            Finished trials.
        """
        losses = history.losses
        if not (losses < np.inf).any():
            return []
        best = int(np.nanargmin(losses))
        return [
            branches[int(history.values[best, column])]
            for column, _, _, branches in self._choices
            if history.active[best, column]
        ]


def deserved_trials(options: Rows, losses: Floats, probabilities: Floats) -> Floats:
    """Return how many trials each branch of a choice deserves.

    Parameters
    ----------
    options : (n,) array of int
        Branch of each finished trial, in order of completion.
    losses : (n,) array
        Their losses; ``inf`` for a failed trial.
    probabilities : (k,) array
        Prior probability of each branch; one with 0 deserves nothing.

    Returns
    -------
    (k,) array
        0 for the branch with the best loss, which needs no protection.
    """
    n, k = len(options), len(probabilities)
    best = np.full(k, np.inf)
    np.minimum.at(best, options, losses)
    possible = probabilities > 0
    n_possible = np.count_nonzero(possible)
    ranks = np.empty(k)
    ranks[np.lexsort((best, ~possible))] = np.arange(1, k + 1)
    harmonic = (1 / np.arange(1, n_possible + 1)).sum()
    deserved: Floats = _SHARE * n / (ranks * harmonic) * np.minimum(1.0, probabilities * n_possible)
    deserved[ranks == 1] = 0.0
    for option in np.flatnonzero(possible):
        own = losses[options == option]
        if len(own) >= _MIN_TRIALS and not _may_overtake(own, float(best.min()), n):
            deserved[option] *= _LEFT
    return deserved


def _may_overtake(losses: Floats, best: float, n_trials: int) -> bool:
    """Whether the lowest of (m,) losses would fall below ``best`` within more trials, at its present rate."""
    half = len(losses) // 2
    lowest = losses.min()
    if lowest == np.inf:
        return False  # all trials have failed
    with np.errstate(over="ignore", invalid="ignore"):  # losses may be infinite, or as large as floats are
        gain = (losses[:half].min() - lowest) / (len(losses) - half)
        return not lowest - gain * n_trials > best


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
