"""A TCP proxy before MongoDB: it reads the commands that pass, and cuts, delays and resets.

A driver asks a member for the addresses of the others and goes there by itself. So the proxy
has a port for each member, and puts these ports in the place of the members' own in every answer.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tests.support.mongo_messages import Messages, names

#: Closing a connection with this option set sends a reset instead of an orderly end.
_ABRUPTLY = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True, eq=False)
class _Line:
    """One connection of a client to a member."""

    client: socket.socket
    server: socket.socket
    doomed: threading.Event = field(default_factory=threading.Event)  #: the next answer is lost

    def reset(self) -> None:
        """End both sides at once, without a good-bye."""
        for end in (self.client, self.server):
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPTLY)
                end.shutdown(socket.SHUT_RDWR)
            end.close()


class Proxy:
    """Passes everything on unless a fault is set.

    Parameters
    ----------
    ports : sequence of int
        Of the members, on the loopback address, each of five digits, as the proxy's own are.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self._listeners = {port: _listener() for port in ports}
        self.ports = [listener.getsockname()[1] for listener in self._listeners.values()]
        self._names = [
            (_name(port), _name(listener.getsockname()[1])) for port, listener in self._listeners.items()
        ]
        self._lock = threading.Lock()
        self._lines: set[_Line] = set()
        self._wanted, self._is_before, self._n_to_cut = "", False, 0
        self.n_cut = 0  #: commands that were cut in the middle so far
        self._is_open = threading.Event()
        self._is_open.set()
        self._latency_s = 0.0
        for port, listener in self._listeners.items():
            threading.Thread(target=self._accept, args=(port, listener), daemon=True).start()

    def cut(self, what: str, *, before: bool, times: int = 1) -> None:
        """Cut the connections at the next commands of a name, or for a purpose, such as "claim".

        Parameters
        ----------
        what : str
            One of ``wire.names``.
        before : bool
            Whether before the command is passed on, or before its answer is.
        times : int
            How many; 0 takes the order back.
        """
        with self._lock:
            self._wanted, self._is_before, self._n_to_cut = what, before, times

    def reset(self) -> int:
        """Reset all connections; return how many there were."""
        with self._lock:
            lines, self._lines = self._lines, set()
        for line in lines:
            line.reset()
        return len(lines)

    def hold(self, *, is_open: bool) -> None:
        """Stop passing anything on, in silence, or go on with what was held back."""
        if is_open:
            self._is_open.set()
        else:
            self._is_open.clear()

    def delay(self, seconds: float) -> None:
        """Let every message wait."""
        self._latency_s = seconds

    def close(self) -> None:
        """End everything."""
        self._is_open.set()
        for listener in self._listeners.values():
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.reset()

    def _accept(self, port: int, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", port), timeout=3)
            except OSError:  # that member is away
                client.close()
                continue
            server.settimeout(None)
            line = _Line(client, server)
            with self._lock:
                self._lines.add(line)
            for pump in (self._questions, self._answers):
                threading.Thread(target=self._run, args=(pump, line), daemon=True).start()

    def _run(self, pump: Callable[[_Line], None], line: _Line) -> None:
        with suppress(OSError):
            pump(line)
        with self._lock:
            self._lines.discard(line)
        line.reset()

    def _questions(self, line: _Line) -> None:
        messages = Messages()
        while data := line.client.recv(1 << 16):
            for message in messages.feed(data):
                is_cut, before = self._takes(message)
                if is_cut and before:
                    return
                if is_cut:
                    line.doomed.set()
                self._pass_on(message, line.server)

    def _answers(self, line: _Line) -> None:
        messages = Messages()
        while data := line.server.recv(1 << 16):
            for message in messages.feed(data):
                if line.doomed.is_set():
                    return  # the server has executed the command, but its response is lost
                for ours, theirs in self._names:
                    message = message.replace(ours, theirs)  # noqa: PLW2901 - of equal length
                self._pass_on(message, line.client)

    def _pass_on(self, message: bytes, sink: socket.socket) -> None:
        time.sleep(self._latency_s)
        self._is_open.wait()
        sink.sendall(message)

    def _takes(self, message: bytes) -> tuple[bool, bool]:
        """Return whether this is the command to cut, and whether before it is passed on."""
        if not self._n_to_cut:  # the common case needs neither the lock nor the message
            return False, False
        with self._lock:
            if not self._n_to_cut or self._wanted not in names(message):
                return False, False
            self._n_to_cut -= 1
            self.n_cut += 1
            return True, self._is_before


def _listener() -> socket.socket:
    """Listen on a port of five digits; by default the kernel assigns no others."""
    while True:
        listener = socket.create_server(("127.0.0.1", 0))
        if listener.getsockname()[1] >= 10_000:
            return listener
        listener.close()


def _name(port: int) -> bytes:
    return f"127.0.0.1:{port}".encode()
