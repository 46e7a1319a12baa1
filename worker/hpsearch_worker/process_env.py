"""The environment of an objective, restored before each trial: streams, working folder, variables."""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from hpsearch.objective.process_reports import EVALUATION_VARIABLE, Evaluation

_STDOUT = 1


class Streams:
    """Standard output and error of this process, whatever an objective does to them."""

    def __init__(self) -> None:
        # A separate descriptor, since the objective may close or replace the standard ones.
        self._fd = os.dup(_STDOUT)
        faulthandler.enable(self._fd)
        self.restore()
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]

    def restore(self) -> None:
        """Replace a stream that was closed, so that the next trial can print."""
        sys.stdout, sys.stderr = self._usable(sys.stdout), self._usable(sys.stderr)

    def flush(self) -> None:
        """Write out what was printed, if the streams still work."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # the objective may have replaced it with any object
                stream.flush()

    def _usable(self, stream: TextIO | None) -> TextIO:
        if stream is not None and not getattr(stream, "closed", False):
            return stream
        return open(self._fd, "w", buffering=1, errors="backslashreplace", closefd=False)


@contextmanager
def evaluation_in_environ(evaluation: Evaluation) -> Iterator[None]:
    """Describe an evaluation in the environment, for the processes that it starts."""
    before = os.environ.get(EVALUATION_VARIABLE)
    os.environ[EVALUATION_VARIABLE] = evaluation.to_text()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(EVALUATION_VARIABLE, None)
        else:
            os.environ[EVALUATION_VARIABLE] = before


def working_folder() -> str | None:
    """Return the current folder, or None if it was deleted."""
    try:
        return os.getcwd()  # noqa: PTH109 - a text for ``change_folder``
    except FileNotFoundError:
        return None


def change_folder(folder: str | None) -> None:
    """Change to a folder if it exists; the last trial may have changed to another one."""
    if folder is not None:
        with suppress(OSError):
            os.chdir(folder)
