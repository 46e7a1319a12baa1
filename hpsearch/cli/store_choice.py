"""The database of a command: a URI, or a file that contains one.

Every user of a machine can list command lines, and every child process inherits the environment, so a URI
with a password belongs in a file.
"""

from __future__ import annotations

from collections.abc import Callable

import click
from click.core import ParameterSource

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.store_uri import uri_in
from hpsearch.runtime.user_paths import user_path

#: Keys of a context: the file that is named, and the file that the URI was read from.
_NAMED, _CHOSEN = "hpsearch.store_file", "hpsearch.chosen_file"

Callback = Callable[[click.Context, click.Parameter, str | None], str | None]


def note_file(context: click.Context, param: click.Parameter, path: str | None) -> None:
    """Remember the value of ``--store-file`` for the callback of ``--store``.

    Parameters
    ----------
    context : click.Context
        The command's.
    param : click.Parameter
        The option.
    path : str, optional
        Its value.
    """
    context.meta[_NAMED] = path


def chosen_store(*, required: bool) -> Callback:
    """Return the callback of ``--store``.

    The command line takes precedence over the environment, then the file over the URI.

    Parameters
    ----------
    required : bool
        Whether a URI or a file must be given.
    """

    def choose(context: click.Context, param: click.Parameter, uri: str | None) -> str | None:
        path = named_file(context)
        if path is None:
            if uri is None and required:
                raise click.MissingParameter(
                    "Alternatively, set HPSEARCH_STORE, or name its file with --store-file.", context, param
                )
            return uri
        if context.get_parameter_source("store") is ParameterSource.COMMANDLINE:
            if context.get_parameter_source("store_file") is ParameterSource.COMMANDLINE:
                raise click.UsageError("--store and --store-file exclude each other: leave one out.", context)
            return uri
        # User code may change the working folder.
        context.meta[_CHOSEN] = str(user_path(path).absolute())
        return uri_in(path)

    return choose


def deferred_store(
    context: click.Context, param: click.Parameter, uri: str | None
) -> Callable[[], str | None]:
    """Return a function that returns the URI, or raises the error of its file.

    Parameters
    ----------
    context : click.Context
        The command's.
    param : click.Parameter
        The option ``--store``.
    uri : str, optional
        Its value.
    """
    try:
        chosen = chosen_store(required=False)(context, param, uri)
    except ConfigurationError as error:
        file_error = error
    else:
        return lambda: chosen

    def fail() -> None:
        raise file_error

    return fail


def chosen_file(context: click.Context) -> str | None:
    """Return the absolute path of the file that the URI was read from, if it was read from a file."""
    path: str | None = context.meta.get(_CHOSEN)
    return path


def named_file(context: click.Context) -> str | None:
    """Return the file that the command line or the environment names."""
    path: str | None = context.meta[_NAMED]
    return path
