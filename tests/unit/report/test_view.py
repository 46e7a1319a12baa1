"""Views of a running search."""

from __future__ import annotations

import io
import logging
import sys
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from hpsearch.core.experiment import Budget, ExperimentState
from hpsearch.core.trial import State
from hpsearch.report.live import LiveView, block
from hpsearch.report.view import PlainView, choose_view, print_to
from hpsearch.runtime.logs import log_to_stderr
from tests.support.progress_states import done, experiment, failed, progress


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


def lines(out: io.StringIO) -> list[str]:
    """Return the lines printed since the last call."""
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.splitlines()


def test_off_a_terminal_there_is_one_line_for_each_improvement(out: io.StringIO) -> None:
    view = PlainView(print_to(out), HandClock())
    view.show(progress())
    lines(out)
    for best in (done(0, 2.0), done(0, 2.0), done(3, 1.0), done(3, 1.0)):
        view.show(progress(best=best))
    assert [line.split(" with")[0] for line in lines(out)] == ["trial 0: best loss 2", "trial 3: best loss 1"]


def test_off_a_terminal_there_is_a_status_line_every_thirty_seconds(out: io.StringIO) -> None:
    clock = HandClock()
    view = PlainView(print_to(out), clock)
    seen_at = []
    for second in range(100):
        clock.now = float(second)
        view.show(progress())
        seen_at += [second] * len(lines(out))
    assert seen_at == [0, 30, 60, 90]


def test_off_a_terminal_a_takeover_prints_a_status_line_immediately(out: io.StringIO) -> None:
    view = PlainView(print_to(out), HandClock())
    view.show(progress(is_standby=True))
    assert "standby" in lines(out)[0]
    view.show(progress())
    assert "standby" not in lines(out)[0]


def test_a_file_gets_plain_lines(out: io.StringIO) -> None:
    assert isinstance(choose_view(out), PlainView)


class Terminal(io.TextIOWrapper):
    """A text file with a byte buffer that reports to be a terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


def test_a_terminal_gets_the_live_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    view = choose_view(Terminal())
    view.close()
    assert isinstance(view, LiveView)


def test_a_terminal_that_cannot_move_its_cursor_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(choose_view(Terminal()), PlainView)


def drawn(shown: object, width: int = 100) -> str:
    """Return a block as text without colours."""
    console = Console(
        file=io.StringIO(), force_terminal=True, width=width, color_system=None, legacy_windows=False
    )
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def test_the_live_block_has_counts_best_values_speed_workers_and_the_last_error() -> None:
    text = drawn(
        block(
            progress(
                counts={State.DONE: 9, State.FAILED: 1, State.RUNNING: 2, State.PENDING: 1},
                best=done(3, 0.25),
                per_minute=30.0,
                elapsed_s=20.0,
                last_failure=failed(4),
            )
        )
    )
    head, *rest = text.splitlines()
    assert head.startswith("search  running  ━━━━")
    assert rest == [
        "trials      10/40 finished: 9 done, 1 failed; 2 running, 1 pending",
        "best loss   0.25  (trial 3)",
        "speed       30 trials/min, 20 s so far, 60 s left",
        "workers     1 alive",
        "last error  trial 4: ValueError: no luck",
        "best with   lr=0.01235, kind=adam",
    ]


def test_the_live_block_of_a_search_without_workers_budget_or_trials_is_whole() -> None:
    text = drawn(block(progress(experiment=experiment(budget=Budget()), workers=())))
    assert text.splitlines() == [
        "search  running",
        "trials   0 finished: 0 done, 0 failed",
        "speed    0 s so far",
        "workers  no worker yet",
    ]


def test_the_live_block_of_a_standby_says_who_leads_and_claims_no_speed() -> None:
    text = drawn(block(progress(is_standby=True)))
    assert "standby: another coordinator leads" in text
    assert "speed" not in text


def test_the_live_block_says_that_a_search_is_paused() -> None:
    assert "search  paused" in drawn(block(progress(experiment=experiment(state=ExperimentState.PAUSED))))


def test_a_long_error_takes_one_line_of_the_live_block() -> None:
    text = drawn(block(progress(last_failure=failed(4, "word " * 40))), width=60)
    assert text.splitlines()[-1].startswith("last error")
    assert text.endswith("…")


def test_the_live_block_of_many_parameters_fits_on_a_small_screen_with_all_other_rows() -> None:
    params = {f"parameter_{i}": i for i in range(60)}
    shown = progress(best=done(0, 1.0, params=params), per_minute=30.0, last_failure=failed(4, "word " * 40))
    lines = drawn(block(shown), width=80).splitlines()
    assert len(lines) <= 13
    begins = ["search", "trials", "best loss", "speed", "workers", "last error", "best with"]
    assert all(line.startswith(begin) for line, begin in zip(lines, begins, strict=False))
    assert lines[-1].strip() == "… `hpsearch best` shows all"


def test_the_live_block_shows_some_parameters_in_full() -> None:
    params = {f"parameter_{i}": i for i in range(10)}
    text = drawn(block(progress(best=done(0, 1.0, params=params))), width=60)
    assert all(f"parameter_{i}={i}" in text for i in range(10))


def test_the_live_view_removes_its_block_at_the_end() -> None:
    file = io.StringIO()
    view = LiveView(Console(file=file, force_terminal=True, width=80, legacy_windows=False))
    view.show(progress())
    view.close()
    assert "0/40 finished" in file.getvalue()
    assert "\x1b[2K" in file.getvalue().rsplit("workers", 1)[-1]


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The package's log, as it was afterwards."""
    names = ("hpsearch", "hpsearch_worker")
    known = {name: (list(logging.getLogger(name).handlers), logging.getLogger(name).level) for name in names}
    yield logging.getLogger("hpsearch")
    for name, (handlers, level) in known.items():
        logging.getLogger(name).handlers[:] = handlers
        logging.getLogger(name).setLevel(level)


def test_what_is_logged_meanwhile_scrolls_above_the_live_block(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    log_to_stderr(logging.WARNING)
    view = choose_view()
    view.show(progress())
    deadline = time.monotonic() + 120
    while "0/40 finished" not in terminal.shown():
        assert time.monotonic() < deadline, "the block is never drawn"
        time.sleep(0.01)
    n_shown = len(terminal.shown())
    logger.warning("one trial lost its worker")
    before, _, after = terminal.shown()[n_shown:].partition("one trial lost its worker")
    view.close()
    assert "\x1b[2K" in before  # the block is removed first, and drawn again below
    assert "0/40 finished" in after
