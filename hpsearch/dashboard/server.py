"""The server of the pages: it ends within a second of a signal, although streams are open."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import uvicorn

from hpsearch.dashboard.app import Dashboard
from hpsearch.errors import ConfigurationError
from hpsearch.runtime.signals import Interrupt

#: Seconds for requests that are being answered at the end.
_GRACE_S = 1
#: Seconds between two looks for a signal.
_LOOK_S = 0.05


def listening_socket(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Parameters
    ----------
    host : str
        Address or name.
    port : int
        The port; 0 for any free one.

    Raises
    ------
    ConfigurationError
        If the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"The dashboard cannot listen on {host}, port {port}: {error.strerror}; "
            "choose another with --port, or any free one with --port 0."
        ) from error


def serve(
    dashboard: Dashboard,
    sock: socket.socket,
    interrupt: Interrupt,
    *,
    on_ready: Callable[[], None],
    root_path: str = "",
) -> None:
    """Serve the pages until a signal comes.

    Parameters
    ----------
    dashboard : Dashboard
        The pages.
    sock : socket
        It listens, and is closed afterwards.
    interrupt : Interrupt
        Notices the signals.
    on_ready : callable
        Called once pages can be opened.
    root_path : str
        Path of the pages behind a proxy.
    """
    config = uvicorn.Config(
        dashboard.app,
        log_level="warning",
        access_log=False,  # an address may hold the token
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_S,
        proxy_headers=False,
        root_path=root_path,
    )
    server = uvicorn.Server(config)
    # Outside the main thread uvicorn installs no handlers of signals; its own would wait for open streams.
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="dashboard", daemon=True)
    thread.start()
    on_ready()
    while thread.is_alive() and not interrupt.is_asked:
        thread.join(_LOOK_S)
    dashboard.close()
    server.should_exit = True
    thread.join(_GRACE_S)
