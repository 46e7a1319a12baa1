"""Hyperopt's ``std_out_err_redirect_tqdm``: prints above a tqdm bar."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, TextIO

__all__ = ["DummyTqdmFile", "std_out_err_redirect_tqdm"]


class DummyTqdmFile:
    """A stream that writes through ``tqdm.write``, or directly if tqdm is not installed.

    Parameters
    ----------
    file : text stream
        The stream to write to.
    """

    def __init__(self, file: TextIO) -> None:
        self.file = file

    def write(self, x: str) -> None:
        """Write a text on a separate line; ignore blank text."""
        if not x.strip():
            return
        write = _tqdm_write()
        if write is None:
            self.file.write(f"{x.rstrip()}\n")
        else:
            write(x.rstrip("\n"), file=self.file)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@contextlib.contextmanager
def std_out_err_redirect_tqdm() -> Iterator[TextIO]:
    """Redirect the standard streams within the context; yield the original stdout for the bar."""
    output, errors = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = DummyTqdmFile(output), DummyTqdmFile(errors)
    try:
        yield output
    finally:
        sys.stdout, sys.stderr = output, errors


def _tqdm_write() -> Any:
    """Return ``tqdm.write``; None if tqdm is not installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm.write
