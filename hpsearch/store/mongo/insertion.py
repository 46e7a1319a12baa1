"""Inserting trials idempotently (guarantee 1 of ``protocol.py``)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from hpsearch.core.trial import Trial
from hpsearch.errors import TrialExistsError
from hpsearch.store.checks import is_same_point, with_store_times
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.documents.trial import trial_document, trial_from
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.errors import DUPLICATE_KEY
from hpsearch.store.mongo.reading import PAGE, read

#: Seconds between two checks whether the write of another process has reached a majority.
_SETTLE_S = 0.02


class Insertion:
    """Inserts trials, and compares those that are stored already.

    Parameters
    ----------
    connection : Connection
        Repeats calls during an outage.
    trials : Collection
        The trials of all experiments.
    settled : Collection
        The same with read concern "majority", so that nothing it reads can be rolled back.
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
        """Insert trials in order; leave those that are stored already as they are.

        Raises
        ------
        TrialExistsError
            At the first number under which a different trial is stored; the rest is not written.
        UnreadableError
            If a stored trial is corrupt, for example has the number of another.
        """
        rest = list(trials)
        while rest:
            now = self._now()
            batch = [trial_document(with_store_times(trial, now)) for trial in rest[:PAGE]]
            n_new = self._call(self._insert_batch, batch)
            rest = rest[n_new:]
            if n_new < len(batch):
                rest = rest[self._n_stored(rest[:PAGE]) :]

    def _insert_batch(self, batch: list[Document]) -> int:
        """Insert in order up to the first number in use; return how many were inserted."""
        try:
            self._trials.insert_many(batch, ordered=True)
        except BulkWriteError as error:
            first: Mapping[str, Any] = next(iter(error.details["writeErrors"]), {})
            if first.get("code") != DUPLICATE_KEY:
                raise
            return int(first["index"])
        return len(batch)

    def _n_stored(self, trials: list[Trial]) -> int:
        """Return how many trials, from the first on, are stored already; raises as ``insert`` does."""
        documents = self._call(read, self._settled, queries.same_id_or_number(trials))
        stored = {document["_id"]: trial_from(document) for document in documents}
        for n_same, trial in enumerate(trials):
            if trial.id not in stored:
                if n_same == 0:
                    time.sleep(_SETTLE_S)  # stored, but not yet on a majority
                return n_same
            if not is_same_point(trial, stored[trial.id]):
                raise TrialExistsError(trial.id)
        return len(trials)
