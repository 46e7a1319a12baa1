"""Runs a command as a process: its exit code, and errors as one sentence on stderr."""

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
from click.core import ParameterSource

from hpsearch.cli.environment_variables import variable_of
from hpsearch.errors import HpsearchError
from hpsearch.runtime.escaping import one_line, without_credentials
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import is_json, print_or_log

log = logging.getLogger("hpsearch")

#: Start of the sentence that a command fails with.
_PREFIX = "hpsearch: "

#: Seconds for the threads and exit handlers of a user's code after the command, then for flushing its output.
_EXIT_GRACE_S, _FLUSH_S = 5.0, 1.0

#: Characters of the sentence that a command fails with.
_MAX_SENTENCE = 1500


def run_and_exit(command: click.Command, prog_name: str, env_prefix: str) -> NoReturn:
    """Run a command and end the process with its exit code; an error becomes one sentence on stderr.

    Parameters
    ----------
    command : click.Command
        The command; it reads ``sys.argv``.
    prog_name : str
        Its name in help texts.
    env_prefix : str
        Start of the names of the environment variables of its options.
    """
    try:
        code = command.main(prog_name=prog_name, standalone_mode=False, auto_envvar_prefix=env_prefix)
        sys.stdout.flush()
    except click.ClickException as error:
        code = error.exit_code
        if type(error).__name__ == "NoArgsIsHelpError":  # Click 8.2 and later
            error.show()
        else:
            _print_failure(_usage_sentence(error), code)
    except (click.Abort, KeyboardInterrupt):
        code = 130
        print_or_log("Interrupted.", Event.INTERRUPTED.of(exit_code=code))
    except HpsearchError as error:
        code = error.exit_code
        _print_failure(str(error), code)
    except BrokenPipeError:
        # The reader of stdout has closed it, as `| head` does: success, and the flush at exit must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception:
        if not is_json():
            raise
        log.critical("internal error", exc_info=True, extra=Event.CRASHED.of())
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def as_process(main: Callable[[], NoReturn]) -> NoReturn:
    """Run the main function of a process, and end the process soon after it.

    Imported user code may leave threads that Python joins, or exit handlers. They have ``_EXIT_GRACE_S``
    seconds.
    """
    code: int | str | None = 1
    try:
        main()
    except SystemExit as ending:
        code = ending.code
        raise
    finally:
        _exit_within(_EXIT_GRACE_S, code if isinstance(code, int) else int(code is not None))


def failure_in(lines: Sequence[str]) -> str | None:
    """Return the sentence that a command failed with, from the lines of its stderr; None if it succeeded."""
    for line in reversed(lines):
        if line.startswith(_PREFIX):
            return line.removeprefix(_PREFIX)
        with suppress(ValueError):  # no JSON
            event = json.loads(line)
            if isinstance(event, dict) and event.get("event") == Event.COMMAND_FAILED:
                return str(event["message"])
    return None


def _exit_within(seconds: float, code: int) -> None:
    """End this process after a time limit, whatever it is doing."""

    def flush_and_exit() -> None:
        time.sleep(seconds)
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # closed, replaced, or without a reader
                stream.flush()
        os._exit(code)

    def exit_unflushed() -> None:  # if the reader of a stream blocks the flush
        time.sleep(seconds + _FLUSH_S)
        os._exit(code)

    for target in (flush_and_exit, exit_unflushed):
        threading.Thread(target=target, daemon=True).start()


def _print_failure(text: str, exit_code: int) -> None:
    """Print or log why the command fails; the text may repeat user input, such as a URI with a password."""
    sentence = one_line(without_credentials(text), _MAX_SENTENCE)
    error, is_debug = sys.exception(), log.isEnabledFor(logging.DEBUG)
    if is_json():
        extra = Event.COMMAND_FAILED.of(error=type(error).__name__, exit_code=exit_code)
        log.error("%s", sentence, exc_info=is_debug, extra=extra)
        return
    if is_debug and isinstance(error, HpsearchError):
        traceback.print_exc()
    click.echo(f"{_PREFIX}{sentence}", err=True)


def _usage_sentence(error: click.ClickException) -> str:
    """Return what is wrong with the usage, and where to read about it; names a variable that is the cause."""
    context = getattr(error, "ctx", None)
    if context is None:
        return error.format_message()
    if isinstance(error, click.BadParameter) and isinstance(error.param, click.Option):
        name = error.param.name or ""
        if context.get_parameter_source(name) is ParameterSource.ENVIRONMENT:
            error.param_hint = f"'{variable_of(error.param, context.auto_envvar_prefix or '')}'"
    return f"{error.format_message()} See: {context.command_path} --help"
