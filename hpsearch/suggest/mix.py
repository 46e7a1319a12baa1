"""Several algorithms on one history: for each trial, one of them by chance.

A share of random trials keeps a search from settling too early, and costs little; a share of
annealing refines what another algorithm has found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from hpsearch.core.history import History
from hpsearch.errors import ConfigurationError
from hpsearch.space.tree import Values
from hpsearch.suggest.protocol import Suggester, Suggestion


def _shares() -> dict[str, float]:
    return {"tpe": 0.7, "anneal": 0.2, "random": 0.1}


@dataclass(frozen=True, slots=True, kw_only=True)
class MixOptions:
    """What can be set."""

    #: how often each algorithm is asked, by name
    shares: Mapping[str, float] = field(default_factory=_shares)

    def __post_init__(self) -> None:
        if not isinstance(self.shares, Mapping) or not self.shares:
            raise ConfigurationError(
                'The option shares of mix must name algorithms, such as {"tpe": 3, "random": 1}.'
            )
        for name, share in self.shares.items():
            is_number = isinstance(share, int | float) and not isinstance(share, bool)
            if not is_number or not 0 < share < math.inf:
                raise ConfigurationError(f"The share of {name} in the option shares of mix must be above 0.")


class Mix:
    """Passes on what one of several suggesters proposes.

    Parameters
    ----------
    suggesters : sequence of Suggester
        At least one, all of the same space.
    shares : sequence of float
        How often each is asked, in any unit; above 0.
    """

    def __init__(self, suggesters: Sequence[Suggester], shares: Sequence[float]) -> None:
        self._suggesters = suggesters
        self._bounds = np.cumsum(shares) / math.fsum(shares)

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``.

        Which suggester a point is from depends on its own generator alone.
        """
        waiting = list(pending)
        suggestions: list[Suggestion] = []
        for rng in rngs:
            # The last bound is 1 only up to rounding.
            i = min(int(np.searchsorted(self._bounds, rng.random(), side="right")), len(self._bounds) - 1)
            (suggestion,) = self._suggesters[i].suggest(history, waiting, [rng])
            waiting.append(suggestion.values)
            suggestions.append(suggestion)
        return suggestions
