"""Hyperopt's ``progress``: context managers that display the progress of a search."""

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

#: Minimum seconds between two updates of the line, so that the display does not slow fast trials.
_MIN_INTERVAL_S = 0.1


class NoProgress:
    """Displays nothing."""

    postfix: object = None  #: text after the count

    def update(self, n: int) -> None:
        """Count ``n`` more trials."""


class ProgressLine(NoProgress):
    """A line on a terminal, rewritten as trials finish; nothing if stderr is not a terminal.

    Parameters
    ----------
    initial : int
        Number of known trials.
    total : int or None
        Expected number of trials; None if unknown.
    """

    def __init__(self, initial: int, total: int | None) -> None:
        self._n, self._total = initial, total
        self._stream = sys.stderr
        self._is_shown = self._stream.isatty()
        self._next_s = 0.0

    def update(self, n: int) -> None:
        """Count ``n`` more trials, and rewrite the line unless it was written just before."""
        self._n += n
        if self._is_shown and time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + _MIN_INTERVAL_S
            self._write("\r")

    def close(self) -> None:
        """Write the final line."""
        if self._is_shown:
            self._write("\r", end="\n")

    def _write(self, start: str, end: str = "") -> None:
        of_total = "" if self._total is None else f"/{self._total}"
        text = f"{self._n}{of_total} trials" + (f", {self.postfix}" if self.postfix else "")
        self._stream.write(f"{start}{text:<78}{end}")
        self._stream.flush()


@contextlib.contextmanager
def default_callback(initial: int, total: int | None) -> Iterator[NoProgress]:
    """Display a line on a terminal.

    Parameters
    ----------
    initial : int
        Number of known trials.
    total : int or None
        Expected number of trials; None or ``sys.maxsize`` if unknown.
    """
    line = ProgressLine(initial, None if total == sys.maxsize else total)
    try:
        yield line
    finally:
        line.close()


@contextlib.contextmanager
def no_progress_callback(initial: int, total: int | None) -> Iterator[NoProgress]:
    """Display nothing.

    Parameters
    ----------
    initial, total
        Ignored.
    """
    yield NoProgress()


def progress_bar(wanted: Any, *, verbose: bool, n_known: int, n_total: int) -> AbstractContextManager[Any]:
    """Return the context manager that displays the progress of a search.

    Parameters
    ----------
    wanted : bool or callable
        Whether to display the line, or another factory of context managers.
    verbose : bool
        Whether to display anything.
    n_known, n_total : int
        Number of known trials, and expected number of trials.
    """
    factory: Any = wanted if callable(wanted) else default_callback
    return factory(n_known, n_total) if wanted and verbose else no_progress_callback(n_known, n_total)


@contextlib.contextmanager
def tqdm_progress_callback(initial: int, total: int | None) -> Iterator[Any]:
    """Display a tqdm bar below any printed output; a plain line if tqdm is not installed.

    Parameters
    ----------
    initial : int
        Number of known trials.
    total : int or None
        Expected number of trials; None or ``sys.maxsize`` if unknown.
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
