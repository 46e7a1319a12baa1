"""Suggestions without repeats in finite spaces, for any suggester."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.core.history import History
from hpsearch.errors import SpaceExhaustedError
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.discrete import KnownPoints, TriedPoints, find_new_point
from hpsearch.suggest.protocol import Suggester, Suggestion


class NoRepeats:
    """Replaces repeated suggestions of another suggester by untried points.

    Parameters
    ----------
    suggester : Suggester
        A suggester for ``space``.
    space : Space
        If it is not finite, all suggestions pass unchanged.
    """

    def __init__(self, suggester: Suggester, space: Space) -> None:
        self._suggester = suggester
        self._space = space
        self._tried = TriedPoints()

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators, or all untried ones; see ``Suggester``.

        Raises
        ------
        SpaceExhaustedError
            If every point was tried.
        """
        proposed = self._suggester.suggest(history, pending, rngs)
        if self._space.n_points is None or not proposed:
            return proposed
        known = KnownPoints(history, self._tried.read(history), pending)
        suggestions: list[Suggestion] = []
        for suggestion, rng in zip(proposed, rngs, strict=False):
            new = self._new(suggestion, known, rng)
            if new is None:
                break
            known.add(new.values)
            suggestions.append(new)
        if not suggestions:
            raise SpaceExhaustedError(len(known) if self._space.conditions else self._space.n_points)
        return suggestions

    def _new(self, suggestion: Suggestion, known: KnownPoints, rng: np.random.Generator) -> Suggestion | None:
        """Return the suggestion, or another one if its point is known; None when all points are."""
        if suggestion.values not in known:
            return suggestion
        values = find_new_point(self._space, known, rng)
        return None if values is None else Suggestion(values=values, origin="random")
