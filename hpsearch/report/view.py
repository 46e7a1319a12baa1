"""What a person sees while a search runs: a live block on a terminal, sparse lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from hpsearch.progress import Progress
from hpsearch.report.text import improvement_line, status_line

#: Seconds between two status lines where nothing else happens.
_STATUS_EVERY_S = 30.0


class View(Protocol):
    """Shows the progress of a search."""

    def show(self, progress: Progress) -> None:
        """Take in a new state; called often."""
        ...

    def close(self) -> None:
        """Leave the screen in order."""
        ...


class PlainView:
    """One line for each improvement, and a status line now and then.

    Parameters
    ----------
    out : TextIO
        Where to write.
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._best_loss: float | None = None
        self._status_at = float("-inf")
        self._was_standby = False

    def show(self, progress: Progress) -> None:
        """Print what is new; see ``View``."""
        best = progress.best
        if best is not None and best.loss is not None and best.loss != self._best_loss:
            self._best_loss = best.loss
            self._print(improvement_line(best))
        is_due = self._clock() - self._status_at >= _STATUS_EVERY_S
        if is_due or progress.is_standby != self._was_standby:
            self._status_at, self._was_standby = self._clock(), progress.is_standby
            self._print(status_line(progress))

    def close(self) -> None:
        """Nothing is left to put in order."""

    def _print(self, line: str) -> None:
        print(line, file=self._out, flush=True)


def choose_view(out: TextIO | None = None) -> View:
    """Return the live view if this is a capable terminal and rich is installed, else the plain one.

    Parameters
    ----------
    out : TextIO, optional
        Where to show; stderr by default, so that stdout holds the result alone.
    """
    out = sys.stderr if out is None else out
    if not out.isatty():
        return PlainView(out)
    try:
        from rich.console import Console

        from hpsearch.report.live import LiveView
    except ModuleNotFoundError:
        print("For a live view, install hpsearch[terminal].", file=out)
        return PlainView(out)
    console = Console(file=out)
    return PlainView(out) if console.is_dumb_terminal else LiveView(console)
