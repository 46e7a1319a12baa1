"""Lets any suggester learn from trials with several objectives or outcome limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.core.history import History
from hpsearch.space.tree import Values
from hpsearch.suggest.objectives.digest import Digest
from hpsearch.suggest.protocol import Suggester, Suggestion


class WithOutcomes:
    """Shows another suggester a condensed history; with one objective and no limits, the history itself.

    Parameters
    ----------
    suggester : Suggester
        Proposes all points.
    """

    def __init__(self, suggester: Suggester) -> None:
        self._suggester = suggester
        self._digest = Digest()

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``."""
        return self._suggester.suggest(self._digest.read(history), pending, rngs)
