"""Options of several commands, and the types of their values."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click
from click.core import ParameterSource

from hpsearch.cli.store_choice import chosen_store, deferred_store, note_file
from hpsearch.report.formats import Format
from hpsearch.runtime.logs import LOGGERS, log_as_json
from hpsearch.runtime.store_uri import STORE, STORE_FILE

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

#: The longest duration: ten years, so that dates stay within what Python can represent.
_LONGEST_S = 3650 * 86400.0

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")

F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType):  # type: ignore[type-arg] # generic from Click 8.4 on
    """A duration such as ``90``, ``10m`` or ``3h50m``, in seconds.

    Parameters
    ----------
    low : float
        The shortest valid duration, in seconds.
    """

    name = "duration"

    def __init__(self, low: float = 0.0) -> None:
        self._low = low

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a duration."""
        seconds = float(value) if isinstance(value, int | float) else _seconds(str(value))
        if seconds is None:
            text = f"{value!r} is not a duration such as 90 (seconds), 90s, 10m or 3h50m."
            raise click.BadParameter(text, ctx, param)
        if not self._low <= seconds <= _LONGEST_S:
            text = f"{value!r} is not between {self._low:g} s and {_LONGEST_S / _UNITS['d']:g} days."
            raise click.BadParameter(text, ctx, param)
        return seconds


def _seconds(text: str) -> float | None:
    """Return a duration; None for any other text."""
    text = text.strip().lower()
    parts = _PART.findall(text)
    if parts and _PART.sub("", text) == "":
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


DURATION = Duration()

#: A duration greater than zero.
POSITIVE_DURATION = Duration(low=0.001)


class AtLeast(click.IntRange):
    """An integer of at least ``low`` that the database can store; help and errors call it an integer.

    Parameters
    ----------
    low : int
        The smallest valid integer.
    """

    name = "integer"

    def __init__(self, low: int) -> None:
        super().__init__(min=low)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read an integer."""
        number = int(super().convert(value, param, ctx))
        if number >= 2**63:
            raise click.BadParameter(f"{number} has more than 64 bits.", ctx, param)
        return number


class BestOrNumber(AtLeast):
    """The number of a trial, or ``best``; not None, which Click 8.1 reports as a missing argument."""

    name = "best or integer"

    def __init__(self) -> None:
        super().__init__(0)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read a number or the word."""
        return value if value == "best" else super().convert(value, param, ctx)


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """Return ``click.option`` with the environment variable and the default in its help.

    Parameters
    ----------
    *names : str
        As for ``click.option``.
    **settings
        As for ``click.option``.
    """
    return click.option(*names, **{"show_envvar": True, "show_default": True, **settings})


def store_option(*, required: bool, is_deferred: bool = False) -> Callable[[F], F]:
    """Return the options for the database; the command gets the URI as ``store``.

    Parameters
    ----------
    required : bool
        Whether one of them must be given.
    is_deferred : bool
        Instead of the URI, pass a function that returns it, or raises the error of its file.
    """
    file = option(
        "--store-file",
        type=str if is_deferred else click.Path(dir_okay=False),
        envvar=STORE_FILE,
        is_eager=True,
        expose_value=False,
        callback=note_file,
        help="File with the URI of the MongoDB to use; only its owner may read it.",
    )
    uri = option(
        "--store",
        metavar="URI",
        envvar=STORE,
        callback=deferred_store if is_deferred else chosen_store(required=required),
        help="MongoDB to use: mongodb://user:password@host/database, with any option of MongoDB's URIs. "
        "For a URI with a password, prefer --store-file or the environment variable.",
    )
    return lambda command: uri(file(command))


def health_options(command: F) -> F:
    """Add the options of the port for probes and Prometheus."""
    port = option(
        "--health-port",
        type=click.IntRange(0, 65535),
        callback=_checked_port,
        help="Serve /healthz, /readyz and /metrics on this port; 0 for any free port.",
    )
    host = option(
        "--health-host",
        metavar="ADDR",
        default="127.0.0.1",
        help="Address of the port; 0.0.0.0 for all networks of this machine.",
    )
    return port(host(command))


def secret_option() -> Callable[[F], F]:
    """Return the option for the file with the secret; there is no option for the secret itself."""
    return option(
        "--secret-file",
        type=click.Path(dir_okay=False),
        envvar="HPSEARCH_SECRET_FILE",
        help="File with the secret that signs objectives sent by value; only its owner may read it. "
        "HPSEARCH_SECRET may contain the secret itself.",
    )


def auth_patience_option() -> Callable[[F], F]:
    """Return the option for the time to retry after MongoDB refuses the user."""
    return option(
        "--auth-patience",
        type=DURATION,
        default="10m",
        help="Time to keep trying after MongoDB refuses a user that it accepted before, such as while a "
        "password is rotated; --store-file is read again meanwhile.",
    )


def format_options(cls: type[click.Option] = click.Option) -> Callable[[F], F]:
    """Return the options for the form of the output; the command gets a ``Format`` as ``form``."""
    named = option(
        "--format",
        "form",
        cls=cls,
        type=click.Choice([str(f) for f in Format if f is not Format.RAW_CSV]),
        default=str(Format.TABLE),
        envvar="HPSEARCH_FORMAT",
        help="Output format.",
    )
    json = option("--json", cls=cls, is_flag=True, envvar="HPSEARCH_JSON", help="Short for --format json.")
    raw = option(
        "--raw",
        cls=cls,
        is_flag=True,
        envvar="HPSEARCH_RAW",
        help="In CSV, do not protect texts that a spreadsheet would run as formulas.",
    )

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def formatted(*args: Any, form: str, json: bool, raw: bool, **arguments: Any) -> Any:
            return command(*args, form=_format(form, as_json=json, is_raw=raw), **arguments)

        return named(json(raw(cast("F", formatted))))

    return decorate


def _format(form: str, *, as_json: bool, is_raw: bool) -> Format:
    """Return the format that the options name."""
    context = click.get_current_context()
    is_typed = context.get_parameter_source("form") is ParameterSource.COMMANDLINE
    if as_json and is_typed and form != Format.JSON:
        raise click.UsageError("--json and --format exclude each other: leave one out.", context)
    if as_json:
        return Format.JSON
    return Format.RAW_CSV if is_raw and form == Format.CSV else Format(form)


def debug_option(cls: type[click.Option] = click.Option) -> Callable[[F], F]:
    """Return the option for tracebacks and debug messages."""
    return option(
        "--debug",
        cls=cls,
        is_flag=True,
        envvar="HPSEARCH_DEBUG",
        expose_value=False,
        is_eager=True,
        callback=_set_debug,
        help="Show tracebacks and debug messages.",
    )


def log_format_option() -> Callable[[F], F]:
    """Return the option for the format of the log."""
    return option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        envvar="HPSEARCH_LOG_FORMAT",
        expose_value=False,
        is_eager=True,
        callback=_set_log_format,
        help="Write the log on stderr as text, or as one JSON object a line.",
    )


def _checked_port(ctx: click.Context, param: click.Parameter, port: int | None) -> int | None:
    """Return the port; --health-host needs it, unless it is set by an environment variable."""
    # click processes given options first, so the source of --health-host is known here.
    if port is None and ctx.get_parameter_source("health_host") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--health-host has no effect without --health-port.", ctx)
    return port


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)


def _set_log_format(ctx: click.Context, param: click.Parameter, value: str) -> None:
    if value == "json":
        log_as_json()
