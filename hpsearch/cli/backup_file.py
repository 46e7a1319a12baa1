"""The file of a backup: written completely or not at all, compressed if its name ends in .gz."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from hpsearch.errors import BackupError
from hpsearch.store.mongo.backup_records import corrupt_line

#: The name that means stdout or stdin.
DASH = "-"

_GZIP_MAGIC = b"\x1f\x8b"

#: Bytes of the longest line; a document of 16 MiB takes several times that as text.
_MAX_LINE = 256 * 2**20


def write_lines(file: str, lines: Iterable[bytes]) -> None:
    """Write lines to a file, readable by its owner alone, or to stdout.

    The new file replaces an existing one once it is complete and on disk. Pipes and devices are written
    directly.

    Parameters
    ----------
    file : str
        Path of the file, or ``-`` for stdout.
    lines : iterable of bytes
        The lines, with their ends.

    Raises
    ------
    BackupError
        If the file cannot be written.
    """
    if file == DASH:
        sys.stdout.buffer.writelines(lines)
        return
    path = Path(file)
    try:
        is_special = path.exists() and not path.is_file()
        with path.open("wb") if is_special else _replacing(path) as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb") as compressed:
                    compressed.writelines(lines)
            else:
                raw.writelines(lines)
    except OSError as error:
        raise BackupError(f"{file} cannot be written: {error.strerror or error}.") from error


@contextmanager
def open_backup(file: str) -> Iterator[BinaryIO]:
    """Open a file so that it can be read twice; a pipe is copied to a temporary file first.

    Raises
    ------
    BackupError
        If the file cannot be read.
    """
    with ExitStack() as stack:
        try:
            raw = sys.stdin.buffer if file == DASH else stack.enter_context(Path(file).open("rb"))
            if file == DASH or not raw.seekable():
                pipe, raw = raw, cast("BinaryIO", stack.enter_context(tempfile.TemporaryFile()))
                shutil.copyfileobj(pipe, raw)
        except OSError as error:
            raise BackupError(f"{file} cannot be read: {error.strerror or error}.") from error
        yield raw


def read_lines(raw: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file from its start, decompressed if necessary.

    Raises
    ------
    BackupError
        If the compressed data are corrupt, or a line is longer than any document.
    """
    raw.seek(0)
    is_compressed = raw.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    raw.seek(0)
    n_lines = 0
    try:
        lines = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if is_compressed else raw
        while line := lines.readline(_MAX_LINE):
            n_lines += 1
            if len(line) == _MAX_LINE:
                raise corrupt_line(n_lines, "it is longer than any document")
            yield line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        text = f"The backup is truncated or corrupt: it cannot be decompressed after line {n_lines}."
        raise BackupError(text) from error


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file in the same folder, which replaces ``path`` if the block succeeds."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as raw:
        temporary = Path(raw.name)
        try:
            yield cast("BinaryIO", raw)
            raw.flush()
            os.fsync(raw.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
