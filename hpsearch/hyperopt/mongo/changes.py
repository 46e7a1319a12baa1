"""Reads the changes of an experiment's trials; finished trials are read once."""

from __future__ import annotations

from hpsearch.core.trial import State, Trial
from hpsearch.store.protocol import TrialStore

_OPEN = (State.PENDING, State.RUNNING)


class ChangeReader:
    """Reads what changed among the trials of an experiment since the last read.

    Each read asks for the open trials, the highest number, and the trials that finished since.
    Its cost depends on the number of open and new trials, not on the number of finished ones.

    Parameters
    ----------
    store : TrialStore
        The store that holds the trials.
    exp_key : str
        Name of the experiment.
    """

    def __init__(self, store: TrialStore, exp_key: str) -> None:
        self._store, self._exp_key = store, exp_key
        self._next_tid = 0  # trials from this number on have not been read
        self._unsettled: set[int] = set()  # numbers below that were not finished when read

    def changes(self) -> list[Trial] | None:
        """Return all open trials and the newly finished ones, by number; None if the experiment was deleted.

        After a deletion, create a new ``ChangeReader``.
        """
        # Open trials first: a trial that finishes between the queries is seen late, but never missed.
        open_now = {t.tid: t for t in self._store.trials(self._exp_key, states=_OPEN)}
        newest = next(self._store.trials(self._exp_key, sort="newest", limit=1), None)
        next_tid = 0 if newest is None else newest.tid + 1
        if next_tid < self._next_tid:
            return None
        self._unsettled.update(range(self._next_tid, next_tid), open_now)
        self._next_tid = next_tid
        final = self._store.finished(self._exp_key, self._unsettled - open_now.keys())
        self._unsettled.difference_update(trial.tid for trial in final)
        return sorted([*open_now.values(), *final], key=lambda trial: trial.tid)
