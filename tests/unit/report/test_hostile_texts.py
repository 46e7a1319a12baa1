"""No view prints control characters that an objective, a worker or an edited document chose."""

from __future__ import annotations

import io
import json
import re
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from hpsearch import hp
from hpsearch.core.experiment import ExperimentState, ObjectiveRef
from hpsearch.core.trial import Ended, Failure, FailureKind, Holder
from hpsearch.diagnosis.finding import findings_text, problem
from hpsearch.report.failures import failure_groups, failure_line
from hpsearch.report.final_report import final_report
from hpsearch.report.formats import Format
from hpsearch.report.live import block
from hpsearch.report.rows import (
    STATUS_TABLE_COLUMNS,
    WORKER_TABLE_COLUMNS,
    status_cells,
    status_row,
    worker_cells,
    worker_rows,
)
from hpsearch.report.search_page import search_text
from hpsearch.report.space_text import describe_space
from hpsearch.report.status_line import status_line
from hpsearch.report.table import render
from hpsearch.report.text import improvement_line
from hpsearch.report.trial_columns import (
    BEST_FIELDS,
    LIST_FIELDS,
    all_columns,
    field_columns,
    trial_rows,
)
from hpsearch.report.trial_page import best_text, trial_text
from hpsearch.space.tree import Space
from tests.support.progress_states import NOW, done, experiment, failed, progress, worker

#: What a terminal obeys, what ends a line for some reader, what turns the direction of writing.
UNSENT = {
    *map(chr, (*range(0x20), *range(0x7F, 0xA0))),
    *"\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    *map(chr, range(0xD800, 0xE000)),
}

HOSTILE = st.lists(
    st.sampled_from([*sorted(UNSENT), "\x1b[2J", "\x1b]0;title\x07", "a", "é", "\N{PILE OF POO}", "\r\n"]),
    min_size=1,
    max_size=4,
).map("".join)


def texts(text: str) -> dict[str, str]:
    """Return, by view, the output for a search in which every text is this one."""
    error = Failure(kind=FailureKind.EXCEPTION, type=text, message=f"m{text}", traceback=text, log_tail=text)
    holder = Holder(name=text, host=text, pid=1)
    best = done(1, 0.25, params={text: text, "kind": [text]}, worker=holder, origin=text, result={text: text})
    loser = failed(
        2, error=error, worker=holder, history=(Ended(attempt=1, worker=text, ended_at=NOW, why=text),)
    )
    search = experiment(
        exp_key=text,
        state=ExperimentState.DONE,
        ended_why=text,
        objective=ObjectiveRef(kind="import", ref=text),
    )
    shown = progress(experiment=search, best=best, last_failure=loser, workers=(worker(text),))
    both = [best, loser]
    wide = all_columns(both)
    [member] = [worker_cells(row) for row in worker_rows([worker(text)], [replace(best, exp_key=text)], NOW)]
    live = Console(file=io.StringIO(), width=200, force_terminal=False)
    live.print(block(shown))
    return {
        "status line": status_line(shown),
        "improvement": improvement_line(best),
        "failure": failure_line(loser),
        "live": live.file.getvalue(),  # type: ignore[attr-defined]
        "report": final_report(shown, {text: Words(text)}, failure_groups([loser]), {text: text}),
        "best": best_text(best),
        "trial": trial_text(loser, [text]),
        "done trial": trial_text(best, [text]),
        "status": render(
            "status",
            [status_cells(status_row(shown, NOW))],
            (*STATUS_TABLE_COLUMNS, "ended_why"),
            Format.TABLE,
        ),
        "search": search_text(shown, NOW),
        "trials": render("trials", trial_rows(both, field_columns(LIST_FIELDS)), LIST_FIELDS, Format.TABLE),
        "the best": render("trials", trial_rows(both, field_columns(BEST_FIELDS)), BEST_FIELDS, Format.TABLE),
        "wide": render("trials", trial_rows(both, wide), [column.title for column in wide], Format.TABLE),
        "workers": render("workers", [member], WORKER_TABLE_COLUMNS, Format.TABLE),
        "findings": findings_text([problem(text, text, text)]),
        "json": render("trials", [asdict(best), asdict(loser)], (), Format.JSON),
        "jsonl": render("trials", [asdict(best), asdict(loser)], (), Format.JSONL),
    }


class Words:
    """An object with an arbitrary ``repr``."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __repr__(self) -> str:
        return self._words


#: Views of one line, whatever is in it.
LINES = ("status line", "improvement", "failure")


@pytest.mark.fuzz
@given(HOSTILE)
@example("\x1b[31m\n")
@example("a\tb\u2028\u202e\ud800")
def test_no_view_prints_control_characters(text: str) -> None:
    for view, shown in texts(text).items():
        assert not UNSENT.difference("\n\t").intersection(shown), view
        shown.encode()
        if view in LINES:
            assert not {"\n", "\t"}.intersection(shown), view


def test_a_line_break_in_a_text_starts_no_row_or_line() -> None:
    plain, broken = texts("ab"), texts("a\nstate  done\tb")
    for view in ("status", "trials", "the best", "wide", "workers", "best", "search", "live"):
        assert broken[view].count("\n") == plain[view].count("\n"), view


@pytest.mark.fuzz
@given(st.text(st.characters(codec="utf-8")))
def test_json_keeps_every_text(text: str) -> None:
    row = asdict(done(1, 0.25, params={text: text}))
    (read,) = json.loads(render("trials", [row], (), Format.JSON))["trials"]
    assert read["params"] == {text: text}


@pytest.mark.fuzz
@given(HOSTILE.map(lambda text: "a" + re.sub("[\0\ud800-\udfff]", "", text)))
def test_the_description_of_a_space_has_no_control_characters(text: str) -> None:
    space = Space({text: hp.choice(text, [text, {text: hp.uniform(f"{text}x", 0, 1)}])})
    values: dict[str, Any] = {text: 0}
    shown = describe_space(space, [values])
    assert not UNSENT.difference("\n").intersection(shown)
    assert shown.count("\n") == describe_space(
        Space({"a": hp.choice("a", ["a", {"a": hp.uniform("ax", 0, 1)}])}), [{"a": 0}]
    ).count("\n")
