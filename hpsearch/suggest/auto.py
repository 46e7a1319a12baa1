"""The default algorithm: a GP and TPE in turn, on one history.

On smooth losses, the GP finds the optimum in few trials, from which the trials of TPE gain. On rugged losses,
and in searches too large for a GP, TPE makes progress. In many parameters the GP restricts every second of
its suggestions to the neighbourhood of the best trial, since most unexplored regions are corners far from
anything good. ``auto_schedule`` decides whose turn it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import History
from hpsearch.errors import ConfigurationError
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.auto_schedule import next_region
from hpsearch.suggest.gp.search_region import SearchRegion
from hpsearch.suggest.gp.suggest import GaussianProcess
from hpsearch.suggest.protocol import Suggestion
from hpsearch.suggest.tpe.suggest import TPE, TPEOptions

#: Candidates of TPE: fewer than TPE takes alone, since the GP is the greedy one of the two.
_N_CANDIDATES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoOptions:
    """Options of ``auto``; the defaults suit most searches."""

    n_startup: int = 10  #: trials, finished or pending, drawn from the prior first
    max_gp_trials: int = 400  #: finished and pending trials beyond which only TPE suggests
    max_gp_dims: int = 60  #: parameters beyond which only TPE suggests; each option of a choice counts as one

    def __post_init__(self) -> None:
        for name in ("n_startup", "max_gp_trials", "max_gp_dims"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ConfigurationError(f"The option {name} of auto must be a whole number from 0 up.")


class Auto:
    """Proposes points of a GP and of TPE in turn.

    Parameters
    ----------
    space : Space
        The space to search.
    options : AutoOptions, optional
        The defaults if not given.
    """

    def __init__(self, space: Space, options: AutoOptions | None = None) -> None:
        self.space = space
        self.options = options or AutoOptions()
        self._tpe = TPE(space, TPEOptions(n_startup=self.options.n_startup, n_candidates=_N_CANDIDATES))
        self._gp = GaussianProcess(space)

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``."""
        if not self._is_small(len(history) + len(pending)):
            return self._tpe.suggest(history, pending, rngs)  # in one batch, which is cheaper
        waiting = list(pending)
        suggestions = []
        for rng in rngs:
            suggestion = self._propose(history, waiting, rng)
            waiting.append(suggestion.values)
            suggestions.append(suggestion)
        return suggestions

    def _propose(self, history: History, pending: list[Values], rng: np.random.Generator) -> Suggestion:
        """Propose one point."""
        region = self._search_region(len(history), len(pending))
        if region is not None:
            values = self._gp.suggest(history, pending, rng, region)
            if values is not None:
                return Suggestion(values=values, origin="gp")
        (suggestion,) = self._tpe.suggest(history, pending, [rng])
        return suggestion

    def _search_region(self, n_finished: int, n_pending: int) -> SearchRegion | None:
        """Return where the GP looks, or None when it is the turn of TPE."""
        n_trials = n_finished + n_pending
        if not self._is_small(n_trials) or n_trials < self.options.n_startup:
            return None
        return next_region(n_finished, n_pending, len(self.space.parameters))

    def _is_small(self, n_trials: int) -> bool:
        """Whether the search is small enough for the GP."""
        return n_trials <= self.options.max_gp_trials and self._gp.n_features <= self.options.max_gp_dims
