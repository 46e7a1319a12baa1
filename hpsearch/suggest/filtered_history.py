"""A part of a history that grows, such as the trials of one branch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hpsearch.core.history import Bools, History


class FilteredHistory:
    """Collects some trials of a history, in the same order.

    Parameters
    ----------
    select : callable
        Returns for each trial of a history, from a given row on, whether it belongs to the part. The answer
        may depend on earlier rows, but not on later ones.
    """

    def __init__(self, select: Callable[[History, int], Bools]) -> None:
        self._select = select
        self._source: History | None = None
        self._n_read = 0

    def read(self, history: History) -> History:
        """Return the part of a history; reads only the new rows of the last history."""
        if history is not self._source or len(history) < self._n_read:
            self._source, self._n_read = history, 0
            self._trials = History(history.space, history.outcomes)
        new = self._n_read + np.flatnonzero(self._select(history, self._n_read))
        self._trials.extend(history, new)
        self._n_read = len(history)
        return self._trials
