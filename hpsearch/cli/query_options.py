"""What all commands share that print searches and change nothing.

What is slow to import is imported when a command runs, so that its help needs only Click.
"""

from __future__ import annotations

import functools
import logging
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from hpsearch.cli.options import debug_option, format_options, store_option
from hpsearch.runtime.escaping import printable
from hpsearch.runtime.logs import log_to_stderr

if TYPE_CHECKING:
    from hpsearch.report.formats import Format
    from hpsearch.store.protocol import TrialStore

Command = Callable[..., None]


def reading(command: Command) -> Command:
    """Add the options of commands that read the database; the command gets the open store."""

    @functools.wraps(command)
    def opened(store: str | None, **arguments: Any) -> None:
        from hpsearch.cli.open_store import open_store

        log_to_stderr(logging.ERROR)
        with open_store(store) as database:
            command(database.store, **arguments)

    return debug_option()(store_option(required=False)(opened))


def query(command: Command) -> Command:
    """Add the options of all queries; the command gets the open store and the format."""

    @functools.wraps(command)
    def formatted(store: TrialStore, form: Format, **arguments: Any) -> None:
        command(store, form, **arguments)

    return format_options()(reading(formatted))


def print_result(text: str) -> None:
    """Print a result; on a terminal, without control characters, which CSV contains as they are."""
    # Without color=True, click would remove escape sequences from the data.
    click.echo(printable(text) if sys.stdout.isatty() else text, color=True)


def table(
    kind: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str], form: Format, *, is_cut: bool = True
) -> str:
    """Return rows as text, at most as wide as the terminal.

    Parameters
    ----------
    kind, rows, columns, form, is_cut
        As for ``render``.
    """
    from hpsearch.report.table import render

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return render(kind, rows, columns, form, width=width, is_cut=is_cut)
