"""The registry of workers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hpsearch.core.trial import Trial
from hpsearch.core.worker import Worker, WorkerState
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import WORKER, StoreDriver, StoreTests


class WorkerContract(StoreTests):
    """The registry lists workers until their entry expires."""

    def test_workers_are_listed_until_their_entry_expires(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        name = store_driver.exp_key
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
        store_driver.wait_past(listed.seen_at)

        store.record_worker(replace(worker, state=WorkerState.STOPPED), ttl_s=0)

        assert name not in {w.name for w in store.workers()}

    def test_started_at_changes_only_with_the_process(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        worker = replace(WORKER, name=store_driver.exp_key)

        def started() -> datetime | None:
            store.record_worker(worker, ttl_s=60)
            entry = next(w for w in store.workers() if w.name == worker.name)
            store_driver.wait_past(entry.seen_at)
            return entry.started_at

        first = started()
        assert started() == first
        worker = replace(worker, pid=2)
        assert started() > first

    @pytest.mark.parametrize("back_s", [121, 10**6])
    def test_after_a_clock_step_back_a_worker_is_listed_from_its_next_heartbeat(
        self, store_driver: StoreDriver, store: TrialStore, back_s: float
    ) -> None:
        worker = replace(WORKER, name=store_driver.exp_key)
        store.record_worker(worker, ttl_s=60)
        store_driver.shift_clock(-back_s)
        assert worker.name not in {w.name for w in store.workers()}
        store.record_worker(worker, ttl_s=60)
        assert worker.name in {w.name for w in store.workers()}

    def test_a_small_clock_step_neither_hides_nor_keeps_a_worker(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        worker = replace(WORKER, name=store_driver.exp_key)
        store.record_worker(worker, ttl_s=60)
        store_driver.shift_clock(-59)
        assert worker.name in {w.name for w in store.workers()}
        store_driver.shift_clock(120)
        assert worker.name not in {w.name for w in store.workers()}

    def test_times_are_utc_and_from_the_store_clock(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        assert store.now().tzinfo is UTC
        trial: Trial
        store_driver.insert()
        trial = store_driver.claim()
        assert trial.claimed_at.tzinfo is UTC
