"""What a user sees of a search in this process: a bar on a terminal, one in a notebook, or lines in a log."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from datetime import timedelta
from typing import Any

from hpsearch.runtime.html import Html, element

#: Least seconds between two updates of a bar, so that the display does not slow fast trials.
_LINE_INTERVAL_S, _NOTEBOOK_INTERVAL_S = 0.1, 0.25

#: Most seconds between two lines of a log while trials finish.
_LOG_INTERVAL_S = 30.0

#: Characters of the bar, and of the whole line.
_BAR, _LINE = 10, 79


class NoProgress:
    """Displays nothing."""

    postfix: object = None  #: text after the count

    def update(self, n: int) -> None:
        """Count ``n`` more trials."""

    def close(self) -> None:
        """Show the final state."""


class CountedProgress(NoProgress, ABC):
    """Counts trials and time; a subclass displays them.

    Parameters
    ----------
    initial : int
        Number of known trials.
    total : int or None
        Expected number of trials; None if unknown.
    """

    def __init__(self, initial: int, total: int | None) -> None:
        self._n, self._total, self._n_known = initial, total, initial
        self._began_s = self._shown_s = time.monotonic()
        self._has_shown = False

    def update(self, n: int) -> None:
        """Count ``n`` more trials, and show them unless the display is up to date."""
        self._n += n
        if self._is_due():
            self._show_now()

    def close(self) -> None:
        """Show the final state."""
        self._show()

    @abstractmethod
    def _is_due(self) -> bool:
        """Whether the display is out of date."""

    @abstractmethod
    def _show(self) -> None:
        """Display the present state."""

    def _show_now(self) -> None:
        self._show()
        self._shown_s, self._has_shown = time.monotonic(), True

    def _has_waited(self, interval_s: float) -> bool:
        return not self._has_shown or time.monotonic() - self._shown_s >= interval_s

    def _text(self) -> str:
        """Return ``12/50 trials, best loss: 0.25, 0:00:24, 0:01:16 left``."""
        elapsed_s, n_new = time.monotonic() - self._began_s, self._n - self._n_known
        parts = [f"{self._n}{'' if self._total is None else f'/{self._total}'} trials"]
        if self.postfix:
            parts.append(str(self.postfix))
        parts.append(_clock_text(elapsed_s))
        if self._total is not None and n_new and self._n < self._total:
            parts.append(f"{_clock_text(elapsed_s / n_new * (self._total - self._n))} left")
        return ", ".join(parts)


class ProgressLine(CountedProgress):
    """A bar on a terminal, rewritten as trials finish."""

    def close(self) -> None:
        """Show the final state, and end the line."""
        self._show()
        sys.stderr.write("\n")

    def _is_due(self) -> bool:
        return self._has_waited(_LINE_INTERVAL_S)

    def _show(self) -> None:
        filled = _BAR * self._n // self._total if self._total else 0
        bar = f"[{'#' * filled:-<{_BAR}}] " if self._total else ""
        sys.stderr.write(f"\r{bar + self._text():<{_LINE}.{_LINE}}")
        sys.stderr.flush()


class ProgressLog(CountedProgress):
    """A line for each improvement, and now and then between them."""

    _shown: object = None  #: the text after the count in the last line

    def close(self) -> None:
        """Write the final state, if a trial finished."""
        if self._n > self._n_known:
            self._show()

    def _is_due(self) -> bool:
        return self.postfix != self._shown or self._has_waited(_LOG_INTERVAL_S)

    def _show(self) -> None:
        self._shown = self.postfix
        sys.stderr.write(f"{self._text()}\n")
        sys.stderr.flush()


class NotebookProgress(CountedProgress):
    """A bar in the output of a notebook's cell; needs neither widgets nor JavaScript.

    Parameters
    ----------
    initial, total
        As for ``CountedProgress``.
    display : callable
        IPython's ``display``.
    """

    def __init__(self, initial: int, total: int | None, display: Any) -> None:
        super().__init__(initial, total)
        self._display = display
        self._handle: Any = None

    def _is_due(self) -> bool:
        return self._has_waited(_NOTEBOOK_INTERVAL_S)

    def _show(self) -> None:
        if self._handle is None:
            self._handle = self._display(self._output(), display_id=True)
        else:
            self._handle.update(self._output())

    def _output(self) -> Html:
        text = self._text()
        if not self._total:
            return Html(element("div", text), text)
        bar = element("progress", "", value=self._n, max=self._total, style="width: 16em")
        return Html(element("div", bar, " ", text), text)


def progress_display(initial: int, total: int | None) -> CountedProgress:
    """Return the display that fits where this process runs.

    Parameters
    ----------
    initial : int
        Number of known trials.
    total : int or None
        Expected number of trials; None if unknown.
    """
    display = notebook_display()
    if display is not None:
        return NotebookProgress(initial, total, display)
    return ProgressLine(initial, total) if sys.stderr.isatty() else ProgressLog(initial, total)


def notebook_display() -> Any:
    """Return IPython's ``display`` in a notebook (Jupyter, VS Code, Colab); None elsewhere."""
    ipython = sys.modules.get("IPython")
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        return None
    from IPython.display import display

    return display


def _clock_text(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
