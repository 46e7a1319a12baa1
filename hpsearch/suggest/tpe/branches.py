"""TPE that keeps every branch of a space alive.

A suggestion in a branch comes from one of two models, at random. The first learns from the trials of the
branch alone: which of them are good is judged among themselves, so it tunes the branch as a search of its own
would. The second learns from all trials with the option decided: it carries over what is good in the
parameters that the branch shares with others, and draws from the prior what only the branch has.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from hpsearch.core.history import History
from hpsearch.errors import SpaceError
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.beliefs import Beliefs
from hpsearch.suggest.branches import Branch, Branches
from hpsearch.suggest.discrete import KnownPoints, TriedPoints, can_repeat
from hpsearch.suggest.filtered_history import FilteredHistory
from hpsearch.suggest.protocol import Suggestion
from hpsearch.suggest.tpe.suggest import TPE, TPEOptions

#: Every so many suggestions, a neglected branch has its turn.
EVERY = 2


class BranchTPE:
    """Proposes points of TPE, some of them in a branch that has had too few trials.

    Parameters
    ----------
    space : Space
        The space to search.
    options : TPEOptions, optional
        The defaults if not given.
    beliefs : Beliefs, optional
        What a user believes about the best point.
    """

    def __init__(
        self, space: Space, options: TPEOptions | None = None, beliefs: Beliefs | None = None
    ) -> None:
        self.space = space
        self.options = options or TPEOptions()
        self.branches = Branches(space)
        self._beliefs = beliefs
        self._everywhere = TPE(space, self.options, beliefs)
        self._can_repeat = can_repeat(space)
        self._tried = TriedPoints()
        self._inside: dict[tuple[tuple[str, int], ...], _InsideBranch] = {}

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``."""
        if not self.branches or len(history) < self.options.n_startup:
            return self._everywhere.suggest(history, pending, rngs)
        plan = self._plan(history, pending, len(rngs))
        free = [rng for rng, branch in zip(rngs, plan, strict=True) if branch is None]
        everywhere = self._everywhere.suggest(history, pending, free)  # in one batch, which is cheaper
        waiting = [*pending, *(suggestion.values for suggestion in everywhere)]
        suggestions: list[Suggestion] = []
        rest = iter(everywhere)
        for rng, branch in zip(rngs, plan, strict=True):
            if branch is None:
                suggestions.append(next(rest))
            else:
                suggestions.append(self.suggest_in(branch, history, waiting, rng))
                waiting.append(suggestions[-1].values)
        return suggestions

    def _plan(self, history: History, pending: Sequence[Values], n: int) -> list[Branch | None]:
        """Return the branch of each of ``n`` suggestions, or None for those that may be anywhere."""
        waiting, plan = list(pending), []
        for _ in range(n):
            plan.append(self.neglected(history, waiting))
            waiting.append(plan[-1].options if plan[-1] else {})
        return plan

    def suggest_everywhere(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose points without regard to branches; see ``Suggester``.

        Parameters
        ----------
        history : History
            Finished trials.
        pending : sequence of Values
            Points that wait or are under evaluation.
        rngs : sequence of n Generators
            One for each point.
        """
        return self._everywhere.suggest(history, pending, rngs)

    def neglected(self, history: History, pending: Sequence[Values]) -> Branch | None:
        """Return the branch whose turn it is, if one has had too few trials.

        Parameters
        ----------
        history : History
            Finished trials.
        pending : sequence of Values
            Points that wait or are under evaluation; with the finished ones, they count the turns.
        """
        if (len(history.whole) + len(pending)) % EVERY:
            return None
        return self.branches.neglected(history, pending)

    def suggest_in(
        self, branch: Branch, history: History, pending: Sequence[Values], rng: np.random.Generator
    ) -> Suggestion:
        """Propose one point of a branch.

        Parameters
        ----------
        branch : Branch
            A branch of the space.
        history : History
            Finished trials, of all branches.
        pending : sequence of Values
            Points that wait or are under evaluation.
        rng : Generator
            Generator of the point.
        """
        key = tuple(branch.options.items())
        if key not in self._inside:
            self._inside[key] = _InsideBranch(self.space, branch, self.options, self._beliefs)
        with suppress(SpaceError):  # the conditions may allow hardly any point of the branch
            suggestion = self._inside[key].suggest(history, pending, rng)
            if self.is_new(suggestion.values, history, pending):
                return suggestion
        (suggestion,) = self._everywhere.suggest(history, pending, [rng])  # the branch may be exhausted
        return suggestion

    def is_new(self, values: Values, history: History, pending: Sequence[Values]) -> bool:
        """Whether a point is neither finished nor pending.

        Parameters
        ----------
        values : Values
            The point.
        history : History
            Finished trials.
        pending : sequence of Values
            Points that wait or are under evaluation.
        """
        if not self._can_repeat:
            return True
        return values not in KnownPoints(history, self._tried.read(history), pending)


class _InsideBranch:
    """The models of one branch."""

    def __init__(self, space: Space, branch: Branch, options: TPEOptions, beliefs: Beliefs | None) -> None:
        self._branch = branch
        decided = space.given(branch.options)
        beliefs = None if beliefs is None else beliefs.within(decided)
        self._shared, self._own = TPE(decided, options, beliefs), TPE(decided, options, beliefs)
        self._n_startup = options.n_startup
        self._trials = FilteredHistory(branch.rows)

    def suggest(self, history: History, pending: Sequence[Values], rng: np.random.Generator) -> Suggestion:
        own = self._trials.read(history)
        uses_own = rng.random() < 0.5 and len(own) >= self._n_startup
        model, known = (self._own, own) if uses_own else (self._shared, history)
        (suggestion,) = model.suggest(known, [v for v in pending if self._branch.has(v)], [rng])
        return suggestion
