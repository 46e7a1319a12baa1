"""One trial as text."""

from __future__ import annotations

import pytest

from hpsearch.core.trial import CheckpointPointer, Ended, Failure, FailureKind, Holder, Report
from hpsearch.report.trial_page import best_text, origin_text, trial_text
from tests.support.progress_states import NOW, done, failed


def test_the_best_trial_is_shown_with_one_parameter_a_line() -> None:
    assert best_text(done(3, 0.25)) == "trial 3  loss 0.25\n  lr    0.01235\n  kind  adam"
    assert best_text(done(3, 0.25), 0.31).startswith("trial 3  loss 0.25  believed 0.31\n")


def test_the_page_of_a_failed_trial_begins_with_its_message_and_ends_with_the_traceback() -> None:
    error = Failure(
        kind=FailureKind.EXCEPTION, type="ValueError", message="no", traceback="Traceback\n  no\n"
    )
    page = trial_text(failed(3, error=error, finished_at=NOW, origin="tpe"))
    assert page.splitlines()[:4] == [
        "trial         3 of search",
        "state         failed",
        "error         ValueError: no",
        "origin        tpe (suggested by TPE, from the densities of good and bad trials)",
    ]
    assert "finished_at   2026-01-01 12:00:00 UTC" in page
    assert page.endswith(
        "error\n  kind        exception\n  message     no\n  type        ValueError\n"
        "  traceback\nTraceback\n  no"
    )


def test_the_page_of_a_trial_has_attempts_and_result_and_no_empty_field() -> None:
    ended = Ended(attempt=1, worker="anna", ended_at=NOW, why="lease expired")
    result = {"accuracy": 0.5, "per_class": [0.25, 0.75]}
    page = trial_text(
        done(3, 0.25, result=result, history=(ended,), attempt=2, worker=Holder(name="ben", host="m", pid=7))
    )
    assert "result\n  accuracy   0.5\n  per_class  [0.25, 0.75]\n" in page
    assert "attempt 1 on anna ended 2026-01-01 12:00:00 UTC: lease expired" in page
    assert "worker        ben, pid 7 on m\n" in page
    assert "reports" not in page
    assert "None" not in page


def test_the_page_of_a_resumed_trial_says_where_it_went_on() -> None:
    ended = Ended(attempt=1, worker="anna", ended_at=NOW, why="lease expired", step=40.0)
    pointer = CheckpointPointer(step=55.0, attempt=2, at=NOW, n_bytes=1234567, file="f")
    page = trial_text(done(3, 0.25, history=(ended,), attempt=2, checkpoint=pointer))
    assert "attempt       2, resumed at step 40\n" in page
    assert "checkpoint    at step 55, 2026-01-01 12:00:00 UTC, 1,234,567 bytes" in page
    assert "lease expired, to go on at step 40" in page


def test_the_page_of_a_trial_has_its_reports() -> None:
    page = trial_text(done(3, 0.25, reports=(Report(step=1.0, value=0.5), Report(step=2.0, value=1 / 3))))
    assert "reports       1: 0.5, 2: 0.3333" in page


def test_the_page_of_a_trial_escapes_control_characters() -> None:
    """Raw, they could clear the screen or hide lines; newlines and tabs are harmless."""
    error = Failure(kind=FailureKind.EXCEPTION, message="\x1b[2Jno", log_tail="one\ttab\nbell \x07 \x9b1m\n")
    page = trial_text(failed(3, error=error, params={"kind": "a\x1b]0;title"}))
    assert "\\x1b[2Jno" in page
    assert "one\ttab\nbell \\x07 \\x9b1m" in page
    assert "kind  a\\x1b]0;title" in page
    assert {c for c in page if not c.isprintable()} == {"\n", "\t"}


def test_the_text_of_the_best_trial_escapes_control_characters() -> None:
    assert "\x1b" not in best_text(done(3, 0.25, params={"k\x1bind": "a\x1b[2J"}))


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        ("gp", "gp (suggested by a Gaussian process of the losses)"),
        ("hyperopt:17", "hyperopt:17 (imported; the number is Hyperopt's)"),
        ("mine", "mine"),
    ],
)
def test_an_origin_is_explained_if_it_is_known(origin: str, text: str) -> None:
    assert origin_text(origin) == text
