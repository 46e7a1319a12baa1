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
    assert text.startswith("\r[#####-----] 2/4 trials, best loss: 3.5, 0:00:00, 0:00:00 left")
    assert text.rstrip(" \n").endswith("\r[##########] 4/4 trials, best loss: 1.5, 0:00:00")
    assert text.count("\n") == 1


def test_fast_updates_are_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(Terminal(), monkeypatch).count("\r") == 2


def test_the_line_ends_after_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with pytest.raises(KeyboardInterrupt), progress.default_callback(0, None):
        raise KeyboardInterrupt
    assert terminal.getvalue().split() == ["0", "trials,", "0:00:00"]


def test_a_file_gets_a_line_for_each_improvement_and_the_final_state(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr("sys.stderr", file)
    with progress.default_callback(0, 50) as bar:
        for n in range(50):
            bar.postfix = "best loss: 0.5" if n < 20 else "best loss: 0.25"
            bar.update(1)
    lines = [line.split(", 0:")[0] for line in file.getvalue().splitlines()]
    assert lines == [
        "1/50 trials, best loss: 0.5",
        "21/50 trials, best loss: 0.25",
        "50/50 trials, best loss: 0.25",
    ]
    assert "\r" not in file.getvalue()


def test_a_file_gets_nothing_about_a_search_without_a_new_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr("sys.stderr", file)
    with progress.default_callback(50, 50):
        pass
    assert file.getvalue() == ""


def test_nothing_is_written_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(Terminal(), monkeypatch, progress.no_progress_callback) == ""


def test_an_unlimited_search_shows_no_total(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress.default_callback(0, sys.maxsize) as bar:
        bar.update(2)
    assert terminal.getvalue().split() == ["2", "trials,", "0:00:00"] * 2
