"""A suggester that repeats nothing: another one's points, each of them once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.core.history import History
from hpsearch.errors import SpaceExhaustedError
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.discrete import KnownPoints, TriedPoints, find_new_point
from hpsearch.suggest.protocol import Suggester, Suggestion


class NoRepeats:
    """Passes on what another suggester proposes, with a point not tried yet in place of each repeat.

    Parameters
    ----------
    suggester : Suggester
        One for ``space``.
    space : Space
        Where it is not finite, whatever is proposed is passed on.
    """

    def __init__(self, suggester: Suggester, space: Space) -> None:
        self._suggester = suggester
        self._space = space
        self._tried = TriedPoints()

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators, or all that are left; see ``Suggester``.

        Raises
        ------
        SpaceExhaustedError
            If none is left.
        """
        proposed = self._suggester.suggest(history, pending, rngs)
        if self._space.n_points is None or not proposed:
            return proposed
        known = KnownPoints(history, self._tried.read(history), pending)
        suggestions: list[Suggestion] = []
        for suggestion, rng in zip(proposed, rngs, strict=False):
            fresh = self._unrepeated(suggestion, known, rng)
            if fresh is None:
                break
            known.add(fresh.values)
            suggestions.append(fresh)
        if not suggestions:
            raise SpaceExhaustedError(self._space.n_points)
        return suggestions

    def _unrepeated(
        self, suggestion: Suggestion, known: KnownPoints, rng: np.random.Generator
    ) -> Suggestion | None:
        """Return the suggestion, another where it was known, or None when every point was."""
        if suggestion.values not in known:
            return suggestion
        values = find_new_point(self._space, known, rng)
        return None if values is None else Suggestion(values=values, origin="random")
