"""Shows a running search: a live block on a terminal, a few lines elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TextIO

from hpsearch.coordination.progress import Progress
from hpsearch.core.standing import Front
from hpsearch.core.trial import State
from hpsearch.report.front_text import new_on_front_line
from hpsearch.report.status_line import status_line
from hpsearch.report.text import improvement_line
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import is_json

log = logging.getLogger(__name__)

#: Takes a line, and the fields of its event in the JSON log.
Print = Callable[[str, Mapping[str, object]], None]

#: Seconds between two status lines.
_STATUS_EVERY_S = 30.0


class View(Protocol):
    """Shows the progress of a search."""

    def show(self, progress: Progress) -> None:
        """Show a new state; called often."""
        ...

    def close(self) -> None:
        """Restore the screen."""
        ...


class PlainView:
    """Prints a line for each improvement, and a status line every 30 s.

    Parameters
    ----------
    print_line : callable
        Prints a line.
    clock : callable
        Monotonic seconds.
    """

    def __init__(self, print_line: Print, clock: Callable[[], float] = time.monotonic) -> None:
        self._print = print_line
        self._clock = clock
        self._best_loss: float | None = None
        self._on_front: set[int] | None = None  # numbers of the trials
        self._status_at = float("-inf")
        self._was_standby = False

    def show(self, progress: Progress) -> None:
        """Print an improvement or a status line if one is due."""
        best = progress.best
        if best is not None and best.loss is not None and best.loss != self._best_loss:
            self._best_loss = best.loss
            improvement = Event.IMPROVED.of(
                exp_key=best.exp_key, tid=best.tid, loss=best.loss, params=best.params
            )
            self._print(improvement_line(best, progress.experiment.goal), improvement)
        self._show_new_on_front(progress.front)
        is_due = self._clock() - self._status_at >= _STATUS_EVERY_S
        if is_due or progress.is_standby != self._was_standby:
            self._status_at, self._was_standby = self._clock(), progress.is_standby
            self._print(status_line(progress), _progress_event(progress))

    def close(self) -> None:
        """Do nothing."""

    def _show_new_on_front(self, front: Front | None) -> None:
        """Print the trials that came onto the front since the last state."""
        if front is None:
            return
        for trial in front.trials:
            if self._on_front is not None and trial.tid not in self._on_front:
                event = Event.NEW_ON_FRONT.of(exp_key=trial.exp_key, tid=trial.tid, losses=trial.losses)
                self._print(new_on_front_line(trial), event)
        self._on_front = {trial.tid for trial in front.trials}


def print_to(out: TextIO) -> Print:
    """Return a function that prints lines to a file."""
    return lambda line, extra: print(line, file=out, flush=True)


def choose_view(out: TextIO | None = None) -> View:
    """Return the live view on a capable terminal if rich is installed, else the plain view.

    If the log is written in JSON, the lines become events.

    Parameters
    ----------
    out : TextIO, optional
        Where to print; stderr by default, so that stdout contains only the result.
    """
    out = sys.stderr if out is None else out
    if is_json():
        return PlainView(_log_line)
    plain = PlainView(print_to(out))
    if not out.isatty():
        return plain
    try:
        from rich.console import Console

        from hpsearch.report.live import LiveView
    except ModuleNotFoundError:
        print("For a live view, install hpsearch[terminal].", file=out)
        return plain
    console = Console(file=out)
    return plain if console.is_dumb_terminal else LiveView(console)


def _log_line(line: str, extra: Mapping[str, object]) -> None:
    log.info("%s", line, extra=extra)


def _progress_event(progress: Progress) -> dict[str, object]:
    return Event.PROGRESS.of(
        exp_key=progress.experiment.exp_key,
        is_standby=progress.is_standby,
        pending=progress.counts[State.PENDING],
        running=progress.counts[State.RUNNING],
        done=progress.counts[State.DONE],
        failed=progress.counts[State.FAILED],
        pruned=progress.counts[State.PRUNED],
        best_loss=None if progress.best is None else progress.best.loss,
        per_minute=progress.per_minute,
        workers=len(progress.workers),
        n_front=None if progress.front is None else len(progress.front.trials),
    )
