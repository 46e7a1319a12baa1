"""A search that maximises a metric shows it, under its name and with its sign, in every view."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from hpsearch import hp
from hpsearch.core.goal import Goal
from hpsearch.core.trial import Report, State
from hpsearch.report.believed_trials import BelievedTrials
from hpsearch.report.comparison import comparison_rows, record_of
from hpsearch.report.explain_text import explain_sentences
from hpsearch.report.explanation import explanation_of
from hpsearch.report.final_report import LikelyBest, final_report
from hpsearch.report.formats import Format
from hpsearch.report.importance_text import importance_sentences
from hpsearch.report.live import block
from hpsearch.report.numbers.importance import ParameterImportance
from hpsearch.report.rows import STATUS_TABLE_COLUMNS, status_cells, status_row
from hpsearch.report.search_page import search_text
from hpsearch.report.status_line import status_line
from hpsearch.report.summary import read_history
from hpsearch.report.table import render
from hpsearch.report.text import improvement_line
from hpsearch.report.trial_columns import (
    BEST_FIELDS,
    all_columns,
    believed_column,
    chosen_columns,
    field_columns,
    trial_rows,
)
from hpsearch.report.trial_page import best_text, trial_text
from hpsearch.space.tree import Space
from tests.support.progress_states import NOW, done, experiment, progress

ACCURACY = Goal(metric="accuracy", maximize=True)
BEST = done(3, -0.75, result={"accuracy": 0.75, "loss": 1.5}, reports=(Report(step=1.0, value=-0.5),))
SEARCH = progress(experiment=experiment(goal=ACCURACY), best=BEST, counts={State.DONE: 12})


SHARE = ParameterImportance(label="kind", share=1.0)


def live_text() -> str:
    out = StringIO()
    Console(file=out, width=80).print(block(SEARCH))
    return out.getvalue()


def table_of_trials() -> str:
    columns = field_columns(BEST_FIELDS, ACCURACY)
    return render("trials", trial_rows([BEST], columns), [c.title for c in columns], Format.TABLE)


VIEWS = {
    "status line": status_line(SEARCH),
    "improvement": improvement_line(BEST, ACCURACY),
    "page": search_text(SEARCH, NOW),
    "list": render("status", [status_cells(status_row(SEARCH, NOW))], STATUS_TABLE_COLUMNS, Format.TABLE),
    "live": live_text(),
    "best": best_text(BEST, -0.7, ACCURACY),
    "show": trial_text(BEST, (), ACCURACY),
    "trials": table_of_trials(),
    "final": final_report(SEARCH, {}, [], {}, likely=LikelyBest(trial=BEST, believed_loss=-0.7, config={})),
}


@pytest.mark.parametrize("view", VIEWS)
def test_the_view_shows_the_metric(view: str) -> None:
    text = VIEWS[view]
    assert "accuracy" in text
    assert "0.75" in text
    assert "-0." not in text


def test_csv_has_the_metric_once_and_the_loss_that_the_objective_returned_beside_it() -> None:
    columns = all_columns([BEST], ["lr"], ACCURACY)
    [row] = trial_rows([BEST], columns)
    assert [c.title for c in columns].count("accuracy") == 1
    assert (row["accuracy"], row["result.loss"]) == (0.75, 1.5)
    believed = BelievedTrials(losses={3: -0.7}, ranked=(3,))
    assert trial_rows([BEST], [believed_column(believed, ACCURACY)]) == [{"believed_accuracy": 0.7}]


def test_what_is_maximised_without_a_name_is_called_value() -> None:
    goal = Goal(maximize=True)
    assert best_text(BEST, goal=goal).startswith("trial 3  value 0.75")
    assert trial_rows([BEST], chosen_columns(["value"], [BEST], goal=goal)) == [{"value": 0.75}]


def test_a_metric_with_the_name_of_a_field_does_not_replace_it() -> None:
    goal = Goal(metric="state", maximize=True)
    [row] = trial_rows([BEST], all_columns([BEST], goal=goal))
    assert (row["state"], row["result.state"]) == (State.DONE, 0.75)


def test_the_explanation_names_the_metric() -> None:
    space = Space({"kind": hp.choice("kind", ["a", "b"])})
    points = [replace(done(tid, -tid / 10, finished_at=NOW), values={"kind": tid % 2}) for tid in range(8)]
    found = explanation_of(SEARCH, read_history(space, points), points)
    texts = dict(explain_sentences(found))
    assert "The best accuracy is 0.75" in texts["result"]
    assert texts["options"] == "Best accuracy by kind: b 0.7 (4 trials), a 0.6 (4 trials)."
    spread = replace(found.importance, parameters=(SHARE,), span=(-0.9, -0.2), note=None)
    assert (
        "four of five values of accuracy are between 0.2 and 0.9" in importance_sentences(spread, ACCURACY)[1]
    )


def test_searches_are_compared_by_their_metrics() -> None:
    points = [done(tid, -tid / 10, finished_at=NOW) for tid in range(12)]
    facts = {row["fact"]: row["search"] for row in comparison_rows([record_of(SEARCH, points)])}
    assert (facts["best_accuracy"], facts["best_after_10"]) == (0.75, 0.9)
    assert "best_loss" not in facts
