"""Waking up when a trial changes: one change stream, as a hint; polling where there is none."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import Any

from bson.errors import BSONError
from pymongo.collection import Collection
from pymongo.errors import OperationFailure, PyMongoError

from hpsearch.runtime.events import Event
from hpsearch.store.documents.migration import Document
from hpsearch.store.mongo.errors import NO_REPLICA_SET, UNAUTHORIZED

log = logging.getLogger(__name__)

#: Seconds between two looks where there is no change stream, or it just broke.
POLL_S = 0.1

#: Milliseconds that the server holds one question open; bounds how late a timeout is noticed.
_AWAIT_MS = 100

#: Seconds that the end of a wait in another thread may take.
_PATIENCE_S = 1.0

#: Moves from state to state; not heartbeats and reports, nor the trials that a coordinator inserts itself.
#: An update that changes most of a document is told as its replacement.
_IS_MOVE = [{"operationType": "replace"}, {"updateDescription.updatedFields.state": {"$exists": True}}]
_MOVES: list[dict[str, Any]] = [
    {"$changeStream": {}},
    {"$match": {"$or": _IS_MOVE}},
    {"$project": {"documentKey": 1}},
]


class Changes:
    """Waits for trials of an experiment to move; opened by the first wait.

    Parameters
    ----------
    trials : Collection
        The trials of all experiments.
    has_stream : bool
        Whether the server has change streams at all.
    """

    def __init__(self, trials: Collection[Document], *, has_stream: bool) -> None:
        self._trials = trials
        self._has_stream = has_stream
        self._stream: _Stream | None = None
        self._had_stream = False  # what this user had may be taken away for a moment, but comes back
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def wait(self, exp_key: str, timeout_s: float) -> None:
        """Return when a trial of the experiment may have moved, or after the timeout."""
        # The stream serves one thread at a time; others poll.
        if self._has_stream and self._lock.acquire(blocking=False):
            try:
                self._watch(exp_key, timeout_s)
            finally:
                self._lock.release()
        else:
            self._closed.wait(min(timeout_s, POLL_S))

    def close(self) -> None:
        """End a wait in progress, and the stream; the server would keep it for half an hour."""
        self._closed.set()
        if self._lock.acquire(timeout=_PATIENCE_S):
            try:
                if self._stream is not None:
                    self._stream.close()
            finally:
                self._lock.release()

    def _watch(self, exp_key: str, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        try:
            if self._stream is None:
                # What moved before this instant is not in the stream: the caller has to look.
                self._stream = _Stream(self._trials)
                self._had_stream = True
                return
            while time.monotonic() < deadline and not self._closed.is_set():
                if any(_concerns(change, exp_key) for change in self._stream.news()):
                    return
        except (PyMongoError, BSONError) as error:
            self._drop(error)
            self._closed.wait(min(max(0.0, deadline - time.monotonic()), POLL_S))

    def _drop(self, error: Exception) -> None:
        """Forget a stream that broke; the next wait opens another unless none is to be had."""
        self._stream = None
        if self._had_stream or not isinstance(error, OperationFailure):
            return
        if error.code in {UNAUTHORIZED, NO_REPLICA_SET}:
            self._has_stream = False
            log.info("no change streams here, polling instead: %s", error, extra=Event.POLLING.of())


class _Stream:
    """A change stream that hands out all it has at once.

    The driver's own hands out one change after another. In a large fleet trials move more often
    than the coordinator looks; each of the changes that one look has taken in would wake it
    once more, and the stream would fall ever further behind.
    """

    def __init__(self, trials: Collection[Document]) -> None:
        self._database, self._name = trials.database, trials.name
        self._session = trials.database.client.start_session()
        ask = {"aggregate": self._name, "pipeline": _MOVES, "cursor": {}}
        self._cursor = self._database.command(ask, session=self._session)["cursor"]["id"]

    def close(self) -> None:
        """Let the server forget the stream, if it is there to do so."""
        with suppress(PyMongoError):
            ask = {"killCursors": self._name, "cursors": [self._cursor]}
            self._database.command(ask, session=self._session)
        self._session.end_session()

    def news(self) -> list[Document]:
        """Return the changes since the last call; wait a moment for one where there is none.

        Raises
        ------
        OperationFailure
            If the stream is over: the collection was dropped, or the server has moved on.
        """
        ask = {"getMore": self._cursor, "collection": self._name, "maxTimeMS": _AWAIT_MS}
        cursor = self._database.command(ask, session=self._session)["cursor"]
        # Once the server ends the stream, the number is 0, which the next call is refused with.
        self._cursor = cursor["id"]
        changes: list[Document] = cursor["nextBatch"]
        return changes


def _concerns(change: Document, exp_key: str) -> bool:
    return bool(change["documentKey"]["_id"].startswith(exp_key + "/"))
