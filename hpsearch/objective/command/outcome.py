"""What a command says about its trial: intermediate values while it runs, and a result at its end."""

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hpsearch.core.trial import Failure, FailureKind, Report

_ADVICE = (
    "print the loss, or a JSON object with it, as the last line, or write it to the file $HPSEARCH_RESULT"
)

#: Characters of a line that a message shows.
_MAX_SHOWN = 200


def report_in(line: bytes) -> Report | None:
    """Return the intermediate value of a line ``{"step": 3, "value": 0.4}``; None for any other line."""
    if not line.lstrip().startswith(b"{"):
        return None
    found = _json(line)
    if not isinstance(found, Mapping) or found.keys() != {"step", "value"}:
        return None
    step, value = found["step"], found["value"]
    if not (_is_number(step) and _is_number(value)):
        return None
    return Report(step=float(step), value=float(value))


def result_in(file: bytes | None, last_line: bytes) -> Any | Failure:
    """Return the result of a command that succeeded, as an objective returns it, or why there is none.

    Parameters
    ----------
    file : bytes or None
        Content of the result file, if the command wrote one; it takes precedence.
    last_line : bytes
        The last line of the standard output that is neither empty nor an intermediate value.
    """
    text, place = (last_line, "its last line") if file is None else (file, "its result file")
    found = _json(text)
    if isinstance(found, Mapping) or _is_number(found):
        return found
    shown = text.decode(errors="replace").strip()[:_MAX_SHOWN]
    what = f"{place} is {shown!r}" if shown else f"{place} is empty"
    return Failure(kind=FailureKind.INVALID_RESULT, message=f"The command gave no result: {what}; {_ADVICE}.")


def failure_of(returncode: int) -> Failure | None:
    """Return the failure of a command that did not end with exit code 0.

    Parameters
    ----------
    returncode : int
        The exit code; for a command that a signal ended, the signal's negative number.
    """
    if returncode == 0:
        return None
    if returncode > 0:
        message = f"The command ended with exit code {returncode}."
        return Failure(kind=FailureKind.EXIT, message=message, exit_code=returncode)
    name = f"signal {-returncode}"
    with suppress(ValueError):
        name = signal.Signals(-returncode).name
    return Failure(kind=FailureKind.SIGNAL, message=f"The command was killed by {name}.", signal=name)


def _json(text: bytes) -> Any:
    """Return a JSON value, also NaN and infinities in any case; None for any other text."""
    decoded = text.decode(errors="replace").strip()
    with suppress(ValueError, RecursionError):
        return json.loads(decoded)
    with suppress(ValueError):
        return float(decoded)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
