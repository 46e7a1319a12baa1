"""Hyperopt's ``std_out_err_redirect_tqdm``: what is printed meanwhile goes above a bar of tqdm."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

__all__ = ["DummyTqdmFile", "std_out_err_redirect_tqdm"]


class DummyTqdmFile:
    """A stream that writes through ``tqdm.write``, where tqdm is installed, and to a stream otherwise.

    Parameters
    ----------
    file : text stream
        Where it ends up.
    """

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def write(self, x: str) -> None:
        """Write a text on lines of its own; nothing for blanks and line ends alone."""
        if not x.strip():
            return
        write = _tqdm_write()
        if write is None:
            self.file.write(f"{x.rstrip()}\n")
        else:
            write(x.rstrip("\n"), file=self.file)

    def flush(self) -> None:
        """Flush the stream."""
        self.file.flush()

    def close(self) -> None:
        """Close the stream."""
        self.file.close()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self.file.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@contextlib.contextmanager
def std_out_err_redirect_tqdm() -> Iterator[TextIO]:
    """Redirect the standard streams meanwhile; give the one that was the standard output, for the bar."""
    output, errors = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = DummyTqdmFile(output), DummyTqdmFile(errors)
    try:
        yield output
    finally:
        sys.stdout, sys.stderr = output, errors


def _tqdm_write() -> Any:
    """Return the function that writes above tqdm's bars; None where tqdm is not installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm.write
