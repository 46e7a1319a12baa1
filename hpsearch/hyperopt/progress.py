"""Hyperopt's ``progress``: context managers that show how far a search is."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from hpsearch.hyperopt.std_out_err_redirect_tqdm import std_out_err_redirect_tqdm

__all__ = [
    "NoProgress",
    "ProgressLine",
    "default_callback",
    "no_progress_callback",
    "std_out_err_redirect_tqdm",
    "tqdm_progress_callback",
]

#: Seconds between two updates of the line, so that fast trials are not slowed by their display.
_MIN_INTERVAL_S = 0.1


class NoProgress:
    """Shows nothing."""

    postfix: object = None  #: what is said beside the count

    def update(self, n: int) -> None:
        """Count ``n`` more trials."""


class ProgressLine(NoProgress):
    """One line on a terminal that is written anew as trials finish; nothing elsewhere."""

    def __init__(self, initial: int, total: int | None) -> None:
        self._n, self._total = initial, total
        self._stream = sys.stderr
        self._is_shown = self._stream.isatty()
        self._next_s = 0.0

    def update(self, n: int) -> None:
        """Count ``n`` more trials, and write the line unless that was done just now."""
        self._n += n
        if self._is_shown and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _MIN_INTERVAL_S
            self._write("\r")

    def close(self) -> None:
        """Write the line for the last time."""
        if self._is_shown:
            self._write("\r", end="\n")

    def _write(self, start: str, end: str = "") -> None:
        of_total = "" if self._total is None else f"/{self._total}"
        text = f"{self._n}{of_total} trials" + (f", {self.postfix}" if self.postfix else "")
        self._stream.write(f"{start}{text:<78}{end}")
        self._stream.flush()


@contextlib.contextmanager
def default_callback(initial: int, total: int | None) -> Iterator[NoProgress]:
    """Show a line of progress.

    Parameters
    ----------
    initial : int
        Trials there are already.
    total : int or None
        Trials there will be; None or ``sys.maxsize`` when that is open.
    """
    line = ProgressLine(initial, None if total == sys.maxsize else total)
    try:
        yield line
    finally:
        line.close()


@contextlib.contextmanager
def no_progress_callback(initial: int, total: int | None) -> Iterator[NoProgress]:
    """Show nothing."""
    yield NoProgress()


def progress_bar(wanted: Any, *, verbose: bool, n_known: int, n_total: int) -> AbstractContextManager[Any]:
    """Return what shows the progress of a search.

    Parameters
    ----------
    wanted : bool or callable
        Whether to show the line, or another factory of context managers.
    verbose : bool
        Whether to show anything at all.
    n_known, n_total : int
        Trials there are, and there will be.
    """
    factory = wanted if callable(wanted) else default_callback if wanted else no_progress_callback
    shown: AbstractContextManager[Any] = (factory if verbose else no_progress_callback)(n_known, n_total)
    return shown


@contextlib.contextmanager
def tqdm_progress_callback(initial: int, total: int | None) -> Iterator[Any]:
    """Show a bar of tqdm, above which goes what is printed meanwhile; a line where tqdm is not installed.

    Parameters
    ----------
    initial, total : int
        See ``default_callback``.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        with default_callback(initial, total) as line:
            yield line
        return
    n_total = None if total == sys.maxsize else total
    with (
        std_out_err_redirect_tqdm() as output,
        tqdm(total=n_total, initial=initial, file=output, unit="trial", dynamic_ncols=True) as bar,
    ):
        yield bar
