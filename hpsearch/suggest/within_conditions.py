"""Suggestions that satisfy the conditions of a space, for any suggester.

TPE and the GP choose among allowed candidates, and draws from the prior are allowed ones, so their
suggestions pass. A suggestion of another algorithm that violates a condition is replaced by its next one,
from the same generator; after some, the last one is repaired: parameters whose conditions it violates are
drawn from the prior until they satisfy them, and the others keep their values.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.core.history import History
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.protocol import Suggester, Suggestion

#: Further suggestions to ask for before one is repaired.
_N_RETRIES = 20


class WithinConditions:
    """Replaces suggestions that violate a condition.

    Parameters
    ----------
    suggester : Suggester
        A suggester for ``space``.
    space : Space
        A space with conditions.

    Raises
    ------
    SpaceError
        If a condition cannot be evaluated in this process.
    """

    def __init__(self, suggester: Suggester, space: Space) -> None:
        space.conditions.require_known()
        self._suggester = suggester
        self._space = space

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``.

        Raises
        ------
        SpaceError
            If no point satisfies the conditions.
        """
        proposed = self._suggester.suggest(history, pending, rngs)
        waiting, suggestions = list(pending), list[Suggestion]()
        for suggestion, rng in zip(proposed, rngs, strict=False):
            # A replacement has the points before it as pending: some suggesters count the trials.
            allowed = (
                suggestion if self._allows(suggestion) else self._replaced(suggestion, history, waiting, rng)
            )
            waiting.append(allowed.values)
            suggestions.append(allowed)
        return suggestions

    def _replaced(
        self,
        refused: Suggestion,
        history: History,
        pending: Sequence[Values],
        rng: np.random.Generator,
    ) -> Suggestion:
        """Return an allowed suggestion in place of one that is not."""
        for _ in range(_N_RETRIES):
            found = self._suggester.suggest(history, pending, [rng])
            if not found:
                break
            (refused,) = found
            if self._allows(refused):
                return refused
        return Suggestion(values=self._space.repaired(refused.values, rng), origin=refused.origin)

    def _allows(self, suggestion: Suggestion) -> bool:
        return self._space.conditions.broken_by(suggestion.values) is None


def within_conditions(suggester: Suggester, space: Space) -> Suggester:
    """Return a suggester that satisfies the conditions of a space; the same one if it has none.

    Parameters
    ----------
    suggester : Suggester
        A suggester for ``space``.
    space : Space
        The space to search.
    """
    return WithinConditions(suggester, space) if space.conditions else suggester
