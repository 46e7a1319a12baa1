"""A search as text."""

from __future__ import annotations

import pytest

from hpsearch.coordination.plan import EndReason
from hpsearch.core.experiment import Budget, ExperimentState
from hpsearch.core.trial import State
from hpsearch.report.failures import failure_groups, failure_line
from hpsearch.report.final_report import LikelyBest, final_report
from hpsearch.report.status_line import status_line
from hpsearch.report.text import counts_text, duration_text, improvement_line, number
from tests.support.progress_states import done, experiment, failed, progress


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "?"),
        (float("inf"), "?"),
        (0, "0 s"),
        (99, "99 s"),
        (100, "2 min"),
        (3569, "59 min"),
        (3570, "1 h 00 min"),
        (3900, "1 h 05 min"),
    ],
)
def test_a_duration_has_readable_units(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text


def test_counts_have_the_budget_and_every_state() -> None:
    counts = {State.DONE: 11, State.FAILED: 1, State.RUNNING: 2, State.PENDING: 3}
    assert counts_text(progress(counts=counts)) == "12/40 finished: 11 done, 1 failed; 2 running, 3 pending"


def test_counts_without_a_budget_have_no_total_and_no_empty_state() -> None:
    endless = progress(experiment=experiment(budget=Budget()), counts={State.DONE: 3, State.CANCELLED: 1})
    assert counts_text(endless) == "3 finished: 3 done, 0 failed; 1 cancelled"


def test_a_status_line_has_best_loss_rate_time_left_workers_and_the_last_error() -> None:
    line = status_line(
        progress(
            counts={State.DONE: 9, State.FAILED: 1},
            best=done(3, 0.25),
            per_minute=30.0,
            last_failure=failed(4, "no luck\nsecond line"),
        )
    )
    assert line == (
        "search: 10/40 finished: 9 done, 1 failed; best loss 0.25; 30 trials/min; 60 s left; 1 worker; "
        "last error: trial 4: ValueError: no luck"
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"is_standby": True}, "standby: another coordinator leads"),
        ({"experiment": experiment(state=ExperimentState.PAUSED)}, "paused"),
        ({"workers": ()}, "no worker yet"),
        ({"workers": (), "elapsed_s": 60.0}, "no worker has come"),
        ({"workers": (), "n_left_idle": 1}, "all workers have left"),
        ({"workers": (), "counts": {State.DONE: 1}}, "no worker yet"),
        ({"workers": (), "counts": {State.DONE: 1}, "elapsed_s": 60.0}, "all workers have left"),
    ],
)
def test_a_status_line_explains_why_nothing_happens(fields: dict[str, object], words: str) -> None:
    assert words in status_line(progress(**fields)).split("; ")


def test_an_improvement_is_printed_with_the_parameters() -> None:
    assert improvement_line(done(3, 0.25)) == "trial 3: best loss 0.25 with lr=0.01235, kind=adam"


def test_an_improvement_without_parameters_is_printed() -> None:
    assert improvement_line(done(0, 1.0, params={})).endswith("with no parameters")


def test_a_failure_is_one_line_of_limited_length() -> None:
    line = failure_line(failed(4, "word " * 200 + "\nsecond line"))
    assert "\n" not in line
    assert len(line) <= 220
    assert line.endswith("…")


def test_a_failure_without_an_error_is_printed() -> None:
    assert failure_line(failed(4, error=None)) == "trial 4: unknown"


def test_the_final_report_has_best_trial_config_failures_and_next_commands() -> None:
    ended = experiment(state=ExperimentState.DONE, ended_why=EndReason.MAX_EVALS, budget=Budget(max_evals=3))
    report = final_report(
        progress(experiment=ended, counts={State.DONE: 1, State.FAILED: 2}, best=done(0, 0.25)),
        {"lr": 0.0123456789, "optimizer": {"name": "adam"}},
        failure_groups([failed(1), failed(2)]),
        {"go on": "hpsearch run search.py --max-evals 6", "why": "hpsearch show search 1"},
    )
    assert report.split("\n") == [
        "search: done, all trials are finished; 3/3 finished: 1 done, 2 failed",
        "",
        "best loss  0.25  (trial 0)",
        "params",
        "  lr    0.01235",
        "  kind  adam",
        "config",
        "  {'lr': 0.01235, 'optimizer': {'name': 'adam'}}",
        "",
        "failed",
        "  2 x ValueError: no luck  (first in trial 1)",
        "",
        "go on:  hpsearch run search.py --max-evals 6",
        "why:    hpsearch show search 1",
    ]


def test_the_final_report_does_not_repeat_the_parameters_as_the_configuration() -> None:
    best = done(0, 0.25, params={"units": 128, "kind": None})
    report = final_report(progress(best=best), {"units": 128.0, "kind": None}, [], {})
    assert report.endswith("params\n  units  128\n  kind   None")


def test_the_final_report_shows_which_trial_is_most_likely_best_where_losses_are_noisy() -> None:
    likely = LikelyBest(trial=done(7, 0.3), believed_loss=0.28, config=3)
    blocks = final_report(progress(best=done(0, 0.25)), 2, [], {}, likely=likely).split("\n\n")
    assert blocks[1].startswith("best loss  0.25  (trial 0)\n")
    assert blocks[2].split("\n") == [
        "most likely best, since losses are noisy: believed 0.28, observed 0.3  (trial 7)",
        "params",
        "  lr    0.01235",
        "  kind  adam",
        "config",
        "  3",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.000123456, "0.0001235"),
        (12.3456, "12.35"),
        (128.0, "128"),
        (123456.0, "123456"),
        (9999.99, "10000"),
        (1.5e9, "1.5e+09"),
        (-0.25, "-0.25"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_a_number_has_four_significant_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_the_final_report_without_a_loss() -> None:
    report = final_report(progress(), None, [], {})
    assert report.endswith("\n\nNo trial has a loss.")


def test_the_final_report_says_that_the_time_was_too_short_for_a_trial() -> None:
    ended = experiment(state=ExperimentState.DONE, ended_why=EndReason.TIMEOUT)
    report = final_report(progress(experiment=ended), None, [], {})
    assert report.startswith("search: done, the --timeout is reached; 0/40 finished")
    assert report.endswith("No trial finished before the --timeout.")


def test_the_final_report_of_an_interrupted_search() -> None:
    headline = final_report(progress(), None, [], {}, is_interrupted=True).split("\n")[0]
    assert headline == "search: interrupted; 0/40 finished: 0 done, 0 failed"


@pytest.mark.parametrize("reason", EndReason)
def test_every_end_reason_has_a_text(reason: EndReason) -> None:
    ended = experiment(state=ExperimentState.DONE, ended_why=reason.value)
    headline = final_report(progress(experiment=ended), None, [], {}).split(";")[0]
    assert headline.startswith("search: done, ")
    assert reason.value not in headline.removeprefix("search: done, ").split()


def test_the_line_of_a_failure_escapes_control_characters() -> None:
    assert failure_line(failed(2, "\x1b[2Jgone\x9b")) == "trial 2: ValueError: \\x1b[2Jgone\\x9b"
