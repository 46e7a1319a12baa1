"""The channel between a worker and its evaluating process: whole messages, in order, in both directions.

The other end runs foreign code. Each frame begins with a marker, so foreign bytes are detected at once. The
worker never waits for the rest of a message: it may never come, if its sender was killed.
"""

from __future__ import annotations

import pickle
import socket
import threading
from collections import deque
from typing import Any, Self

from hpsearch.runtime.message_framing import HEADER, MARK, PART_MARK, framed

#: Bytes to read at a time, and how often before ``receive`` returns to its caller.
_CHUNK_BYTES, _MAX_CHUNKS = 2**20, 64


class StrayBytesError(Exception):
    """The received bytes are no message."""


class Channel:
    """One end of the channel. Any thread may send; one at a time may receive.

    Parameters
    ----------
    end : socket
        A connected stream socket.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._sending = threading.Lock()
        self._sender = 0  # the thread that holds the lock
        self._waiting: deque[Any] = deque()  # messages that were sent while another was being written
        self._frame = bytearray()  # the frame being received, from its header on
        self._n_wanted = HEADER.size
        self._parts: list[bytearray] = []  # parts of the next message

    @classmethod
    def pair(cls) -> tuple[Self, Self]:
        """Return the two ends of a new channel."""
        mine, theirs = socket.socketpair()
        return cls(mine), cls(theirs)

    def fileno(self) -> int:
        """Return the file descriptor to wait for."""
        return self._end.fileno()

    def close(self) -> None:
        """Close this end."""
        self._end.close()

    def send(self, message: Any) -> None:
        """Send a message; raises ``OSError`` if the other end is closed."""
        me = threading.get_ident()
        if self._sender == me:
            # A signal handler or a finalizer interrupted this thread while it was sending.
            self._waiting.append(message)
            return
        with self._sending:
            self._sender = me
            try:
                self._write(message)
                while self._waiting:
                    self._write(self._waiting.popleft())
            finally:
                self._sender = 0

    def receive(self, *, waiting: bool) -> Any:
        """Return the next message, or None if it has not arrived completely.

        Parameters
        ----------
        waiting : bool
            Whether to wait for it.

        Raises
        ------
        EOFError, OSError
            If the other end is closed.
        StrayBytesError
            If the bytes are no message. Unpickling one may raise anything.
        """
        n_chunks = 0
        while waiting or n_chunks < _MAX_CHUNKS:
            n_chunks += 1
            n_missing = min(self._n_wanted - len(self._frame), _CHUNK_BYTES)
            try:
                chunk = self._end.recv(n_missing, 0 if waiting else socket.MSG_DONTWAIT)
            except BlockingIOError:
                return None
            if not chunk:
                raise EOFError
            self._frame += chunk
            start = bytes(self._frame[: len(MARK)])
            if not (MARK.startswith(start) or PART_MARK.startswith(start)):
                raise StrayBytesError
            if len(self._frame) == HEADER.size:
                self._n_wanted = HEADER.size + HEADER.unpack(self._frame)[1]
            if len(self._frame) == self._n_wanted:
                frame = self._take_frame()
                if start == MARK:
                    parts, self._parts = self._parts, []
                    return pickle.loads(frame, buffers=parts)  # noqa: S301 - the objective runs as this user
                self._parts.append(frame)
        return None

    def _write(self, message: Any) -> None:
        for piece in framed(message):
            self._end.sendall(piece)

    def _take_frame(self) -> bytearray:
        """Return the complete frame without its header, and start the next one."""
        frame, self._frame, self._n_wanted = self._frame, bytearray(), HEADER.size
        del frame[: HEADER.size]  # moves the start, not the bytes
        return frame
