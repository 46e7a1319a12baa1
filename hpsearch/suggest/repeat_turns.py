"""The turns of ``auto`` that evaluate a point again; see ``noise``.

The models of ``auto`` learn from the first trial of each point alone, so that a repeat gives a point no more
weight, and a deterministic search goes on as it would without repeats.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpsearch.core.history import History
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.filtered_history import FilteredHistory
from hpsearch.suggest.noise import Noise, Repeats, is_repeat_due, learned_noise, may_repeat


class RepeatTurns:
    """Chooses the points to evaluate again; depends on the history and the pending points alone.

    Parameters
    ----------
    space : Space
        The space to search.
    is_enabled : bool
        Whether there are such turns at all.
    """

    def __init__(self, space: Space, *, is_enabled: bool = True) -> None:
        self._may_repeat = is_enabled and may_repeat(space)
        self._repeats = Repeats()
        self._firsts = FilteredHistory(self._repeats.are_first)

    def point(self, history: History, pending: Sequence[Values]) -> Values | None:
        """Return the point to evaluate again, the best one so far; None if it is no such turn.

        Parameters
        ----------
        history : History
            Finished trials.
        pending : sequence of Values
            Points that wait or are under evaluation.
        """
        is_condensed = history.outcomes is not None
        if is_condensed or not self._may_repeat or not is_repeat_due(len(history), len(pending), 0):
            return None
        repeated = self._repeats.read(history)
        n_repeats = sum(len(rows) - 1 for rows in repeated) + self._repeats.count_known(pending, history)
        if not is_repeat_due(len(history), len(pending), n_repeats):
            return None
        losses = history.measured
        noise = learned_noise(losses, repeated)
        if noise is Noise.NONE or not (losses < np.inf).any():
            return None
        return history.point(_best(history) if noise is Noise.NOISY else int(np.nanargmin(losses)))

    def firsts(self, history: History) -> History:
        """Return a history of the first trial of each point; the same one while no point has several."""
        if history.outcomes is not None or not self._may_repeat or not self._repeats.read(history):
            return history
        return self._firsts.read(history)


def _best(history: History) -> int:
    """Return the row of the trial that is most likely best."""
    # Importing scipy.optimize takes long, and no start-up trial needs it.
    from hpsearch.suggest.believed_losses import believed_losses

    believed = believed_losses(history)
    return int(np.nanargmin(history.measured)) if believed is None else believed.best
