"""A small HTTP server for probes and for Prometheus: ``/healthz``, ``/readyz``, ``/metrics``.

It answers from threads of its own, which end with the process, and never waits for the
work, nor lets it wait. It reads no bodies, answers one request a connection, and ends each
after five seconds, whatever it waits for. Where there are many, a new one takes the place of
the oldest of whoever has the most: who comes and asks is answered while others keep silent.
"""

from __future__ import annotations

import logging
import os
import socket
import socketserver
import sys
import threading
import time
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from hpsearch.errors import ConfigurationError, MissingExtraError
from hpsearch.runtime.events import Event
from hpsearch.runtime.health.metric import Metric
from hpsearch.runtime.health.probes import ProbeResult

log = logging.getLogger(__name__)

#: Connections at a time; probes and Prometheus need two or three.
MAX_CONNECTIONS = 16

#: Threads at a time. Those of connections that were ended find that out in a moment.
_MAX_THREADS = 4 * MAX_CONNECTIONS

#: Seconds between two looks for connections that are open for too long.
_LOOK_S = 0.2

#: Seconds that threads get to end where there are too many, and between two looks at them.
_MOMENT_S, _POLL_S = 1.0, 0.001

#: Connections that the system takes before they are looked at.
_BACKLOG = 128

_PLAIN = "text/plain; charset=utf-8"


class Probes(Protocol):
    """What can be asked; called from the threads of the server."""

    def liveness(self) -> ProbeResult:
        """Say whether the process lives."""
        ...

    def readiness(self) -> ProbeResult:
        """Say whether it can do its work now."""
        ...

    def metrics(self) -> Iterable[Metric]:
        """Return what it measured so far."""
        ...


@contextmanager
def serving(host: str, port: int | None, probes: Probes, *, longest_s: float = 5.0) -> Iterator[str | None]:
    """Answer from a thread for as long as the block runs; gives the start of the URLs.

    Parameters
    ----------
    host : str
        The address to listen at; a name is looked up.
    port : int, optional
        The port; 0 for any that is free, None to answer nowhere.
    probes : Probes
        What to answer.
    longest_s : float
        Seconds after which a connection is ended, whatever it waits for.

    Raises
    ------
    ConfigurationError
        If the port is in use, or the address is not one of this machine.
    """
    if port is None:
        yield None
        return
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        server = _Server(family, address, _Pages(probes), longest_s)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError(
            f"The health port {_place(host, port)} cannot be opened: {why}; "
            "choose another by --health-port or --health-host."
        ) from error
    threading.Thread(target=server.serve_forever, args=(_LOOK_S,), name="health", daemon=True).start()
    try:
        yield f"http://{_place(host, server.server_address[1])}"
    finally:
        server.shutdown()
        server.server_close()


class _Pages:
    """What stands at which path."""

    def __init__(self, probes: Probes) -> None:
        self._probes = probes
        try:
            from hpsearch.runtime.health.exposition import Exposition
        except ModuleNotFoundError:
            self._exposition = None
        else:
            self._exposition = Exposition(probes.metrics)

    def page(self, path: str, accept: str) -> tuple[HTTPStatus, bytes, str]:
        """Return the status, the text and its type."""
        match path:
            case "/healthz":
                return _answered(self._probes.liveness())
            case "/readyz":
                return _answered(self._probes.readiness())
            case "/metrics" if self._exposition is not None:
                return HTTPStatus.OK, *self._exposition.text(accept)
            case "/metrics":
                return _sentence(HTTPStatus.NOT_IMPLEMENTED, str(MissingExtraError("/metrics", "metrics")))
            case _:
                return _sentence(HTTPStatus.NOT_FOUND, "There are /healthz, /readyz and /metrics.")


@dataclass(slots=True)
class _Visit:
    """A connection whose thread runs."""

    host: str  #: whose it is
    since: float  #: monotonic seconds
    has_ended: bool = False


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = _BACKLOG
    daemon_threads = True
    block_on_close = False

    def __init__(self, family: int, address: Any, pages: _Pages, longest_s: float) -> None:
        self.address_family = family
        self.pages = pages
        self._longest_s = longest_s
        self._visits: dict[socket.socket, _Visit] = {}  # the oldest first
        super().__init__(address, _Handler)
        # A process that is forked off may outlive this one, and would keep the port.
        listening = weakref.ref(self.socket)
        os.register_at_fork(after_in_child=lambda: _close(listening()))

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._has_room():
            self.shutdown_request(request)
            return
        if len(hosts := [visit.host for _, visit in self._going_on()]) >= MAX_CONNECTIONS:
            most = max(hosts, key=hosts.count)  # of equals the first, which has the oldest
            self._end(next(connection for connection, visit in self._going_on() if visit.host == most))
        self._visits[request] = _Visit(client_address[0], time.monotonic())
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._visits.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End what is open for too long; its thread then finds the line closed."""
        too_old = time.monotonic() - self._longest_s
        for connection, visit in self._going_on():
            if visit.since < too_old:
                self._end(connection)

    def _has_room(self) -> bool:
        """Return whether there may be another thread, once those had a moment that are about to end."""
        deadline = time.monotonic() + _MOMENT_S
        while len(self._visits) >= _MAX_THREADS:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def _going_on(self) -> list[tuple[socket.socket, _Visit]]:
        return [
            (connection, visit) for connection, visit in self._visits.copy().items() if not visit.has_ended
        ]

    def _end(self, connection: socket.socket) -> None:
        if (visit := self._visits.get(connection)) is not None:
            visit.has_ended = True
        with suppress(OSError):  # its thread was quicker
            connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a defect; whoever hung up in the middle is no matter for the log."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.error("a probe was not answered", exc_info=error, extra=Event.PROBE_FAILED.of())


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    error_message_format = "%(message)s\n"
    error_content_type = _PLAIN

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        status, text, content_type = self.server.pages.page(path, self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def version_string(self) -> str:
        return "hpsearch"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name it is called by
        """Probes come every few seconds; they are not worth a line."""


def _close(listening: socket.socket | None) -> None:
    if listening is not None:
        listening.close()


def _answered(answer: ProbeResult) -> tuple[HTTPStatus, bytes, str]:
    return _sentence(HTTPStatus.OK if answer.is_yes else HTTPStatus.SERVICE_UNAVAILABLE, answer.sentence)


def _sentence(status: HTTPStatus, text: str) -> tuple[HTTPStatus, bytes, str]:
    return status, f"{text}\n".encode(), _PLAIN


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
