"""A bounded part of a history in its total order, for suggesters that learn from one number.

The place of a trial changes with each trial that comes, so the order is computed for each, of the newest
trials and of an archive of the best older ones alone. The archive is a fold over blocks of trials, hence a
function of the history: a new process reads the same one. All trials of a short search are in the digest.
"""

from __future__ import annotations

import numpy as np

from hpsearch.core.front import Rows
from hpsearch.core.history import Floats, History
from hpsearch.suggest.objectives.order import total_order
from hpsearch.suggest.tpe.split import MAX_GOOD

#: Trials that pass into the archive together. The newest one to two blocks are all in the digest, too.
_BLOCK = 256
#: Largest number of trials in the archive.
_N_ARCHIVED = 200


class Digest:
    """The part of a history to learn from."""

    def __init__(self) -> None:
        self._forget(None)

    def _forget(self, history: History | None) -> None:
        self._history = history
        self._n_archived = 0  # trials that have passed into the archive, or out
        self._archive = np.zeros(0, dtype=np.intp)
        self._found: History | None = None
        self._n = -1

    def read(self, history: History) -> History:
        """Return a condensed history whose losses are places in the total order.

        Parameters
        ----------
        history : History
            Finished trials. The cost of a call grows only with those since the last one.

        Returns
        -------
        History
            The given one, if it has one objective and no limits, or is condensed already.
        """
        if history.outcomes is None or history.whole is not history:
            return history
        if history is not self._history or len(history) < self._n:
            self._forget(history)
        if self._found is None or len(history) > self._n:
            self._n = len(history)
            self._found = self._read(history)
        return self._found

    def _read(self, history: History) -> History:
        while len(history) - self._n_archived >= 2 * _BLOCK:
            self._n_archived += _BLOCK
            rows = np.append(self._archive, np.arange(self._n_archived - _BLOCK, self._n_archived))
            self._archive = rows[_places(history, rows) < _N_ARCHIVED]  # in order of completion
        rows = np.append(self._archive, np.arange(self._n_archived, len(history)))
        return history.condensed(rows, _places(history, rows))


def _places(history: History, rows: Rows) -> Floats:
    """Return the places of some trials in their total order; NaN for failed ones."""
    return total_order(history.objectives[rows], history.violations[rows], MAX_GOOD)
