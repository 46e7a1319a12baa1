"""A small HTTP server for probes and Prometheus: ``/healthz``, ``/readyz``, ``/metrics``.

It responds from daemon threads, so neither it nor the process's work waits for the other. It reads no bodies,
serves one request per connection, and closes each connection after five seconds. At the limit of connections,
a new one replaces the oldest of the host with the most, so that idle connections do not block requests.
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
from typing import TYPE_CHECKING, Any, Protocol

from hpsearch.errors import ConfigurationError, MissingExtraError
from hpsearch.runtime.events import Event
from hpsearch.runtime.health.probes import ProbeResult

if TYPE_CHECKING:
    from prometheus_client import Metric

log = logging.getLogger(__name__)

#: Most open connections; probes and Prometheus need two or three.
MAX_CONNECTIONS = 16

#: Most threads, including those of connections that were just closed.
_MAX_THREADS = 4 * MAX_CONNECTIONS

#: Seconds between two checks for connections that are open for too long.
_CHECK_S = 0.2

#: Seconds to wait for threads to end when there are too many, and between two checks of their number.
_MAX_WAIT_S, _POLL_S = 1.0, 0.001

#: Connections that the operating system queues.
_BACKLOG = 128

_PLAIN = "text/plain; charset=utf-8"


class Probes(Protocol):
    """The probes of a process; called from the threads of the server."""

    def liveness(self) -> ProbeResult:
        """Return whether the process is alive."""
        ...

    def readiness(self) -> ProbeResult:
        """Return whether it can work now."""
        ...

    def metrics(self) -> Iterable[Metric]:
        """Return its present metrics; called only with the extra ``metrics``."""
        ...


@contextmanager
def serving(host: str, port: int | None, probes: Probes, *, longest_s: float = 5.0) -> Iterator[str | None]:
    """Serve the probes in a thread during a block; yields the base URL.

    Parameters
    ----------
    host : str
        Address or name to listen at.
    port : int, optional
        The port; 0 for any free one, None to serve nothing.
    probes : Probes
        The probes of the process.
    longest_s : float
        Seconds after which a connection is closed; positive.

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
    threading.Thread(target=server.serve_forever, args=(_CHECK_S,), name="health", daemon=True).start()
    try:
        yield f"http://{_place(host, server.server_address[1])}"
    finally:
        server.shutdown()
        server.server_close()


class _Pages:
    """The pages by path."""

    def __init__(self, probes: Probes) -> None:
        self._probes = probes
        try:
            from hpsearch.runtime.health.prometheus import Exposition
        except ModuleNotFoundError:
            self._exposition = None
        else:
            self._exposition = Exposition(probes.metrics)

    def page(self, path: str, accept: str) -> tuple[HTTPStatus, bytes, str]:
        """Return the status, the body and its type; ``accept`` is the header of the request."""
        match path:
            case "/healthz":
                return _page_of(self._probes.liveness())
            case "/readyz":
                return _page_of(self._probes.readiness())
            case "/metrics" if self._exposition is not None:
                return HTTPStatus.OK, *self._exposition.text(accept)
            case "/metrics":
                return _sentence(HTTPStatus.NOT_IMPLEMENTED, str(MissingExtraError("/metrics", "metrics")))
            case _:
                return _sentence(HTTPStatus.NOT_FOUND, "There are /healthz, /readyz and /metrics.")


@dataclass(slots=True)
class _Connection:
    """A connection whose thread is running."""

    host: str  #: of the client
    since: float  #: monotonic seconds
    is_closed: bool = False


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = _BACKLOG
    daemon_threads = True
    block_on_close = False

    def __init__(self, family: int, address: Any, pages: _Pages, longest_s: float) -> None:
        self.address_family = family
        self.pages = pages
        self._longest_s = longest_s
        self._connections: dict[socket.socket, _Connection] = {}  # the oldest first
        super().__init__(address, _Handler)
        # A forked child may outlive this process, and would keep the port.
        listening = weakref.ref(self.socket)
        os.register_at_fork(after_in_child=lambda: _close(listening()))

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._has_room():
            self.shutdown_request(request)
            return
        if len(hosts := [connection.host for _, connection in self._open()]) >= MAX_CONNECTIONS:
            most = max(hosts, key=hosts.count)  # of equals the first, which has the oldest
            self._close(next(old for old, connection in self._open() if connection.host == most))
        self._connections[request] = _Connection(client_address[0], time.monotonic())
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Close connections that are open for too long; this ends their threads."""
        too_old = time.monotonic() - self._longest_s
        for request, connection in self._open():
            if connection.since < too_old:
                self._close(request)

    def _has_room(self) -> bool:
        """Return whether another thread may start, after a short wait for those that are ending."""
        deadline = time.monotonic() + _MAX_WAIT_S
        while len(self._connections) >= _MAX_THREADS:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def _open(self) -> list[tuple[socket.socket, _Connection]]:
        return [pair for pair in self._connections.copy().items() if not pair[1].is_closed]

    def _close(self, request: socket.socket) -> None:
        if (connection := self._connections.get(request)) is not None:
            connection.is_closed = True
        with suppress(OSError):  # its thread has closed it meanwhile
            request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log internal errors, but not clients that disconnect."""
        error = sys.exception()
        if not isinstance(error, OSError):
            log.error("could not respond to a probe", exc_info=error, extra=Event.PROBE_FAILED.of())


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    error_message_format = "%(message)s\n"
    error_content_type = _PLAIN

    def do_GET(self) -> None:
        self._respond()

    def do_HEAD(self) -> None:
        self._respond()

    def _respond(self) -> None:
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
        """Log nothing: probes come every few seconds."""


def _close(listening: socket.socket | None) -> None:
    if listening is not None:
        listening.close()


def _page_of(result: ProbeResult) -> tuple[HTTPStatus, bytes, str]:
    return _sentence(HTTPStatus.OK if result.is_ok else HTTPStatus.SERVICE_UNAVAILABLE, result.sentence)


def _sentence(status: HTTPStatus, text: str) -> tuple[HTTPStatus, bytes, str]:
    return status, f"{text}\n".encode(), _PLAIN


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
