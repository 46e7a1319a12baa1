"""Framing of messages on a channel between processes.

A message is a frame: a mark, the number of bytes that follow, and the pickle. Large buffers in the message
(``pickle.PickleBuffer``) are sent before it, each in a frame without copying it.
"""

from __future__ import annotations

import pickle
import socket
import struct
from collections.abc import Iterator
from typing import Any

#: Header of a frame: the mark, and the number of bytes that follow.
HEADER = struct.Struct("!8sQ")

#: Marks of a message, and of a buffer of the next message.
MARK, PART_MARK = b"hpsearch", b"hpsearcp"


def framed(message: Any) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a message, in pieces to send in order."""
    parts: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL, buffer_callback=parts.append)
    for part in parts:
        raw = part.raw()
        yield HEADER.pack(PART_MARK, raw.nbytes)
        yield raw
    yield HEADER.pack(MARK, len(body)) + body


def read_message(connection: socket.socket) -> Any:
    """Return the next message of a blocking socket.

    Raises
    ------
    EOFError
        If the other end is closed.
    OSError
        If the connection is broken, or its timeout passed.
    """
    parts: list[bytearray] = []
    while True:
        mark, n_bytes = HEADER.unpack(_read(connection, HEADER.size))
        frame = _read(connection, n_bytes)
        if mark == MARK:
            return pickle.loads(frame, buffers=parts)  # noqa: S301 - from a process of this user
        parts.append(frame)


def _read(connection: socket.socket, n_bytes: int) -> bytearray:
    data = bytearray(n_bytes)
    view = memoryview(data)
    while view:
        n_read = connection.recv_into(view)
        if n_read == 0:
            raise EOFError
        view = view[n_read:]
    return data
