"""How a command ends: exit codes, and errors as one sentence."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn

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
from hpsearch.runtime.escaping import one_line, without_credentials
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import is_json, tell

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

#: Seconds that threads and exit handlers of a user's code still have when a command is done, and those
#: for the last of its output after that.
_ENDING_S, _FLUSHING_S = 5.0, 1.0

#: Characters of the sentence that a command ends with.
_MAX_SENTENCE = 1500


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


def as_process(main: Callable[[], NoReturn]) -> NoReturn:
    """Run the main function of a process, and see to it that the process ends soon after it.

    A user's code that was imported may leave threads that Python waits for, or handlers that it
    calls at the end. They have ``_ENDING_S`` seconds.
    """
    code: int | str | None = 1
    try:
        main()
    except SystemExit as ending:
        code = ending.code
        raise
    finally:
        _end_within(_ENDING_S, code if isinstance(code, int) else int(code is not None))


def last_words(lines: Sequence[str]) -> str | None:
    """Return the sentence that a command ended with, out of its stderr; None if it ended well."""
    return next((words for line in reversed(lines) if (words := _last_words(line)) is not None), None)


def exit_code_of(error: HpsearchError) -> int:
    """Return the exit code for an error."""
    return next(code for kind, code in EXIT_CODES if isinstance(error, kind))


def _end_within(seconds: float, code: int) -> None:
    """End this process after so long, whatever it does meanwhile."""

    def end() -> None:
        time.sleep(seconds)
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # closed, replaced, or not read any more
                stream.flush()
        os._exit(code)

    def end_at_last() -> None:  # in case the reader of a stream takes nothing
        time.sleep(seconds + _FLUSHING_S)
        os._exit(code)

    for target in (end, end_at_last):
        threading.Thread(target=target, daemon=True).start()


def _say_why(words: str, exit_code: int) -> None:
    """Say why the command ends: its last words, which may repeat what it was given."""
    sentence = one_line(without_credentials(words), _MAX_SENTENCE)
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
