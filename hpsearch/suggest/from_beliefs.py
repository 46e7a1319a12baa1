"""Points drawn from a user's beliefs, among the suggestions of any suggester.

Of the first ten trials every second one is drawn from the beliefs, the very first at the believed values
themselves; parameters without a belief are drawn from the prior. Later, a trial is drawn from the beliefs
with a probability that falls with the square of the number of trials, so that beliefs take about five more
trials, however long the search. Beliefs that the trials contradict are left out (``preference``). TPE and the
GP, in addition, prefer what agrees with the beliefs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hpsearch.core.history import History
from hpsearch.space.distribution import Numeric
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.beliefs import Beliefs
from hpsearch.suggest.preference import preference
from hpsearch.suggest.protocol import Suggester, Suggestion

#: Number of first trials of which every second one is drawn from the beliefs.
_N_FIRST = 10


class FromBeliefs:
    """Replaces some suggestions by points drawn from beliefs.

    Parameters
    ----------
    suggester : Suggester
        A suggester for ``space``.
    space : Space
        The space to search.
    beliefs : Beliefs
        Beliefs about its parameters.
    """

    def __init__(self, suggester: Suggester, space: Space, beliefs: Beliefs) -> None:
        self._suggester = suggester
        self._space = space
        self._beliefs = beliefs

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``."""
        n_known = len(history.whole) + len(pending)
        trust = preference(self._beliefs, history).trust
        is_trusted = any(trust.values())
        drawn = {
            i: self._draw(rng, trust, is_centre=n_known + i == 0)
            for i, rng in enumerate(rngs)
            if is_trusted and _is_turn(n_known + i, rng)
        }
        others = [rng for i, rng in enumerate(rngs) if i not in drawn]
        waiting = [*pending, *(suggestion.values for suggestion in drawn.values())]
        rest = iter(self._suggester.suggest(history, waiting, others) if others else ())
        suggestions = []
        for i in range(len(rngs)):
            suggestion = drawn[i] if i in drawn else next(rest, None)
            if suggestion is None:
                break  # the suggester has no more points
            suggestions.append(suggestion)
        return suggestions

    def _draw(self, rng: np.random.Generator, trust: Mapping[int, float], *, is_centre: bool) -> Suggestion:
        """Draw a point: from the trusted beliefs what they are about, the rest from the prior."""
        values: dict[str, float | int] = {}
        for j, parameter in enumerate(self._space.parameters):
            if not parameter.is_active(values):
                continue
            belief = self._beliefs.by_column.get(j)
            if belief is None or rng.random() >= trust[j]:
                values[parameter.label] = parameter.distribution.sample(rng)
                continue
            value = belief.centre if is_centre else float(belief.draw(1, rng)[0])
            values[parameter.label] = value if isinstance(parameter.distribution, Numeric) else int(value)
        return Suggestion(values=values, origin="belief")


def _is_turn(n: int, rng: np.random.Generator) -> bool:
    """Whether trial ``n`` is drawn from the beliefs."""
    if n < _N_FIRST:
        return n % 2 == 0
    return bool(rng.random() < 0.5 * (_N_FIRST / n) ** 2)
