"""Inserting trials so that a batch may be repeated (promise 1 of ``protocol.py``)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from hpsearch.core.trial import Trial
from hpsearch.errors import TrialExistsError
from hpsearch.store.documents.migration import Document
from hpsearch.store.documents.trial import trial_document, trial_from
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.errors import DUPLICATE_KEY
from hpsearch.store.mongo.reading import PAGE, read
from hpsearch.store.rules import is_same_point, received

#: Seconds until a write that another made is looked for again among those that cannot be rolled back.
_SETTLE_S = 0.02


class Insertion:
    """Adds trials to a collection, and compares those that are there already.

    Parameters
    ----------
    connection : Connection
        Carries each call over an outage.
    trials : Collection
        Where to write.
    settled : Collection
        The same, with the read concern under which nothing read can be rolled back.
    now : callable
        Returns the store's time.
    """

    def __init__(
        self,
        connection: Connection,
        trials: Collection[Document],
        settled: Collection[Document],
        now: Callable[[], datetime],
    ) -> None:
        self._call = connection.call
        self._trials = trials
        self._settled = settled
        self._now = now

    def insert(self, trials: Sequence[Trial]) -> None:
        """Add trials in order; those that are there as the same point are left as they are.

        Raises
        ------
        TrialExistsError
            At the first that is there as another point; nothing is written from there on.
        UnreadableError
            If what is there was altered, such as one that has the number of another.
        """
        waiting = list(trials)
        while waiting:
            now = self._now()
            batch = [trial_document(received(trial, now)) for trial in waiting[:PAGE]]
            n_new = self._call(self._insert_batch, batch)
            waiting = waiting[n_new:]
            if n_new < len(batch):
                waiting = waiting[self._n_there(waiting[:PAGE]) :]

    def _insert_batch(self, batch: list[Document]) -> int:
        """Insert in order up to the first number that is taken; return how many were inserted."""
        try:
            self._trials.insert_many(batch, ordered=True)
        except BulkWriteError as error:
            first: Mapping[str, Any] = next(iter(error.details["writeErrors"]), {})
            if first.get("code") != DUPLICATE_KEY:
                raise
            return int(first["index"])
        return len(batch)

    def _n_there(self, trials: list[Trial]) -> int:
        """Return how many of the trials, from the first on, are there already; raises as ``insert`` does."""
        documents = self._call(read, self._settled, queries.in_place_of(trials))
        there = {document["_id"]: trial_from(document) for document in documents}
        for n_same, trial in enumerate(trials):
            if trial.id not in there:
                if n_same == 0:
                    time.sleep(_SETTLE_S)  # written, as we know, but not yet safe from a roll-back
                return n_same
            if not is_same_point(trial, there[trial.id]):
                raise TrialExistsError(trial.id)
        return len(trials)
