"""Receives the events of processes that an objective started, each over a connection of its own.

The other end is ``hpsearch.objective.process_reports``.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from hpsearch.objective.process_reports import ACCEPTED, Asked, peer_uid
from hpsearch_worker.channel import Channel
from hpsearch_worker.messages import OpenQuestion

#: Connections that wait to be accepted.
_BACKLOG = 256


class ProcessChannels:
    """Listens to the processes that one evaluating process starts, at its own address.

    Only Linux has socket addresses without a file and identifies the peer; other systems do not listen.
    """

    def __init__(self) -> None:
        self.address: str | None = None  #: where processes connect; None where there is none
        self._listener: socket.socket | None = None
        self._channels: dict[int, tuple[Channel, socket.socket]] = {}  # by descriptor
        if sys.platform == "linux":
            self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._listener.bind("")  # the kernel chooses an address
            self._listener.listen(_BACKLOG)
            self._listener.setblocking(False)
            self.address = "@" + self._listener.getsockname()[1:].decode("ascii")

    def descriptors(self) -> list[int]:
        """Return the file descriptors to wait for."""
        return [] if self._listener is None else [self._listener.fileno(), *self._channels]

    def events(self, number: int) -> Iterator[Any]:
        """Yield the events received so far for a request; disconnect processes of other requests."""
        self._accept()
        for fd in list(self._channels):
            yield from self._received(fd, number)

    def disconnect(self) -> None:
        """Close all connections; a process that sends more gets an error."""
        for fd in list(self._channels):
            self._drop(fd)

    def close(self) -> None:
        """Stop listening."""
        self.disconnect()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _accept(self) -> None:
        if self._listener is None:
            return
        for _ in range(_BACKLOG):  # endless connections must not keep the worker from its work
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            if peer_uid(connection) == os.geteuid():
                self._channels[connection.fileno()] = (Channel(connection), connection)
            else:
                connection.close()

    def _received(self, fd: int, number: int) -> Iterator[Any]:
        channel, connection = self._channels[fd]
        while True:
            try:
                message = channel.receive(waiting=False)
                if message is None:
                    return
                belongs_to, event = message
                if belongs_to != number:
                    break
                if event is None:
                    connection.send(ACCEPTED, socket.MSG_DONTWAIT)
                    continue
                if isinstance(event, Asked):
                    event = OpenQuestion(event.question, partial(_answer, channel, event.number))
            except Exception:  # noqa: BLE001 - closed, or foreign bytes: unpickling raises anything
                break
            yield event
        self._drop(fd)

    def _drop(self, fd: int) -> None:
        channel, _ = self._channels.pop(fd)
        channel.close()


def _answer(channel: Channel, number: int, value: Any) -> None:
    """Answer a question; raises ``OSError`` if the process has ended."""
    channel.send((number, value))
