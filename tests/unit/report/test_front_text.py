"""Fronts and limits in every view."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hpsearch.core.experiment import Budget
from hpsearch.core.standing import standing_of
from hpsearch.core.trial import State
from hpsearch.report.final_report import FrontTrials, final_report
from hpsearch.report.front_text import front_text, share_text, violation_text
from hpsearch.report.rows import status_cells, status_row
from hpsearch.report.search_page import search_text
from hpsearch.report.status_line import status_line
from hpsearch.report.trial_page import trial_text
from hpsearch.report.view import PlainView
from tests.support.declared_outcomes import declared, done
from tests.support.progress_states import NOW, experiment, progress

TWO = declared(["error:min", "accuracy:max"], ["ms <= 20"])
TRIALS = [
    done(0, {"error": 0.5, "accuracy": 0.9}, {"ms": -1.0}),
    done(1, {"error": 0.25, "accuracy": 0.5}, {"ms": 0.0}, params={"lr": 0.1}),
    done(2, {"error": 0.1, "accuracy": 1.0}, {"ms": 3.5}),
]
SEARCH = experiment(outcomes=TWO, budget=Budget(max_evals=40))


def shown(n: int = 3) -> Any:
    standing = standing_of(TRIALS[:n], TWO)
    return progress(
        experiment=SEARCH,
        counts={State.DONE: n},
        front=standing.front,
        least_violated=standing.least_violated,
    )


def test_a_front_is_its_size_its_ranges_and_its_last_change() -> None:
    assert (
        front_text(shown().front)
        == "2 trials; error 0.25 to 0.5, accuracy 0.5 to 0.9; last change 1 trial ago"
    )
    assert front_text(shown(1).front) == "1 trial; error 0.5, accuracy 0.9; the last trial changed it"
    assert share_text(shown().front) == "2 of 3 trials are on the front."


def test_every_view_of_a_search_has_its_front() -> None:
    expected = front_text(shown().front)
    assert f"front: {expected}" in status_line(shown())
    assert f"front      {expected}" in search_text(shown(), NOW)
    assert "outcomes   error:min, accuracy:max, ms <= 20" in search_text(shown(), NOW)
    assert status_cells(status_row(shown(), NOW))["best"] == "2 trials on the front"


def test_without_a_feasible_trial_every_view_has_the_closest_one() -> None:
    standing = standing_of(TRIALS[2:], TWO)
    stuck = progress(experiment=SEARCH, front=standing.front, least_violated=standing.least_violated)
    sentence = "one keeps the limits; trial 2 comes closest: it exceeds ms <= 20 by 3.5"
    for text in (status_line(stuck), search_text(stuck, NOW), final_report(stuck, None, [], {})):
        assert sentence in text
    assert violation_text(TRIALS[2], TWO) == "exceeds ms <= 20 by 3.5"


def test_a_trial_has_its_losses_and_whether_it_keeps_the_limits() -> None:
    assert "accuracy      1\n" in trial_text(TRIALS[2], outcomes=TWO)
    assert "limits        exceeds ms <= 20 by 3.5" in trial_text(TRIALS[2], outcomes=TWO)
    assert "limits        kept" in trial_text(TRIALS[1], outcomes=TWO)


def test_the_report_lists_the_front_and_the_knee() -> None:
    front = shown().front
    trials = FrontTrials(front=front, trials=front.trials, knee=TRIALS[1], config=None)
    text = final_report(shown(), None, [], {}, front=trials)
    assert "2 of 3 trials are on the front." in text
    assert "  1      0.25   0.5" in text
    assert "knee  error 0.25, accuracy 0.5  (trial 1)\nparams\n  lr  0.1" in text


def test_the_plain_view_prints_each_trial_that_comes_onto_the_front() -> None:
    lines: list[str] = []
    view = PlainView(lambda line, event: lines.append(line), clock=lambda: 0.0)
    for n in (1, 2, 2, 3):
        view.show(replace(shown(n)))
    assert lines[1:] == ["trial 1: new on the front with error 0.25, accuracy 0.5"]
