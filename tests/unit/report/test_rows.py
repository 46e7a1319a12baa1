"""Searches and workers as rows."""

from __future__ import annotations

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import Holder, State
from hpsearch.core.worker import WorkerState
from hpsearch.report.formats import Format
from hpsearch.report.rows import (
    STATUS_TABLE_COLUMNS,
    WORKER_TABLE_COLUMNS,
    status_cells,
    status_row,
    worker_cells,
    worker_rows,
)
from hpsearch.report.table import render
from tests.support.progress_states import NOW, after, done, experiment, progress, worker


def test_the_row_of_a_running_search_shows_a_missing_coordinator() -> None:
    left = progress(experiment=experiment(led_until=after(-1)), per_minute=30.0)
    led = progress(experiment=experiment(led_until=after(1)))
    assert status_cells(status_row(left, NOW))["state"] == "no coordinator"
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
    assert (status_cells(row)["left"], status_cells(row)["finished"]) == ("60 s", "10/40")


def test_the_table_of_searches_fits_into_80_characters() -> None:
    """Also with a long name, no coordinator, a large budget and an hour left."""
    long = experiment(exp_key="resnet-imagenet-augmented-large", led_until=after(-1))
    led = experiment(exp_key="short", led_until=after(1))
    counts = {State.DONE: 3000, State.FAILED: 123}
    found = [
        progress(experiment=long, counts=counts, best=done(3, 0.123456)),
        progress(experiment=led, counts=counts, best=done(3, -1.23456e-10), per_minute=0.01),
    ]
    rows = [status_cells(status_row(one, NOW)) for one in found]
    text = render("status", rows, STATUS_TABLE_COLUMNS, Format.TABLE, width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "no coordinator" in text


def test_workers_that_evaluate_come_first_and_those_that_have_left_last() -> None:
    registry = [
        worker("ended", state=WorkerState.STOPPED),
        worker("lost", state=WorkerState.BUSY, expire_at=after(-1)),
        worker("idle", state=WorkerState.IDLE),
        worker("busy", state=WorkerState.BUSY),
        worker("also busy", state=WorkerState.BUSY),
        worker("leaving", state=WorkerState.DRAINING),
    ]
    rows = worker_rows(registry, [], NOW)
    assert [row["name"] for row in rows] == ["also busy", "busy", "idle", "lost", "leaving", "ended"]
    assert [row["is_alive"] for row in rows] == [True] * 3 + [False] * 3


def test_a_worker_is_shown_with_what_it_evaluates_and_for_how_long() -> None:
    holder = Holder(name="anna", host="machine", pid=1)
    running = done(17, 1.0, state=State.RUNNING, worker=holder, claimed_at=after(-125))
    [row] = worker_rows([worker("anna", seen_at=after(-3), exp_keys=("search",))], [running], NOW)
    assert row["evaluates"] == ["search/17"]
    text = render("workers", [worker_cells(row)], WORKER_TABLE_COLUMNS, Format.TABLE)
    assert text.splitlines() == [
        "name  state  n_done  n_failed  seen     serves  evaluates",
        "anna  idle   0       0         3 s ago  search  search/17 for 2 min",
    ]
