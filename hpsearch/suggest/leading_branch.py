"""A search of its own in the branch of the best trial.

Models of the whole space spend their resolution on the differences between branches, and take a shallow slope
inside the best one for noise. A search that knows only the trials of that branch sees it on its own scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from hpsearch.core.history import History
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.branches import Branches, activities
from hpsearch.suggest.filtered_history import FilteredHistory
from hpsearch.suggest.protocol import Suggester, Suggestion

#: Trials of the branch from which they are enough to learn from alone ...
_MIN_TRIALS = 10
#: ... and for each of its parameters.
_TRIALS_PER_PARAMETER = 10


class LeadingBranch:
    """Proposes points of the branch that had the best trial so far.

    Parameters
    ----------
    space : Space
        The space to search.
    branches : Branches
        The branches of the space.
    make_suggester : callable
        Returns the suggester of a branch, given the space with its options decided.
    """

    def __init__(
        self,
        space: Space,
        branches: Branches,
        make_suggester: Callable[[Space], Suggester],
    ) -> None:
        self._space, self._branches, self._make = space, branches, make_suggester
        self._searches: dict[tuple[tuple[str, int], ...], tuple[FilteredHistory, Suggester, float]] = {}

    def suggest(
        self, history: History, pending: Sequence[Values], rng: np.random.Generator
    ) -> Suggestion | None:
        """Propose one point from the trials of the leading branch alone; None if no branch leads.

        Parameters
        ----------
        history : History
            Finished trials, of all branches.
        pending : sequence of Values
            Points that wait or are under evaluation.
        rng : Generator
            Generator of the point.
        """
        leading = self._branches.leading(history)
        if not leading:
            return None
        branch = leading[int(rng.integers(len(leading)))]
        key = tuple(branch.options.items())
        if key not in self._searches:
            decided = self._space.given(branch.options)
            # Expected, since those of nested choices in the branch are not all active at once.
            n_parameters = sum(activities(decided)) - len(branch.options)
            n_needed = max(_MIN_TRIALS, _TRIALS_PER_PARAMETER * n_parameters)
            self._searches[key] = FilteredHistory(branch.rows), self._make(decided), n_needed
        trials, suggester, n_needed = self._searches[key]
        own = trials.read(history.whole)
        if len(own) < n_needed:
            return None
        (suggestion,) = suggester.suggest(own, [v for v in pending if branch.has(v)], [rng])
        return suggestion
