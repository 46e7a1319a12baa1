"""The registry of workers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hpsearch.core.trial import Trial
from hpsearch.core.worker import Worker, WorkerState
from hpsearch.store.protocol import TrialStore
from tests.integration.store.conftest import WORKER


def test_workers_are_listed_until_their_entry_is_over(bench, store: TrialStore):
    name = bench.exp_key
    worker = Worker(
        name=name,
        host="h",
        pid=1,
        slots=3,
        exp_keys=("a", "b"),
        state=WorkerState.BUSY,
        n_done=4,
        n_failed=1,
        versions={"python": "3.11", "a.b": "$1"},
    )
    store.record_worker(worker, ttl_s=60)
    (listed,) = (w for w in store.workers() if w.name == name)
    assert replace(listed, started_at=None, seen_at=None, expire_at=None) == worker
    assert listed.started_at == listed.seen_at
    assert (listed.expire_at - listed.seen_at).total_seconds() == 60
    bench.outlast(listed.seen_at)

    store.record_worker(replace(worker, state=WorkerState.STOPPED), ttl_s=0)

    assert name not in {w.name for w in store.workers()}


def test_a_workers_start_stays_while_it_is_the_same_process(bench, store):
    worker = replace(WORKER, name=bench.exp_key)

    def started() -> datetime:
        store.record_worker(worker, ttl_s=60)
        entry = next(w for w in store.workers() if w.name == worker.name)
        bench.outlast(entry.seen_at)
        return entry.started_at

    first = started()
    assert started() == first
    worker = replace(worker, pid=2)
    assert started() > first


@pytest.mark.parametrize("back_s", [121, 10**6])
def test_a_worker_from_before_the_clock_was_set_back_is_listed_once_it_is_heard_of_again(
    bench, store, back_s
):
    worker = replace(WORKER, name=bench.exp_key)
    store.record_worker(worker, ttl_s=60)
    bench.later(-back_s)
    assert worker.name not in {w.name for w in store.workers()}
    store.record_worker(worker, ttl_s=60)
    assert worker.name in {w.name for w in store.workers()}


def test_a_small_step_of_the_clock_hides_no_worker_and_keeps_none_for_long(bench, store):
    worker = replace(WORKER, name=bench.exp_key)
    store.record_worker(worker, ttl_s=60)
    bench.later(-59)
    assert worker.name in {w.name for w in store.workers()}
    bench.later(120)
    assert worker.name not in {w.name for w in store.workers()}


def test_times_are_the_stores_own(bench, store):
    assert store.now().tzinfo is UTC
    trial: Trial
    bench.insert()
    trial = bench.claim()
    assert trial.claimed_at.tzinfo is UTC
