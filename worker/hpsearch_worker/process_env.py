"""What an objective finds around it: put right before each trial of a warm process."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from hpsearch.objective.process_reports import VARIABLE, Evaluation

_STDOUT = 1


class Streams:
    """The way out for what is printed in this process, whatever an objective does to its streams."""

    def __init__(self) -> None:
        # A descriptor of its own, since the objective may close or replace the standard ones.
        self._fd = os.dup(_STDOUT)
        faulthandler.enable(self._fd)
        self.restore()
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]

    def restore(self) -> None:
        """Replace a stream that was closed, so that the next trial can print."""
        sys.stdout, sys.stderr = self._usable(sys.stdout), self._usable(sys.stderr)

    def flush(self) -> None:
        """Write out what was printed, as far as there is something left to print to."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # whatever stands there now is the objective's
                stream.flush()

    def _usable(self, stream: TextIO | None) -> TextIO:
        if stream is not None and not getattr(stream, "closed", False):
            return stream
        return open(self._fd, "w", buffering=1, errors="backslashreplace", closefd=False)


@contextmanager
def described(evaluation: Evaluation) -> Iterator[None]:
    """Let the environment describe an evaluation to the processes that it starts."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = evaluation.to_text()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def working_folder() -> str | None:
    """Return the present folder, or None when it was deleted."""
    try:
        return os.getcwd()  # noqa: PTH109 - a text to go back to
    except FileNotFoundError:
        return None


def go_to(folder: str | None) -> None:
    """Go to a folder if it is still there; the last trial may have left for another one."""
    if folder is not None:
        with suppress(OSError):
            os.chdir(folder)
