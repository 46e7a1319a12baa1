"""Rotation of the log files of local workers, which bounds their total size."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

#: Size in bytes at which a log file is rotated.
FULL_BYTES = 10 * 2**20

#: Number of older files that are kept.
N_OLDER = 3


def rotate(log: Path) -> None:
    """Rename a log file to ``NAME.1``, the previous one to ``NAME.2``, and so on; deletes the oldest."""
    for age in reversed(range(N_OLDER)):
        with suppress(FileNotFoundError):
            _aged(log, age).replace(_aged(log, age + 1))


def last_bytes(log: Path, n_bytes: int) -> bytes:
    """Return the end of a log, from the previous file while the present one is empty.

    Parameters
    ----------
    log : Path
        The present file.
    n_bytes : int
        Most bytes to return; positive.
    """
    for age in (0, 1):
        with suppress(FileNotFoundError), _aged(log, age).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - n_bytes))
            if size:
                return file.read()
    return b""


def _aged(log: Path, age: int) -> Path:
    return log.with_name(f"{log.name}.{age}") if age else log
