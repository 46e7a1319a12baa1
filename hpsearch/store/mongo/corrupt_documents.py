"""Trials with corrupt documents: each is logged once, and does not block reading the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from pymongo.collection import Collection

from hpsearch.core.trial import Trial
from hpsearch.errors import StoreError, StorePermissionError, StoreUnavailableError, UnreadableError
from hpsearch.runtime.events import Event
from hpsearch.store.documents.migration import Document
from hpsearch.store.documents.trial import trial_from, unreadable_trial
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.connection import Connection

log = logging.getLogger(__name__)

T = TypeVar("T")


class CorruptDocuments:
    """Reads the trials of one database, and fails those open ones that cannot be read."""

    def __init__(self, connection: Connection, trials: Collection[Document]) -> None:
        self._call = connection.call
        self._trials = trials
        self._lock = threading.Lock()
        self._told: set[str] = set()

    def read(
        self, documents: Iterable[Document], decode: Callable[[Document], Trial] = trial_from
    ) -> Iterator[Trial]:
        """Yield trials; for one that cannot be read, a failed one that says why, if its number is known."""
        for document in documents:
            try:
                yield decode(document)
            except UnreadableError as error:
                self.tell(error)
                stand_in = unreadable_trial(document, error)
                if stand_in is not None:
                    yield stand_in

    def readable(self, documents: Iterable[Document], read: Callable[[Document], T]) -> list[T]:
        """Return those of other documents that can be read."""
        found = []
        for document in documents:
            try:
                found.append(read(document))
            except UnreadableError as error:
                self.tell(error)
        return found

    def tell(self, error: UnreadableError) -> None:
        """Log what cannot be read; the same thing once."""
        with self._lock:
            is_news = str(error) not in self._told
            self._told.add(str(error))
        if is_news:
            log.error("%s", error, extra=Event.UNREADABLE.of())

    def change(self, wanted: queries.Filter, action: Callable[[], T]) -> T:
        """Return what an action on some trials returns; where damaged ones prevent it, they are failed first.

        Parameters
        ----------
        wanted : dict
            The trials that the action is about.
        action : callable
            Calls the driver; it may be repeated.
        """
        try:
            return self._call(action)
        except (StoreUnavailableError, StorePermissionError):
            raise
        except StoreError:
            if not self._fail_damaged(wanted):
                raise
            return self._call(action)

    def fail(self, document: Document, error: UnreadableError) -> None:
        """Move an open trial that cannot be read to failed; all else in its document stays."""
        self.tell(error)
        update = queries.fail_unreadable(str(error))
        self._call(self._trials.update_one, queries.still_open(document["_id"]), update)

    def _fail_damaged(self, wanted: queries.Filter) -> int:
        """Fail those of the trials that cannot be read; return how many there were."""
        n_damaged = 0
        for document in self._call(lambda: list(self._trials.find(wanted))):
            try:
                trial_from(document)
            except UnreadableError as error:
                self.fail(document, error)
                n_damaged += 1
        return n_damaged
