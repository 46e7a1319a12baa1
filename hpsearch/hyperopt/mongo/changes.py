"""Reads the trials of an experiment again and again, each only until it is final."""

from __future__ import annotations

from dataclasses import dataclass

from hpsearch.core.trial import State, Trial
from hpsearch.store.protocol import TrialStore

_OPEN = (State.PENDING, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Changes:
    """What a look at an experiment brought."""

    trials: list[Trial]  #: all that are open, and those that became final, by number
    was_deleted: bool = False  #: what was known is there no more: somebody deleted the experiment


class ChangeReader:
    """What has changed among the trials of an experiment since the last look.

    Each look asks for the trials that are open, for the highest number, and for those final
    now of which that was not known. So it costs as much as there are open and new trials,
    however many are final.
    """

    def __init__(self, store: TrialStore, exp_key: str) -> None:
        self._store, self._exp_key = store, exp_key
        self._next_tid = 0  # no trial from here on is known
        self._unsettled: set[int] = set()  # numbers below that are not known to be final

    def changes(self) -> Changes:
        """Look, and remember what was seen; of what is gone, only another reader learns what is there now."""
        # In this order: a trial that moves on meanwhile is seen late, and never missed.
        open_now = {t.tid: t for t in self._store.trials(self._exp_key, states=_OPEN)}
        newest = next(self._store.trials(self._exp_key, sort="newest", limit=1), None)
        next_tid = 0 if newest is None else newest.tid + 1
        if next_tid < self._next_tid:
            return Changes([], was_deleted=True)
        self._unsettled.update(range(self._next_tid, next_tid), open_now)
        self._next_tid = next_tid
        final = self._store.finished(self._exp_key, self._unsettled - open_now.keys())
        self._unsettled.difference_update(trial.tid for trial in final)
        seen = sorted([*open_now.values(), *final], key=lambda trial: trial.tid)
        return Changes(seen)
