"""What processes that an objective started say of its trial, each on a line of its own.

See ``hpsearch.objective.process_reports`` for their end.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

from hpsearch.objective.process_reports import WELCOME, user_of
from hpsearch_worker.channel import Channel

#: Connections that wait to be taken.
_BACKLOG = 256


class ProcessChannels:
    """Listens to the processes that one evaluating process starts, at an address of its own.

    Only Linux has addresses without a file and knows who calls; elsewhere nobody is listened to.
    """

    def __init__(self) -> None:
        self.address: str | None = None  #: to be called at
        self._listener: socket.socket | None = None
        self._lines: dict[int, tuple[Channel, socket.socket]] = {}  # by descriptor
        if sys.platform == "linux":
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind("")  # the kernel gives it a name
            self._listener.listen(_BACKLOG)
            self._listener.setblocking(False)
            self.address = "@" + self._listener.getsockname()[1:].decode("ascii")

    def sources(self) -> list[int]:
        """Return the descriptors to wait for."""
        return [] if self._listener is None else [self._listener.fileno(), *self._lines]

    def words(self, number: int) -> Iterator[Any]:
        """Yield what was said until now in answer to a request, without waiting; hangs up on all others."""
        self._accept()
        for fd in list(self._lines):
            yield from self._said(fd, number)

    def hang_up(self) -> None:
        """End all conversations; who speaks on is told so by its end of the line."""
        for fd in list(self._lines):
            self._drop(fd)

    def close(self) -> None:
        """Listen no more."""
        self.hang_up()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _accept(self) -> None:
        if self._listener is None:
            return
        for _ in range(_BACKLOG):  # whoever calls without end must not keep the worker from its work
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if user_of(connection) == os.geteuid():
                self._lines[connection.fileno()] = (Channel(connection), connection)
            else:
                connection.close()

    def _said(self, fd: int, number: int) -> Iterator[Any]:
        line, connection = self._lines[fd]
        while True:
            try:
                message = line.receive(waiting=False)
                if message is None:
                    return
                belongs_to, word = message
                if belongs_to != number:
                    break
                if word is None:
                    connection.send(WELCOME, socket.MSG_DONTWAIT)
                    continue
            except Exception:  # noqa: BLE001 - an end, or bytes of a stranger's: unpickling raises anything
                break
            yield word
        self._drop(fd)

    def _drop(self, fd: int) -> None:
        line, _ = self._lines.pop(fd)
        line.close()
