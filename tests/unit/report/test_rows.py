"""Searches and trials as rows, and one trial as text."""

from __future__ import annotations

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import Ended, Failure, FailureKind, Holder, Report, State
from hpsearch.report.rows import best_text, status_cells, status_row, trial_cells, trial_text
from tests.support.progress_states import NOW, after, done, experiment, failed, progress


def test_the_row_of_a_running_search_shows_a_missing_coordinator() -> None:
    left = progress(experiment=experiment(led_until=after(-1)), per_minute=30.0)
    led = progress(experiment=experiment(led_until=after(1)))
    assert status_cells(status_row(left, NOW))["state"] == "running, no coordinator"
    assert status_cells(status_row(left, NOW))["left"] is None
    assert status_cells(status_row(led, NOW))["state"] == "running"


def test_a_search_that_has_ended_needs_no_coordinator_and_has_no_time_left() -> None:
    ended = progress(experiment=experiment(state=ExperimentState.DONE), per_minute=10.0)
    cells = status_cells(status_row(ended, NOW))
    assert cells["state"] == "done"
    assert cells["left"] is None


def test_a_paused_search_has_no_time_left() -> None:
    """A paused search starts no trials, so its former rate gives no time left."""
    paused = experiment(state=ExperimentState.PAUSED, led_until=after(1))
    assert status_row(progress(experiment=paused, per_minute=10.0), NOW)["remaining_s"] is None


def test_the_row_of_a_search_has_counts_best_values_and_time_left() -> None:
    led = experiment(led_until=after(1))
    row = status_row(
        progress(experiment=led, counts={State.DONE: 10}, best=done(3, 0.5), per_minute=30.0), NOW
    )
    assert (row["done"], row["failed"], row["max_evals"]) == (10, 0, 40)
    assert (row["best_loss"], row["best_tid"], row["best_params"]["kind"]) == (0.5, 3, "adam")
    assert row["remaining_s"] == 60.0
    assert (status_cells(row)["left"], status_cells(row)["per_minute"]) == ("60 s", "30")


def test_the_cells_of_a_trial_have_a_word_for_worker_and_error() -> None:
    cells = trial_cells(failed(3, worker=Holder(name="anna", host="machine", pid=1)))
    assert (cells["worker"], cells["error"]) == ("anna", "ValueError")
    assert (trial_cells(done(3, 1.0))["worker"], trial_cells(done(3, 1.0))["error"]) == (None, None)


def test_the_best_trial_is_shown_with_one_parameter_a_line() -> None:
    assert best_text(done(3, 0.25)) == "trial 3  loss 0.25\n  lr    0.0123457\n  kind  adam"


def test_the_text_of_a_trial_ends_with_the_traceback() -> None:
    error = Failure(
        kind=FailureKind.EXCEPTION, type="ValueError", message="no", traceback="Traceback\n  no\n"
    )
    page = trial_text(failed(3, error=error, finished_at=NOW))
    assert "finished_at   2026-01-01 12:00:00" in page
    assert page.endswith(
        "error\n  kind        exception\n  message     no\n  type        ValueError\n"
        "  traceback\nTraceback\n  no"
    )


def test_the_text_of_a_trial_has_attempts_and_result_and_no_empty_field() -> None:
    ended = Ended(attempt=1, worker="anna", ended_at=NOW, why="lease expired")
    page = trial_text(done(3, 0.25, result={"accuracy": 0.5}, history=(ended,), attempt=2))
    assert 'result        {"accuracy": 0.5}' in page
    assert "lease expired" in page
    assert "reports" not in page
    assert "None" not in page


def test_the_text_of_a_trial_has_its_reports() -> None:
    page = trial_text(done(3, 0.25, reports=(Report(step=1.0, value=0.5), Report(step=2.0, value=1 / 3))))
    assert "reports       1: 0.5, 2: 0.333333" in page


def test_the_text_of_a_trial_escapes_control_characters() -> None:
    """Raw, they could clear the screen or hide lines; newlines and tabs are harmless."""
    error = Failure(kind=FailureKind.EXCEPTION, message="\x1b[2Jno", log_tail="one\ttab\nbell \x07 \x9b1m\n")
    page = trial_text(failed(3, error=error, params={"kind": "a\x1b]0;title"}))
    assert "\\x1b[2Jno" in page
    assert "one\ttab\nbell \\x07 \\x9b1m" in page
    assert "kind=a\\x1b]0;title" in page
    assert {c for c in page if not c.isprintable()} == {"\n", "\t"}


def test_the_text_of_the_best_trial_escapes_control_characters() -> None:
    assert "\x1b" not in best_text(done(3, 0.25, params={"k\x1bind": "a\x1b[2J"}))
