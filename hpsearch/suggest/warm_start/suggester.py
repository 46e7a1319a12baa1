"""Proposes given points before those of an algorithm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.core.history import History
from hpsearch.space.tree import Values
from hpsearch.suggest.protocol import Suggester, Suggestion

#: The origin of these trials.
WARM_START = "warm_start"


class WarmStarted:
    """Proposes the points of a warm start that were not tried yet, then those of another suggester.

    Parameters
    ----------
    suggester : Suggester
        Proposes all later points.
    points : sequence of Values
        The points to try first, in order.
    """

    def __init__(self, suggester: Suggester, points: Sequence[Values]) -> None:
        self._suggester = suggester
        self._points = points
        self._history: History | None = None
        self._untried: list[Values] = []

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators, or the first ones alone; see ``Suggester``."""
        if history is not self._history:
            self._history, self._untried = history, list(self._points)
        if self._untried:  # only while these trials run, so later suggestions cost nothing more
            self._untried = [values for values in self._untried if not _contains(history, values)]
            due = [values for values in self._untried if values not in pending]
            if due and rngs:
                return [Suggestion(values=values, origin=WARM_START) for values in due[: len(rngs)]]
        return self._suggester.suggest(history, pending, rngs)


def _contains(history: History, values: Values) -> bool:
    """Whether a history has a trial at a point."""
    row, mask = history.encode(values)
    return bool(((history.values == row) & (history.active == mask)).all(axis=1).any())
