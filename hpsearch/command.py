"""What every command shares: options, exit codes, and errors as sentences."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import click

from hpsearch.errors import (
    BackupError,
    ConfigurationError,
    ExperimentAtWorkError,
    ExperimentMismatchError,
    HpsearchError,
    LoadError,
    NotFoundError,
    SpaceError,
    SpaceExhaustedError,
    StorePermissionError,
    StoreUnavailableError,
    TooManyFailuresError,
    UnreadableError,
)
from hpsearch.events import Event
from hpsearch.logs import LOGGERS, is_json, tell, write_json
from hpsearch.store_choice import STORE, STORE_FILE, chosen_store, note_file
from hpsearch.wording import one_line

log = logging.getLogger("hpsearch")

EXIT_NO_SUCCESS = 1
EXIT_TOO_MANY_FAILURES = 70
EXIT_WRONG_SETUP = 78

#: Exit codes by error; the first match counts. 0 is success, 2 a usage error.
EXIT_CODES: tuple[tuple[type[HpsearchError], int], ...] = (
    (ExperimentAtWorkError, 2),
    (NotFoundError, 4),
    (TooManyFailuresError, EXIT_TOO_MANY_FAILURES),
    (SpaceExhaustedError, 0),  # nothing is left to do
    (LoadError, 65),
    (SpaceError, 65),
    (BackupError, 65),
    (UnreadableError, 65),
    (StoreUnavailableError, 69),
    (StorePermissionError, 77),
    (ConfigurationError, EXIT_WRONG_SETUP),
    (ExperimentMismatchError, EXIT_WRONG_SETUP),
    (HpsearchError, 1),
)

#: What the last words of a command begin with.
_MARK = "hpsearch: "

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
#: The longest duration. Dates beyond the year 9999 could not be read back from the database.
_LONGEST_S = 3650 * 86400.0
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")

#: Characters of the sentence that a command ends with.
_MAX_SENTENCE = 1500

F = TypeVar("F", bound=Callable[..., Any])


class Duration(click.ParamType[float]):
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


def store_option(*, required: bool) -> Callable[[F], F]:
    """Return the options that name the database; the command gets its URI as ``store``."""
    file = option(
        "--store-file",
        type=click.Path(dir_okay=False),
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
        callback=chosen_store(required=required),
        help="MongoDB to use: mongodb://user:password@host/database, any option of MongoDB's URIs. "
        "Prefer --store-file or the environment variable for one with a password.",
    )
    return lambda command: uri(file(command))


def health_options(command: F) -> F:
    """Add the options of the port that answers probes and Prometheus."""
    port = option(
        "--health-port",
        type=click.IntRange(0, 65535),
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


def json_option() -> Callable[[F], F]:
    """Return the option for programs that read the answer."""
    return option("--json", is_flag=True, help="Print JSON.")


def debug_option() -> Callable[[F], F]:
    """Return the option that shows tracebacks and debug messages."""
    return option(
        "--debug",
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


def run_and_exit(command: click.Command, prog_name: str, env_prefix: str) -> NoReturn:
    """Run a command and end the process with its exit code; an error becomes one sentence on stderr."""
    try:
        code = command.main(prog_name=prog_name, standalone_mode=False, auto_envvar_prefix=env_prefix)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        code = error.exit_code
    except click.ClickException as error:
        code = error.exit_code
        _say_why(_sentence(error), code)
    except (click.Abort, KeyboardInterrupt):
        code = 130
        tell("Interrupted.", Event.INTERRUPTED.of(exit_code=code))
    except HpsearchError as error:
        code = exit_code_of(error)
        _say_why(str(error), code)
    except BrokenPipeError:
        # The reader of stdout has gone, as with `| head`: nothing is wrong, and nothing more to say
        # when the interpreter flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception:
        if not is_json():
            raise
        log.critical("a defect of hpsearch ended it", exc_info=True, extra=Event.CRASHED.of())
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def last_words(lines: Sequence[str]) -> str | None:
    """Return the sentence that a command ended with, out of its stderr; None if it ended well."""
    return next((words for line in reversed(lines) if (words := _last_words(line)) is not None), None)


def exit_code_of(error: HpsearchError) -> int:
    """Return the exit code for an error."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def _say_why(words: str, exit_code: int) -> None:
    """Say why the command ends: its last words, which may repeat what it was given."""
    sentence = one_line(words, _MAX_SENTENCE)
    error, is_debug = sys.exception(), log.isEnabledFor(logging.DEBUG)
    if is_json():
        extra = Event.COMMAND_FAILED.of(error=type(error).__name__, exit_code=exit_code)
        log.error("%s", sentence, exc_info=is_debug, extra=extra)
        return
    if is_debug and isinstance(error, HpsearchError):
        traceback.print_exc()
    click.echo(f"{_MARK}{sentence}", err=True)


def _last_words(line: str) -> str | None:
    """Return what ``_say_why`` said in a line; None for a line that is not its."""
    if line.startswith(_MARK):
        return line.removeprefix(_MARK)
    try:
        event = json.loads(line)
    except ValueError:
        return None
    is_last = isinstance(event, dict) and event.get("event") == Event.COMMAND_FAILED
    return str(event["message"]) if is_last else None


def _sentence(error: click.ClickException) -> str:
    """Return what was wrong with the usage, and where the right one is described."""
    text = error.format_message()
    context = getattr(error, "ctx", None)
    return text if context is None else f"{text} See: {context.command_path} --help"


def _set_debug(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.DEBUG)


def _set_log_format(ctx: click.Context, param: click.Parameter, value: str) -> None:
    if value == "json":
        write_json()
