"""The log file of a local worker, rotated by the worker itself when it is full."""

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

#: Seconds between two checks of the size, since others write there, too, such as an inline objective.
_CHECK_S = 0.1


class LogFile:
    """The file behind stdout and stderr of this process.

    Parameters
    ----------
    path : Path
        Its name.
    full_bytes : int
        Size in bytes at which the file is rotated.
    """

    def __init__(self, path: Path, full_bytes: int = FULL_BYTES) -> None:
        self._path = path
        self._full_bytes = full_bytes
        self._rotating = threading.Lock()

    def keep_small(self) -> None:
        """From now on check the size after each write to stderr, and regularly."""
        sys.stderr = io.TextIOWrapper(
            _RotatingStderr(self),  # unbuffered, as Python's own stderr under -u
            encoding="utf-8",
            errors="backslashreplace",
            write_through=True,
        )
        threading.Thread(target=self._check_regularly, name="log", daemon=True).start()

    def rotate_if_full(self) -> None:
        """Begin a new file if the present one is full."""
        with self._rotating:
            if os.fstat(_STDERR).st_size < self._full_bytes:
                return
            rotate(self._path)
            with append_private(self._path) as file:
                # dup2 replaces a descriptor in one step, so no output is lost.
                os.dup2(file.fileno(), _STDOUT)
                os.dup2(file.fileno(), _STDERR)

    def _check_regularly(self) -> None:
        while True:
            with suppress(OSError, ConfigurationError):  # such as a full disk: try again later
                self.rotate_if_full()
            time.sleep(_CHECK_S)


class _RotatingStderr(io.FileIO):
    """Unbuffered stderr; each write goes into one file, which is rotated after it."""

    def __init__(self, log: LogFile) -> None:
        super().__init__(_STDERR, "a", closefd=False)
        self._log = log

    def write(self, data: Any, /) -> int:
        """Write all the bytes."""
        rest = memoryview(data).cast("B")
        n_bytes = len(rest)
        while rest:
            rest = rest[super().write(rest) :]
        with suppress(OSError, ConfigurationError):
            self._log.rotate_if_full()
        return n_bytes
