"""The line between a worker and its evaluating process: whole messages, in order, both ways.

The other end is where a stranger's code runs. Each message begins with a mark, so that
bytes of anybody else's are told at once, and the worker reads what is there without waiting
for the rest: a message that never ends, since who wrote it was killed, keeps it from nothing.
"""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any, Self

#: What a message begins with: the mark, and how many bytes follow.
HEADER = struct.Struct("!8sQ")
MARK = b"hpsearch"

#: Bytes that are read at a time, and how often before the caller gets to do something else.
_CHUNK_BYTES, _MAX_CHUNKS = 2**20, 64


class StrayBytesError(Exception):
    """What came is no message."""


class Line:
    """One end of the line; for one thread at a time, but that one may send while another receives.

    Parameters
    ----------
    end : socket
        Connected to that of the other end.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._frame = bytearray()  # of the message that is under way, from its header on
        self._n_wanted = HEADER.size

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
        body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._end.sendall(HEADER.pack(MARK, len(body)) + body)

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
            if not self._frame.startswith(MARK[: len(self._frame)]):
                raise StrayBytesError
            if len(self._frame) == HEADER.size:
                self._n_wanted = HEADER.size + HEADER.unpack(self._frame)[1]
            if len(self._frame) == self._n_wanted:
                return self._taken()
        return None

    def _taken(self) -> Any:
        """Return the message that has come, and make room for the next."""
        frame, self._frame, self._n_wanted = self._frame, bytearray(), HEADER.size
        return pickle.loads(memoryview(frame)[HEADER.size :])  # noqa: S301 - the objective runs as this user
