"""Log files of local workers, which together stay below a size: a full one makes room for the next."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

#: Bytes after which a log file is full.
FULL_BYTES = 10 * 2**20

#: Older files that are kept beside the present one.
N_OLDER = 3


def rotate(log: Path) -> None:
    """Rename a log file to ``NAME.1``, what had that name to ``NAME.2``, and so on; the oldest one goes."""
    for age in reversed(range(N_OLDER)):
        with suppress(FileNotFoundError):
            _aged(log, age).replace(_aged(log, age + 1))


def last_bytes(log: Path, n_bytes: int) -> bytes:
    """Return the end of a log, from the file before where the present one is still empty."""
    for age in (0, 1):
        with suppress(FileNotFoundError), _aged(log, age).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - n_bytes))
            if size:
                return file.read()
    return b""


def _aged(log: Path, age: int) -> Path:
    return log.with_name(f"{log.name}.{age}") if age else log
