"""Options that several commands have, and the kinds of their values."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from hpsearch.cli.store_choice import STORE, STORE_FILE, chosen_store, deferred_store, note_file
from hpsearch.runtime.logs import LOGGERS, log_as_json

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

#: The longest duration. Dates beyond the year 9999 could not be read back from the database.
_LONGEST_S = 3650 * 86400.0

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")

F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType):  # type: ignore[type-arg] # generic from Click 8.4 on
    """A time such as ``90``, ``10m`` or ``3h50m``, in seconds.

    Parameters
    ----------
    low : float
        The shortest that makes sense, in seconds.
    """

    name = "duration"

    def __init__(self, low: float = 0.0) -> None:
        self._low = low

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a duration."""
        seconds = float(value) if isinstance(value, int | float) else _seconds(str(value))
        if seconds is None:
            text = f"{value!r} is not a duration; write seconds, or something like 90s, 10m or 3h50m."
            raise click.BadParameter(text, ctx, param)
        if not self._low <= seconds <= _LONGEST_S:
            text = f"{value!r} is not between {self._low:g} s and {_LONGEST_S / _UNITS['d']:g} days."
            raise click.BadParameter(text, ctx, param)
        return seconds


def _seconds(text: str) -> float | None:
    """Read a duration, or return None for what is none."""
    text = text.strip().lower()
    parts = _PART.findall(text)
    if parts and _PART.sub("", text) == "":
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


DURATION = Duration()

#: A duration that must not be nothing.
POSITIVE_DURATION = Duration(low=0.001)


class AtLeast(click.IntRange):
    """An integer from a bound on; named so in the help and in errors."""

    name = "integer"

    def __init__(self, low: int) -> None:
        super().__init__(min=low)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read an integer that the database can hold."""
        number = int(super().convert(value, param, ctx))
        if number >= 2**63:
            raise click.BadParameter(f"{number} has more than 64 bits.", ctx, param)
        return number


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """Return ``click.option``, which also tells its environment variable and its default."""
    return click.option(*names, **{"show_envvar": True, "show_default": True, **settings})


def store_option(*, required: bool, is_deferred: bool = False) -> Callable[[F], F]:
    """Return the options that name the database; the command gets its URI as ``store``.

    Parameters
    ----------
    required : bool
        Whether one of them must be given.
    is_deferred : bool
        Give the command a function that returns the URI instead, and raises what is wrong with its file.
    """
    file = option(
        "--store-file",
        type=str if is_deferred else click.Path(dir_okay=False),
        envvar=STORE_FILE,
        is_eager=True,
        expose_value=False,
        callback=note_file,
        help="File, readable by its owner alone, with the URI of the MongoDB to use.",
    )
    uri = option(
        "--store",
        metavar="URI",
        envvar=STORE,
        callback=deferred_store if is_deferred else chosen_store(required=required),
        help="MongoDB to use: mongodb://user:password@host/database, any option of MongoDB's URIs. "
        "Prefer --store-file or the environment variable for one with a password.",
    )
    return lambda command: uri(file(command))


def health_options(command: F) -> F:
    """Add the options of the port that answers probes and Prometheus."""
    port = option(
        "--health-port",
        type=click.IntRange(0, 65535),
        callback=_for_the_host,
        help="Answer /healthz, /readyz and /metrics at this port; 0 for any free one.",
    )
    host = option(
        "--health-host",
        metavar="ADDR",
        default="127.0.0.1",
        help="Address to answer at; 0.0.0.0 for every network of this machine.",
    )
    return port(host(command))


def secret_option() -> Callable[[F], F]:
    """Return the option that names the file with the secret; the secret itself is no option."""
    return option(
        "--secret-file",
        type=click.Path(dir_okay=False),
        envvar="HPSEARCH_SECRET_FILE",
        help="File, readable by its owner alone, with the secret that objectives sent by value are "
        "signed with. HPSEARCH_SECRET may hold the secret itself.",
    )


def auth_patience_option() -> Callable[[F], F]:
    """Return the option that says for how long to outlast a refusal of the user."""
    return option(
        "--auth-patience",
        type=DURATION,
        default="10m",
        help="Time to go on trying once MongoDB refuses a user whom it let in before, such as while a "
        "password is rotated; --store-file is read again meanwhile.",
    )


def json_option(cls: type[click.Option] = click.Option) -> Callable[[F], F]:
    """Return the option for programs that read the answer."""
    return option("--json", cls=cls, is_flag=True, help="Print JSON.")


def debug_option(cls: type[click.Option] = click.Option) -> Callable[[F], F]:
    """Return the option that shows tracebacks and debug messages."""
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
    """Return the option that makes the log one for programs."""
    return option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        envvar="HPSEARCH_LOG_FORMAT",
        expose_value=False,
        is_eager=True,
        callback=_set_log_format,
        help="Write what goes to stderr as lines for people, or as a JSON object a line.",
    )


def _for_the_host(ctx: click.Context, param: click.Parameter, port: int | None) -> int | None:
    """Return the port; a host on the command line needs it, one in the environment of many does not."""
    # What is given is processed before what is not.
    if port is None and ctx.get_parameter_source("health_host") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--health-host opens no port by itself: add --health-port.", ctx)
    return port


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)


def _set_log_format(ctx: click.Context, param: click.Parameter, value: str) -> None:
    if value == "json":
        log_as_json()
