"""The default: a Gaussian process and a Parzen estimator that take turns on one history.

Where the loss is smooth, the process finds the optimum within few trials, and the estimator's
trials gain from it; where it is rugged, or too large for a process, the estimator goes on. In
many parameters the process looks only around the best trial in every other of its turns: most of
what it knows nothing of lies there in corners far from anything good. ``turns`` says whose turn it is.
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

#: Candidates of the estimator: fewer than it takes alone, for the greedy one of the two is the process.
_N_CANDIDATES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoOptions:
    """What can be set; the defaults are meant to be kept."""

    n_startup: int = 10  #: trials before which points are drawn from the prior
    max_gp_trials: int = 400  #: trials, finished or not, beyond which the process takes no more turns
    max_gp_dims: int = 60  #: parameters beyond which it takes none, each option of a choice counted as one

    def __post_init__(self) -> None:
        for name in ("n_startup", "max_gp_trials", "max_gp_dims"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ConfigurationError(f"The option {name} of auto must be a whole number from 0 up.")


class Auto:
    """Proposes by turns; see the module."""

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
            return self._tpe.suggest(history, pending, rngs)  # all at once, which costs less
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
        """Return where the process looks, or None where it is not its turn."""
        n_trials = n_finished + n_pending
        if not self._is_small(n_trials) or n_trials < self.options.n_startup:
            return None
        return next_region(n_finished, n_pending, len(self.space.parameters))

    def _is_small(self, n_trials: int) -> bool:
        """Whether the search is small enough for the process."""
        return n_trials <= self.options.max_gp_trials and self._gp.n_features <= self.options.max_gp_dims
