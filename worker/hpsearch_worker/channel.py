"""The line between a worker and its evaluating process: whole messages, in order, both ways.

The other end is where a stranger's code runs. Each frame begins with a mark, so that
bytes of anybody else's are told at once, and the worker reads what is there without waiting
for the rest: a message that never ends, since who wrote it was killed, keeps it from nothing.
"""

from __future__ import annotations

import pickle
import socket
import threading
from collections import deque
from typing import Any, Self

from hpsearch.runtime.frames import HEADER, MARK, PART_MARK, framed

__all__ = ["HEADER", "MARK", "Channel", "StrayBytesError"]

#: Bytes that are read at a time, and how often before the caller gets to do something else.
_CHUNK_BYTES, _MAX_CHUNKS = 2**20, 64


class StrayBytesError(Exception):
    """What came is no message."""


class Channel:
    """One end of the line. Any thread may send; one at a time may receive.

    Parameters
    ----------
    end : socket
        Connected to that of the other end.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._sending = threading.Lock()
        self._sender = 0  # the thread that holds the lock
        self._waiting: deque[Any] = deque()  # messages that came up in the middle of another
        self._frame = bytearray()  # the one that is under way, from its header on
        self._n_wanted = HEADER.size
        self._parts: list[bytearray] = []  # that came before their message

    @classmethod
    def pair(cls) -> tuple[Self, Self]:
        """Return both ends."""
        mine, theirs = socket.socketpair()
        return cls(mine), cls(theirs)

    def fileno(self) -> int:
        """Return the descriptor, to wait for."""
        return self._end.fileno()

    def close(self) -> None:
        """Hang up."""
        self._end.close()

    def send(self, message: Any) -> None:
        """Send a message; raises ``OSError`` if nobody is there any more."""
        me = threading.get_ident()
        if self._sender == me:
            # A signal handler, or a finalizer, in the middle of another message of this thread.
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
        """Return the next message, or None if it has not come as a whole yet.

        Parameters
        ----------
        waiting : bool
            Whether to wait for it.

        Raises
        ------
        EOFError, OSError
            If the other end hung up.
        StrayBytesError
            If what came is no message; unpickling one may raise anything.
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
            begun = bytes(self._frame[: len(MARK)])
            if not (MARK.startswith(begun) or PART_MARK.startswith(begun)):
                raise StrayBytesError
            if len(self._frame) == HEADER.size:
                self._n_wanted = HEADER.size + HEADER.unpack(self._frame)[1]
            if len(self._frame) == self._n_wanted:
                frame = self._taken()
                if begun == MARK:
                    return self._opened(frame)
                self._parts.append(frame)
        return None

    def _write(self, message: Any) -> None:
        for piece in framed(message):
            self._end.sendall(piece)

    def _taken(self) -> bytearray:
        """Return the frame that has come, without its header, and make room for the next."""
        frame, self._frame, self._n_wanted = self._frame, bytearray(), HEADER.size
        del frame[: HEADER.size]  # moves the beginning, not the bytes
        return frame

    def _opened(self, frame: bytearray) -> Any:
        parts, self._parts = self._parts, []
        return pickle.loads(frame, buffers=parts)  # noqa: S301 - the objective runs as this user
