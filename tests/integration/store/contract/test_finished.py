"""Promises 7 and 8: final trials stay as they are, and are all found; how trials are read."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from hpsearch.core.trial import Failure, FailureKind, Result, State, Trial
from hpsearch.store.protocol import LeaseStatus
from tests.integration.store.conftest import WORKER, Bench
from tests.integration.store.contract.results import DONE, FAILED


def test_final_trials_never_change(bench, store):
    bench.insert(3, lease_s=0)
    done, failed, cancelled = (bench.claim() for _ in range(3))
    store.finish(done, DONE)
    store.finish(failed, FAILED)
    store.cancel(bench.exp_key, {State.RUNNING})
    before = list(store.trials(bench.exp_key))
    bench.outlast(cancelled.lease_until)

    assert store.cancel(bench.exp_key, {State.PENDING, State.RUNNING}) == 0
    assert store.expire(bench.exp_key) == 0
    assert store.claim(WORKER, "other", [bench.exp_key]) is None
    assert list(store.trials(bench.exp_key)) == before
    assert [t.state for t in before] == [State.DONE, State.FAILED, State.CANCELLED]


def test_cancel_ends_only_the_states_it_names(bench, store):
    bench.insert(3)
    running = bench.claim()

    assert store.cancel(bench.exp_key, {State.PENDING}) == 2
    assert store.renew(running) is LeaseStatus.HELD
    assert store.counts(bench.exp_key)[State.CANCELLED] == 2
    with pytest.raises(ValueError, match="only pending and running"):
        store.cancel(bench.exp_key, {State.DONE})


def test_finished_returns_the_final_ones_by_number(bench, store):
    bench.insert(6)
    claimed = [bench.claim() for _ in range(4)]
    store.finish(claimed[3], DONE)
    store.finish(claimed[1], FAILED)

    assert [t.tid for t in store.finished(bench.exp_key, [5, 3, 2, 1, 0, 99])] == [1, 3]
    store.cancel(bench.exp_key, {State.RUNNING})
    assert [t.state for t in store.finished(bench.exp_key, range(6))] == [
        State.CANCELLED,
        State.FAILED,
        State.CANCELLED,
        State.DONE,
    ]
    assert store.finished(bench.exp_key, []) == []


def test_polling_the_outstanding_set_misses_nothing(bench, store):
    """Many writers finish while a reader asks for what it has not seen yet."""
    n = 120
    bench.insert(n)

    def work() -> None:
        while trial := store.claim(WORKER, bench.token(), [bench.exp_key]):
            store.finish(trial, DONE)

    outstanding, seen = set(range(n)), []
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(work) for _ in range(4)]
        deadline = time.monotonic() + 30
        while outstanding and time.monotonic() < deadline:
            new = [trial.tid for trial in store.finished(bench.exp_key, outstanding)]
            seen += new
            outstanding -= set(new)
        for writer in writers:
            writer.result()

    assert sorted(seen) == list(range(n))


def finish_all(bench: Bench, losses: list[float | None]) -> None:
    bench.insert(len(losses))
    for loss in losses:
        bench.store.finish(bench.claim(), FAILED if loss is None else Result(loss=loss))


def test_trials_are_read_by_number_newest_or_best(bench, store):
    finish_all(bench, [3.0, None, float("-inf"), 1.0, float("inf"), 1.0])

    def tids(**options: object) -> list[int]:
        return [trial.tid for trial in store.trials(bench.exp_key, **options)]

    assert tids() == [0, 1, 2, 3, 4, 5]
    assert tids(sort="newest", limit=2) == [5, 4]
    assert tids(sort="loss") == [2, 3, 5, 0, 4]
    assert tids(sort="loss", limit=3) == [2, 3, 5]
    assert tids(states={State.FAILED}) == [1]
    assert tids(states={State.FAILED}, sort="loss") == []
    assert tids(limit=0) == []
    with pytest.raises(ValueError, match="cannot be sorted by 'luck'"):
        tids(sort="luck")


def test_long_reads_are_whole_and_in_order(bench, store):
    bench.insert(2500)

    assert [trial.tid for trial in store.trials(bench.exp_key)] == list(range(2500))
    assert [trial.tid for trial in store.trials(bench.exp_key, sort="newest")] == list(range(2499, -1, -1))
    assert len(list(store.trials(bench.exp_key, limit=1500))) == 1500


def test_counts_cover_every_state(bench, store):
    bench.insert(4)
    store.finish(bench.claim(), DONE)
    bench.claim()

    assert store.counts(bench.exp_key) == {
        State.PENDING: 2,
        State.RUNNING: 1,
        State.DONE: 1,
        State.FAILED: 0,
        State.CANCELLED: 0,
    }
    assert store.counts(bench.exp_key, {State.DONE})[State.PENDING] == 0
    assert store.counts(bench.exp_key, {State.DONE})[State.DONE] == 1


def test_results_come_back_as_they_were_stored(bench, store):
    bench.insert()
    trial = bench.claim()
    result = {
        "$ref": {"$ref": 5, "$id": None},
        "a.b": {"$set": "$tid", "": [1, [2.5, None]]},
        "bytes": b"\0\xff",
        "date": datetime(2026, 3, 1, 12, 30, 5, 123000, tzinfo=UTC),
        "big": 2**63 - 1,
        "text": "nul \0 and $dollar",
        "inf": float("-inf"),
        "yes": True,
    }

    store.finish(trial, Result(loss=0.0, result={**result, "tuple": (1, 2), "broken": "\ud800"}))

    back = dict(bench.read(trial).result)
    assert (back.pop("tuple"), back.pop("broken")) == ([1, 2], "\\ud800")
    assert back == result
    assert type(back["big"]) is int


def test_trials_in_short_are_all_trials_with_what_is_learned_from_them(bench, store):
    bench.insert(4)
    store.finish(bench.claim(), DONE)
    store.finish(bench.claim(), Result(loss=None, error=Failure(kind=FailureKind.EXCEPTION, message="no")))
    bench.claim()

    whole = list(store.trials(bench.exp_key))

    assert list(store.points(bench.exp_key)) == [
        Trial(
            exp_key=t.exp_key,
            tid=t.tid,
            values=t.values,
            state=t.state,
            loss=t.loss,
            finished_at=t.finished_at,
        )
        for t in whole
    ]
    assert [t.state for t in whole] == [State.DONE, State.FAILED, State.RUNNING, State.PENDING]
