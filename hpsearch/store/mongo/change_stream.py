"""Waiting until a trial changes: on a change stream, or by polling where there is none."""

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
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.mongo.errors import NO_REPLICA_SET, UNAUTHORIZED

log = logging.getLogger(__name__)

#: Seconds between two polls where there is no change stream or it just broke.
POLL_S = 0.1

#: Milliseconds that the server waits for a change in one call; a timeout is noticed no later.
_AWAIT_MS = 100

#: Seconds that ``close`` waits for a wait in another thread to end.
_CLOSE_S = 1.0

#: Matches changes of state, not heartbeats, reports or inserts; the server reports an update that changes
#: most of a document as a replacement.
_IS_MOVE = [{"operationType": "replace"}, {"updateDescription.updatedFields.state": {"$exists": True}}]
_MOVES: list[dict[str, Any]] = [
    {"$changeStream": {}},
    {"$match": {"$or": _IS_MOVE}},
    {"$project": {"documentKey": 1}},
]


class Changes:
    """Waits until a trial of an experiment changes its state; the first wait opens the stream.

    Parameters
    ----------
    trials : Collection
        The trials of all experiments.
    has_stream : bool
        Whether the server has change streams.

    Attributes
    ----------
    has_stream : bool
        The same, and whether this user may open them; known after the first wait.
    """

    def __init__(self, trials: Collection[Document], *, has_stream: bool) -> None:
        self._trials = trials
        self.has_stream = has_stream
        self._stream: _Stream | None = None
        self._had_stream = False  # a right that this user had before may be revoked only for a moment
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def wait(self, exp_key: str | None, timeout_s: float) -> None:
        """Return when a trial may have changed its state, or after the timeout.

        Parameters
        ----------
        exp_key : str or None
            Name of the experiment; None for any.
        timeout_s : float
            Seconds; not negative.
        """
        # One thread at a time reads the stream; others poll.
        if self.has_stream and self._lock.acquire(blocking=False):
            try:
                self._watch(exp_key, timeout_s)
            finally:
                self._lock.release()
        else:
            self._closed.wait(min(timeout_s, POLL_S))

    def close(self) -> None:
        """End a wait in progress and the stream, which the server would keep open for half an hour."""
        self._closed.set()
        if self._lock.acquire(timeout=_CLOSE_S):
            try:
                if self._stream is not None:
                    self._stream.close()
            finally:
                self._lock.release()

    def _watch(self, exp_key: str | None, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        try:
            if self._stream is None:
                # Earlier changes are not in the stream, so the caller has to check.
                self._stream = _Stream(self._trials)
                self._had_stream = True
                return
            while time.monotonic() < deadline and not self._closed.is_set():
                if any(_concerns(change, exp_key) for change in self._stream.next_changes()):
                    return
        except (PyMongoError, BSONError) as error:
            self._drop(error)
            self._closed.wait(min(max(0.0, deadline - time.monotonic()), POLL_S))

    def _drop(self, error: Exception) -> None:
        """Discard a broken stream; the next wait opens another if the server has any."""
        self._stream = None
        if self._had_stream or not isinstance(error, OperationFailure):
            return
        if error.code in {UNAUTHORIZED, NO_REPLICA_SET}:
            self.has_stream = False
            log.info("change streams are not available, polling instead: %s", error, extra=Event.POLLING.of())


class _Stream:
    """A change stream that returns all available changes at once.

    The driver's own stream returns one change at a time. In a large fleet trials change more often
    than the coordinator polls, so that it would wake up again for changes that it has already seen, and the
    stream would fall further and further behind.
    """

    def __init__(self, trials: Collection[Document]) -> None:
        self._database, self._name = trials.database, trials.name
        self._session = trials.database.client.start_session()
        command = {"aggregate": self._name, "pipeline": _MOVES, "cursor": {}}
        self._cursor = self._database.command(command, session=self._session)["cursor"]["id"]

    def close(self) -> None:
        """Close the stream on the server, if it answers."""
        with suppress(PyMongoError):
            command = {"killCursors": self._name, "cursors": [self._cursor]}
            self._database.command(command, session=self._session)
        self._session.end_session()

    def next_changes(self) -> list[Document]:
        """Return the changes since the last call; wait a moment if there is none yet.

        Raises
        ------
        OperationFailure
            If the stream has ended: the collection was dropped, or its history was overwritten.
        """
        command = {"getMore": self._cursor, "collection": self._name, "maxTimeMS": _AWAIT_MS}
        cursor = self._database.command(command, session=self._session)["cursor"]
        # 0 once the server has ended the stream; the next call then fails.
        self._cursor = cursor["id"]
        changes: list[Document] = cursor["nextBatch"]
        return changes


def _concerns(change: Document, exp_key: str | None) -> bool:
    return exp_key is None or bool(change["documentKey"]["_id"].startswith(exp_key + "/"))
