"""Which database a command works on: a URI, or a file that holds one.

A URI with a password does not belong into a command line, which every user of a machine can list, and an
environment is inherited by whatever a process starts. A file is neither.
"""

from __future__ import annotations

from collections.abc import Callable

import click
from click.core import ParameterSource

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.private_files import read_private
from hpsearch.runtime.user_paths import user_path

#: The environment variables that hold the URI, or name the file that does.
STORE, STORE_FILE = "HPSEARCH_STORE", "HPSEARCH_STORE_FILE"

_FILE = "hpsearch.store_file"

#: Where a context keeps the file that was chosen.
_CHOSEN = "hpsearch.chosen_file"

Callback = Callable[[click.Context, click.Parameter, str | None], str | None]


def note_file(context: click.Context, param: click.Parameter, path: str | None) -> None:
    """Keep what ``--store-file`` says for ``--store``, which decides."""
    context.meta[_FILE] = path


def chosen_store(*, required: bool) -> Callback:
    """Return the callback of ``--store``: the command line before the environment, the file before the URI.

    Parameters
    ----------
    required : bool
        Whether one of the two must be given.
    """

    def choose(context: click.Context, param: click.Parameter, uri: str | None) -> str | None:
        path = named_file(context)
        if path is None:
            if uri is None and required:
                raise click.MissingParameter("Or name its file with --store-file.", context, param)
            return uri
        if context.get_parameter_source("store") is ParameterSource.COMMANDLINE:
            if context.get_parameter_source("store_file") is ParameterSource.COMMANDLINE:
                raise click.UsageError("--store and --store-file name two databases: leave one out.", context)
            return uri
        # What the process runs may change the folder.
        context.meta[_CHOSEN] = str(user_path(path).absolute())
        return uri_in(path)

    return choose


def deferred_store(
    context: click.Context, param: click.Parameter, uri: str | None
) -> Callable[[], str | None]:
    """Return a function that returns what ``chosen_store`` chose, or raises what was wrong with the file."""
    try:
        chosen = chosen_store(required=False)(context, param, uri)
    except ConfigurationError as error:
        fault = error
    else:
        return lambda: chosen

    def refuse() -> None:
        raise fault

    return refuse


def chosen_file(context: click.Context) -> str | None:
    """Return the absolute path of the file that the URI came from; None where it came from elsewhere."""
    path: str | None = context.meta.get(_CHOSEN)
    return path


def named_file(context: click.Context) -> str | None:
    """Return the file that a command was told of, be it on its command line or by the environment."""
    path: str | None = context.meta[_FILE]
    return path


def uri_in(place: str) -> str:
    """Return the URI in a file that its owner alone may read.

    Raises
    ------
    ConfigurationError
        If it cannot be read, or by others, too, or holds anything but one line. What it
        holds is never part of the text.
    """
    content = read_private(place, "The store file")
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError:
        lines = []
    if len(lines) != 1:
        raise ConfigurationError(f"The store file {place} must hold one line of text, the MongoDB URI.")
    return lines[0]
