"""Documents that cannot be read: each is logged once, and does not block reading the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from pymongo.collection import Collection

from hpsearch.core.trial import Trial
from hpsearch.errors import StoreError, StorePermissionError, StoreUnavailableError, UnreadableError
from hpsearch.runtime.events import Event
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.documents.trial import trial_from, unreadable_trial
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.connection import Connection

log = logging.getLogger(__name__)

T = TypeVar("T")


class CorruptDocuments:
    """Reads the documents of one database, and fails trials that cannot be read.

    Parameters
    ----------
    connection : Connection
        Repeats calls during an outage.
    trials : Collection
        The trials of all experiments.
    """

    def __init__(self, connection: Connection, trials: Collection[Document]) -> None:
        self._call = connection.call
        self._trials = trials
        self._lock = threading.Lock()
        self._logged: set[str] = set()

    def trials(
        self, documents: Iterable[Document], decode: Callable[[Document], Trial] = trial_from
    ) -> Iterator[Trial]:
        """Yield trials; in place of a corrupt one a failed trial with the reason, if its number is known.

        Parameters
        ----------
        documents : iterable of mapping
            Their documents.
        decode : callable
            Returns the trial of a document.
        """
        for document in documents:
            try:
                yield decode(document)
            except UnreadableError as error:
                self._log(error)
                failed = unreadable_trial(document, error)
                if failed is not None:
                    yield failed

    def readable(self, documents: Iterable[Document], decode: Callable[[Document], T]) -> list[T]:
        """Return the values of the documents that can be read.

        Parameters
        ----------
        documents : iterable of mapping
            Documents of any kind.
        decode : callable
            Returns the value of a document.
        """
        found = []
        for document in documents:
            try:
                found.append(decode(document))
            except UnreadableError as error:
                self._log(error)
        return found

    def change(self, wanted: queries.Filter, action: Callable[[], T]) -> T:
        """Return the result of an update of trials; if corrupt ones prevent it, fail them and repeat it.

        Parameters
        ----------
        wanted : dict
            Filter of the trials to update.
        action : callable
            Calls the driver; must be idempotent.
        """
        try:
            return self._call(action)
        except (StoreUnavailableError, StorePermissionError):
            raise
        except StoreError:
            if not self._fail_corrupt(wanted):
                raise
            return self._call(action)

    def fail(self, document: Document, error: UnreadableError) -> None:
        """Move a corrupt trial to failed unless it is final; the rest of its document stays.

        Parameters
        ----------
        document : mapping
            Of the trial.
        error : UnreadableError
            Why it cannot be read.
        """
        self._log(error)
        update = queries.fail_unreadable(str(error))
        self._call(self._trials.update_one, queries.not_final(document["_id"]), update)

    def _log(self, error: UnreadableError) -> None:
        """Log an error, unless the same was logged before."""
        with self._lock:
            is_new = str(error) not in self._logged
            self._logged.add(str(error))
        if is_new:
            log.error("%s", error, extra=Event.UNREADABLE.of())

    def _fail_corrupt(self, wanted: queries.Filter) -> int:
        """Fail the corrupt ones among some trials; return how many there were."""
        n_corrupt = 0
        for document in self._call(lambda: list(self._trials.find(wanted))):
            try:
                trial_from(document)
            except UnreadableError as error:
                self.fail(document, error)
                n_corrupt += 1
        return n_corrupt
