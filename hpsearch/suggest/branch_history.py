"""The trials of one branch of a space."""

from __future__ import annotations

import numpy as np

from hpsearch.core.history import History
from hpsearch.space.tree import Space
from hpsearch.suggest.branches import Branch


class BranchHistory:
    """Collects the trials of a branch from a history that grows.

    Parameters
    ----------
    space : Space
        The space of the history.
    branch : Branch
        The branch.
    """

    def __init__(self, space: Space, branch: Branch) -> None:
        self._space, self._branch = space, branch
        self._source: History | None = None
        self._n_read = 0
        self._trials = History(space)

    def read(self, history: History) -> History:
        """Return the trials of the branch, in the same order; reads only the new rows of the last history."""
        if history is not self._source or len(history) < self._n_read:
            self._source, self._n_read, self._trials = history, 0, History(self._space)
        new = self._n_read + np.flatnonzero(self._branch.rows(history, self._n_read))
        self._trials.extend(history, new)
        self._n_read = len(history)
        return self._trials
