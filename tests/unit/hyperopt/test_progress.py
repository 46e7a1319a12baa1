"""The progress display of a search."""

import io
import sys
from collections.abc import Callable
from contextlib import _GeneratorContextManager
from typing import Any

import pytest

from hpsearch.hyperopt import progress
from hpsearch.hyperopt.progress import NoProgress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(
    stream: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    callback: Callable[[int, int | None], _GeneratorContextManager[NoProgress]] = progress.default_callback,
) -> Any:
    """Return the output for four trials, one of them known before."""
    monkeypatch.setattr("sys.stderr", stream)
    with callback(1, 4) as bar:
        for i in range(3):
            bar.postfix = f"best loss: {3 - i}.5"
            bar.update(1)
    return stream.getvalue()


def test_a_terminal_shows_one_line_with_the_final_state(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(Terminal(), monkeypatch)
    assert text.startswith("\r2/4 trials, best loss: 3.5")
    assert text.rstrip(" \n").endswith("\r4/4 trials, best loss: 1.5")
    assert text.count("\n") == 1


def test_fast_updates_are_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(Terminal(), monkeypatch).count("\r") == 2


def test_the_line_ends_after_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with pytest.raises(KeyboardInterrupt), progress.default_callback(0, None):
        raise KeyboardInterrupt
    assert terminal.getvalue().split() == ["0", "trials"]


@pytest.mark.parametrize(
    ("stream", "callback"),
    [(io.StringIO, progress.default_callback), (Terminal, progress.no_progress_callback)],
)
def test_nothing_is_written_without_a_terminal_or_callback(
    stream: Any, callback: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(stream(), monkeypatch, callback) == ""


def test_an_unlimited_search_shows_no_total(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress.default_callback(0, sys.maxsize) as bar:
        bar.update(2)
    assert terminal.getvalue().split() == ["2", "trials"] * 2
