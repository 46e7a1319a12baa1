"""A random mixture of algorithms on one history.

A share of random trials costs little and keeps a search from settling too early; a share of annealing refines
what another algorithm has found.
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
    """Options of ``mix``."""

    #: relative probability of each algorithm, by name; positive
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
    """Proposes each point by one of several suggesters, chosen at random.

    Parameters
    ----------
    suggesters : sequence of n Suggesters
        At least one, all for the same space.
    shares : sequence of n floats
        Relative probability of each; positive.
    """

    def __init__(self, suggesters: Sequence[Suggester], shares: Sequence[float]) -> None:
        self._suggesters = suggesters
        self._bounds = np.cumsum(shares) / math.fsum(shares)

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``.

        The suggester of a point depends on the point's generator alone.
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
