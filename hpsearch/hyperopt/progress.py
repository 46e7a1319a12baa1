"""Hyperopt's ``progress``: context managers that display the progress of a search."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from hpsearch.hyperopt.engine.progress_displays import NoProgress, ProgressLine, progress_display
from hpsearch.hyperopt.std_out_err_redirect_tqdm import std_out_err_redirect_tqdm

__all__ = [
    "NoProgress",
    "ProgressLine",
    "default_callback",
    "no_progress_callback",
    "std_out_err_redirect_tqdm",
    "tqdm_progress_callback",
]


@contextlib.contextmanager
def default_callback(initial: int, total: int | None) -> Iterator[NoProgress]:
    """Display a bar on a terminal or in a notebook, and a line for each improvement elsewhere.

    Parameters
    ----------
    initial : int
        Number of known trials.
    total : int or None
        Expected number of trials; None or ``sys.maxsize`` if unknown.
    """
    shown = progress_display(initial, None if total == sys.maxsize else total)
    try:
        yield shown
    finally:
        shown.close()


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
        Whether to display progress, or another factory of context managers.
    verbose : bool
        Whether to display anything.
    n_known, n_total : int
        Number of known trials, and expected number of trials.
    """
    factory: Any = wanted if callable(wanted) else default_callback
    return factory(n_known, n_total) if wanted and verbose else no_progress_callback(n_known, n_total)


def best_loss_text(loss: float) -> str:
    """Return the text after the count of trials."""
    return f"best loss: {loss:.6g}"


@contextlib.contextmanager
def tqdm_progress_callback(initial: int, total: int | None) -> Iterator[Any]:
    """Display a tqdm bar below any printed output; the default display if tqdm is not installed.

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
        with default_callback(initial, total) as shown:
            yield shown
        return
    n_total = None if total == sys.maxsize else total
    with (
        std_out_err_redirect_tqdm() as output,
        tqdm(total=n_total, initial=initial, file=output, unit="trial", dynamic_ncols=True) as bar,
    ):
        yield bar
