"""One thread that waits for changes in the database, and tells every open page about them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum

from hpsearch.errors import HpsearchError, NotFoundError
from hpsearch.store.protocol import TrialStore

#: Seconds after which a page learns of slow changes, such as of workers, although no trial changed.
_TICK_S = 5.0
#: Seconds between two reads where the database reports no changes.
POLL_S = 2.0
#: The least seconds between two messages.
_PAUSE_S = 0.25
#: A round of reads may take this share of the time.
_MAX_LOAD = 0.2

#: The pages that show all searches.
ALL = ""


class Message(StrEnum):
    """What pages are notified of."""

    CHANGED = "changed"  #: something on the page may have changed
    AWAY = "away"  #: MongoDB cannot be reached
    CLOSED = "closed"  #: this server ends


class Listener:
    """One open page; only the latest message waits for it.

    Parameters
    ----------
    topic : str
        The search that it shows; ``ALL`` for the list.
    loop : event loop
        Where it waits.
    """

    def __init__(self, topic: str, loop: asyncio.AbstractEventLoop) -> None:
        self.topic = topic
        self._loop = loop
        self._messages: asyncio.Queue[Message] = asyncio.Queue(maxsize=1)

    def tell(self, message: Message) -> None:
        """Leave a message, from any thread."""
        self._loop.call_soon_threadsafe(self._put, message)

    async def next(self, timeout_s: float) -> Message | None:
        """Return the next message; None after the timeout."""
        try:
            return await asyncio.wait_for(self._messages.get(), timeout_s)
        except TimeoutError:
            return None

    def _put(self, message: Message) -> None:
        if self._messages.full():
            self._messages.get_nowait()
        self._messages.put_nowait(message)


class Changes:
    """Watches the database while a page is open.

    Parameters
    ----------
    store : TrialStore
        What to watch.
    refresh : callable
        Reads what is new of a search, given its name; returns whether anything is.
    """

    def __init__(self, store: TrialStore, refresh: Callable[[str], bool]) -> None:
        self._store = store
        self._refresh = refresh
        self._listeners: set[Listener] = set()
        self._condition = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="dashboard-changes", daemon=True)
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether the server ends."""
        return self._is_closed

    @contextmanager
    def listening(self, topic: str) -> Iterator[Listener]:
        """Give a listener for as long as a page is open; to be called in its event loop."""
        listener = Listener(topic, asyncio.get_running_loop())
        with self._condition:
            self._listeners.add(listener)
            self._condition.notify_all()
        try:
            yield listener
        finally:
            with self._condition:
                self._listeners.discard(listener)

    def tell(self, topic: str, message: Message = Message.CHANGED) -> None:
        """Send a message to the pages about one search.

        Parameters
        ----------
        topic : str
            Its name; ``ALL`` for the list.
        message : Message
            The message.
        """
        with self._condition:
            found = [listener for listener in self._listeners if listener.topic == topic]
        for listener in found:
            listener.tell(message)

    def close(self) -> None:
        """End all streams and the thread, without waiting for it."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
            listeners = list(self._listeners)
        for listener in listeners:
            listener.tell(Message.CLOSED)

    def _run(self) -> None:
        is_away = False
        while self._wait_for_listeners():
            started = time.monotonic()
            try:
                self._tell_changes()
                if is_away:
                    self._tell_all(Message.CHANGED)
                is_away = False
                spent = time.monotonic() - started
                self._pause(max(_PAUSE_S, spent / _MAX_LOAD))
                if self._store.sees_changes:
                    self._store.wait_for_change(None, _TICK_S)
                else:
                    self._pause(POLL_S)
            except HpsearchError:  # the store logs it
                is_away = True
                self._tell_all(Message.AWAY)
                self._pause(POLL_S)

    def _wait_for_listeners(self) -> bool:
        """Return once a page is open; false once the server ends."""
        with self._condition:
            self._condition.wait_for(lambda: self._listeners or self._is_closed)
            return not self._is_closed

    def _tell_changes(self) -> None:
        with self._condition:
            topics = {listener.topic for listener in self._listeners}
        for topic in topics:
            try:
                has_changed = self._refresh(topic)
            except NotFoundError:
                has_changed = True  # the page says that the search is gone
            if has_changed:
                self.tell(topic)

    def _tell_all(self, message: Message) -> None:
        with self._condition:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.tell(message)

    def _pause(self, seconds: float) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._is_closed, seconds)
