"""The file that a local worker's log goes to: turned over by the worker itself when it is full."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.log_files import FULL_BYTES, rotate
from hpsearch.runtime.private_files import append_private

_STDOUT, _STDERR = 1, 2

#: Seconds between two looks at what others write there, such as an objective in this process.
_LOOK_S = 0.1


class LogFile:
    """The file that stdout and stderr of this process lead to.

    Parameters
    ----------
    path : Path
        Its name.
    full_bytes : int
        Bytes after which the next one is begun.
    """

    def __init__(self, path: Path, full_bytes: int = FULL_BYTES) -> None:
        self._path = path
        self._full_bytes = full_bytes
        self._turning = threading.Lock()

    def keep_small(self) -> None:
        """From now on look at its size after each write of this process's own, and now and then."""
        sys.stderr = io.TextIOWrapper(
            _Checked(self),  # unbuffered, as Python's own stderr under -u
            encoding="utf-8",
            errors="backslashreplace",
            write_through=True,
        )
        threading.Thread(target=self._watch, name="log", daemon=True).start()

    def turn_over_if_full(self) -> None:
        """Begin another file if stderr leads to one that is full."""
        with self._turning:
            if os.fstat(_STDERR).st_size < self._full_bytes:
                return
            rotate(self._path)
            with append_private(self._path) as file:
                # Each takes the place of the old one at once, so that nothing is lost.
                os.dup2(file.fileno(), _STDOUT)
                os.dup2(file.fileno(), _STDERR)

    def _watch(self) -> None:
        while True:
            with suppress(OSError, ConfigurationError):  # such as a full disk: the next look may find it well
                self.turn_over_if_full()
            time.sleep(_LOOK_S)


class _Checked(io.FileIO):
    """Stderr without a buffer: what is written at once is in one file, which is turned over after it."""

    def __init__(self, log: LogFile) -> None:
        super().__init__(_STDERR, "a", closefd=False)
        self._log = log

    def write(self, data: Any, /) -> int:
        """Write all of it."""
        rest = memoryview(data).cast("B")
        n_bytes = len(rest)
        while rest:
            rest = rest[super().write(rest) :]
        with suppress(OSError, ConfigurationError):
            self._log.turn_over_if_full()
        return n_bytes
