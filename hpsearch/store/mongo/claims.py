"""Claiming trials (guarantees 2 and 3 of ``protocol.py``)."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo import ReturnDocument
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError

from hpsearch.core.trial import Trial
from hpsearch.core.worker import Worker
from hpsearch.errors import UnreadableError
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.documents.trial import holder_document, trial_from
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.corrupt_documents import CorruptDocuments


class Claims:
    """Claims the next trial of some experiments.

    Parameters
    ----------
    connection : Connection
        Repeats calls during an outage.
    trials : Collection
        The trials of all experiments.
    corrupt : CorruptDocuments
        Fails trials that cannot be read.
    """

    def __init__(
        self, connection: Connection, trials: Collection[Document], corrupt: CorruptDocuments
    ) -> None:
        self._call = connection.call
        self._trials = trials
        self._corrupt = corrupt

    def claim(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Trial | None:
        """Claim a trial as ``TrialStore.claim`` does; fail those on the way that cannot be read.

        Parameters
        ----------
        worker : Worker
            The claiming worker.
        token : str
            New and random for each claim; the same to repeat one.
        exp_keys : sequence of str
            Names of the experiments, in the order in which to look for a pending trial.
        """
        while exp_keys and (document := self._claim_document(worker, token, exp_keys)) is not None:
            try:
                return trial_from(document)
            except UnreadableError as error:
                self._corrupt.fail(document, error)
        return None

    def _claim_document(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Document | None:
        """Claim from the first experiment that has a pending trial; return the trial's document.

        The first one listed usually has one, so that one call is enough. Otherwise one index lookup finds
        which of the others do, however many trials and experiments there are.
        """
        update = queries.claim(token, holder_document(worker.holder))

        def claim_one(pending: queries.Filter) -> Document | None:
            try:
                return self._trials.find_one_and_update(
                    pending, update, sort=queries.QUEUE_ORDER, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:  # an earlier call of the same claim succeeded
                return self._trials.find_one(queries.claimed_with(token))

        def claim_from(exp_key: str) -> Document | None:
            pending = queries.pending(exp_key)
            return self._corrupt.change(pending, lambda: claim_one(pending))

        first, *others = exp_keys
        if (document := claim_from(first)) is not None:
            return document
        with_pending = self._with_pending(others) if others else set()
        for exp_key in filter(with_pending.__contains__, others):
            if (document := claim_from(exp_key)) is not None:
                return document
        # Nothing is pending, perhaps because an earlier call of the same claim took the last trial.
        return self._call(self._trials.find_one, queries.claimed_with(token))

    def _with_pending(self, exp_keys: Sequence[str]) -> set[str]:
        """Return the experiments that have pending trials."""
        return set(self._call(self._trials.distinct, "exp_key", queries.pending_in_any(exp_keys)))
