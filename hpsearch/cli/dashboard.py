"""``hpsearch dashboard``: the live page of searches."""

from __future__ import annotations

import logging
import os
import secrets
import sys
from urllib.parse import quote

import click

from hpsearch.cli.help_pages import Command
from hpsearch.cli.options import debug_option, log_format_option, option, store_option

#: Characters of a token at least; a shorter one could be guessed.
_MIN_TOKEN = 16


@click.command(cls=Command)
@click.argument("exp_key", required=False)
@option("--host", metavar="ADDR", default="127.0.0.1", help="Address to listen on.")
@option("--port", type=click.IntRange(0, 65535), default=8765, help="Port; 0 for any free port.")
@option(
    "--host-name",
    metavar="NAME",
    multiple=True,
    help="Name under which browsers may reach the page, besides localhost; repeatable.",
)
@option(
    "--token-file",
    type=click.Path(dir_okay=False),
    help="File with the token that opens the page; only its owner may read it. By default, each start has "
    "another one.",
)
@option(
    "--allow-write", is_flag=True, help="Show buttons that pause, resume and stop searches and mark trials."
)
@option("--root-path", metavar="PATH", default="", help="Path of the page behind a proxy, such as /hpsearch.")
@store_option(required=False)
@log_format_option()
@debug_option()
def dashboard(
    exp_key: str | None,
    host: str,
    port: int,
    host_name: tuple[str, ...],
    token_file: str | None,
    allow_write: bool,
    root_path: str,
    store: str | None,
) -> None:
    """Show searches on a live page in the browser.

    It prints the address of the page, or of one search, which includes a token: anyone with the
    address can see the searches. The page changes nothing unless --allow-write is given. It needs
    the extra hpsearch[dashboard].
    """
    try:
        from hpsearch.dashboard.access import Access, allowed_hosts
        from hpsearch.dashboard.app import Dashboard
        from hpsearch.dashboard.server import listening_socket, serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in {"starlette", "uvicorn", "jinja2", "markupsafe"}:
            raise
        raise click.UsageError("The dashboard needs: pip install 'hpsearch[dashboard]'") from None
    from hpsearch.cli.find import find_experiment
    from hpsearch.cli.open_store import open_store
    from hpsearch.runtime.logs import log_to_stderr
    from hpsearch.runtime.signals import Interrupt

    log_to_stderr(logging.WARNING)
    token = _token(token_file)
    with Interrupt() as interrupt, open_store(store) as opened:
        if exp_key is not None:
            find_experiment(opened.store, exp_key)
        sock = listening_socket(host, port)
        bound_port = sock.getsockname()[1]
        access = Access(token=token, hosts=allowed_hosts(host, host_name), port=bound_port)
        pages = Dashboard(opened.store, access, is_writable=allow_write)
        name = host_name[0] if host_name else _name_of(host)
        path = "/" if exp_key is None else f"/search/{quote(exp_key, safe='')}"
        address = f"http://{name}:{bound_port}{path}?token={quote(token, safe='')}"
        serve(
            pages,
            sock,
            interrupt,
            root_path=root_path.rstrip("/"),
            on_ready=lambda: click.echo(f"Open {address}\nCtrl-C ends the page."),
        )
    # A model that is computed in the background would delay the end of the interpreter.
    sys.stdout.flush()
    os._exit(0)


def _token(path: str | None) -> str:
    """Return the token of a file, or a new one."""
    from hpsearch.errors import ConfigurationError
    from hpsearch.runtime.private_files import read_private

    if path is None:
        return secrets.token_urlsafe(24)
    token = read_private(path, "The token file").decode("utf-8", "replace")
    if len(token) < _MIN_TOKEN or not token.isascii() or not token.isprintable():
        raise ConfigurationError(
            f"The token in {path} must be {_MIN_TOKEN} or more printable ASCII characters; "
            "make one with: openssl rand -hex 24"
        )
    return token


def _name_of(host: str) -> str:
    """Return how a browser on this machine reaches an address."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - all addresses of the machine
        return "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104
    return f"[{host}]" if ":" in host else host
