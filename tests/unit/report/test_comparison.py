"""Searches side by side."""

from __future__ import annotations

import math
from dataclasses import replace

from hpsearch.core.trial import Invalid, State
from hpsearch.report.comparison import comparison_cells, comparison_rows, record_of
from tests.support.progress_states import NOW, after, done, experiment, failed, progress


def test_the_best_loss_after_equal_numbers_of_trials_is_in_order_of_completion() -> None:
    points = [done(tid, 20.0 - tid, finished_at=after(100 - tid)) for tid in range(12)]
    long = record_of(progress(), points)
    assert list(long.best_so_far) == [9.0] * 12
    in_order = record_of(progress(), [replace(p, finished_at=after(p.tid)) for p in points])
    assert list(in_order.best_so_far) == [20.0 - tid for tid in range(12)]


def test_failed_trials_take_a_place_and_invalid_or_open_ones_do_not() -> None:
    marked = done(1, -5.0, finished_at=after(1), invalid=Invalid(at=NOW, why=""))
    pending = replace(done(3, 0.0), state=State.PENDING, loss=None)
    points = [failed(0, finished_at=after(0)), marked, done(2, 1.0, finished_at=after(2)), pending]
    assert list(record_of(progress(), points).best_so_far) == [math.inf, 1.0]


def test_each_search_is_a_column_and_each_fact_a_row() -> None:
    first = record_of(
        progress(experiment=experiment(exp_key="a"), best=done(3, 0.123456), elapsed_s=600.0),
        [done(tid, 1.0 / (tid + 1), finished_at=after(tid)) for tid in range(12)],
    )
    second = record_of(progress(experiment=experiment(exp_key="b")), [])
    rows = {row["fact"]: row for row in comparison_rows([first, second])}
    assert rows["best_loss"] == {"fact": "best_loss", "a": 0.123456, "b": None}
    assert rows["best_after_10"] == {"fact": "best_after_10", "a": 0.1, "b": None}
    assert rows["params.kind"]["a"] == "adam"
    assert comparison_cells(rows["best_loss"])["a"] == "0.1235"
    assert comparison_cells(rows["elapsed_s"])["a"] == "10 min"
