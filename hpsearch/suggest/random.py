"""Random search: each point is an independent draw from the prior."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.core.history import History
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.protocol import Suggestion


class RandomSearch:
    """Proposes draws from the prior, regardless of the history.

    Parameters
    ----------
    space : Space
        The space to search.
    """

    def __init__(self, space: Space) -> None:
        self.space = space

    def suggest(
        self,
        history: History,
        pending: Sequence[Values],
        rngs: Sequence[np.random.Generator],
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``."""
        return [Suggestion(values=self.space.sample(rng), origin="random") for rng in rngs]
