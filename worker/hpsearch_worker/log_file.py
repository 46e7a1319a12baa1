"""The file that a local worker's log goes to: turned over by the worker itself when it is full."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from hpsearch.errors import ConfigurationError
from hpsearch.log_files import FULL_BYTES, turn_over
from hpsearch.private_file import append_private

_STDOUT, _STDERR = 1, 2

#: Seconds between two looks at its size; what is written in between is above the limit.
_LOOK_S = 0.1


def keep_small(log: Path) -> None:
    """Turn the log over from now on whenever it is full; stdout and stderr of this process lead there."""
    threading.Thread(target=_keep_small, args=(log,), name="log", daemon=True).start()


def turn_over_if_full(log: Path, full_bytes: int = FULL_BYTES) -> None:
    """Begin another file if stderr leads to one that is full."""
    if os.fstat(_STDERR).st_size < full_bytes:
        return
    turn_over(log)
    with append_private(log) as file:
        # Each takes the place of the old one at once, so that no line is lost or written in two parts.
        os.dup2(file.fileno(), _STDOUT)
        os.dup2(file.fileno(), _STDERR)


def _keep_small(log: Path) -> None:
    while True:
        with suppress(OSError, ConfigurationError):  # such as a full disk: the next look may find it well
            turn_over_if_full(log)
        time.sleep(_LOOK_S)
