"""The thread that renews leases and writes reports, on a store in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.trial import Report, State, Trial
from hpsearch.core.worker import Worker, WorkerState
from hpsearch.errors import StoreError, StoreUnavailableError
from hpsearch.store.memory.store import MemoryStore
from hpsearch.store.protocol import LeaseStatus
from hpsearch_worker.heartbeat import Heartbeat
from tests.support.waiting import wait_until

THREAD_WORKER = Worker(name="w", host="h", pid=1)


class Flaky(MemoryStore):
    """Raises what it is told to, for as long as it is told to."""

    refusal: Exception | None = None

    def report(self, trial: Any, reports: Any) -> None:
        if self.refusal:
            raise self.refusal
        super().report(trial, reports)

    def renew(self, trial: Any) -> LeaseStatus:
        if self.refusal:
            raise self.refusal
        return super().renew(trial)

    def record_worker(self, worker: Any, ttl_s: Any) -> None:
        if self.refusal:
            raise self.refusal
        super().record_worker(worker, ttl_s)


@pytest.fixture
def store() -> Flaky:
    return Flaky()


@pytest.fixture
def heartbeat(store: Flaky) -> Iterator[Heartbeat]:
    beating = Heartbeat(store, lambda: THREAD_WORKER)
    beating.start()
    yield beating
    beating.stop(THREAD_WORKER, 1.0)


def claimed(store: MemoryStore, lease_s: float = 600.0, tid: int = 0, token: str = "") -> Trial:
    store.insert([Trial(exp_key="e", tid=tid, values={}, lease_s=lease_s)])
    trial = store.claim(THREAD_WORKER, token or f"token of {tid}", ["e"])
    assert trial is not None
    return trial


def test_a_lease_is_renewed_for_as_long_as_the_trial_is_held(store: Flaky, heartbeat: Heartbeat) -> None:
    trial = claimed(store, lease_s=0.2)
    with heartbeat.holding(trial):
        before = store.trial("e", 0).lease_until
        wait_until(lambda: store.trial("e", 0).lease_until > before, "a renewal", 5)
    wait_until(lambda: store.expire("e") == 1, "the lease to end afterwards", 5)


def test_a_trial_of_a_search_made_anew_is_held_beside_the_one_of_the_former(
    store: Flaky, heartbeat: Heartbeat
) -> None:
    """Both are the first attempt at the same number, until the former learns that it is lost."""
    with ExitStack() as slot:
        with heartbeat.holding(claimed(store)):
            store.delete_experiment("e")
            slot.enter_context(heartbeat.holding(claimed(store, lease_s=0.4, token="anew")))
        before = store.trial("e", 0).lease_until
        wait_until(lambda: store.trial("e", 0).lease_until > before, "a renewal", 5)


def test_what_is_reported_is_written_meanwhile_and_in_order(store: Flaky, heartbeat: Heartbeat) -> None:
    with heartbeat.holding(claimed(store)) as held:
        held.reports.extend(Report(step=i, value=0.0) for i in range(5))
        wait_until(lambda: len(store.trial("e", 0).reports) == 5, "the reports", 5)
        held.reports.append(Report(step=5, value=0.0))
        heartbeat.write_reports(held)
        assert [r.step for r in store.trial("e", 0).reports] == [0, 1, 2, 3, 4, 5]


def test_a_report_on_a_cancelled_trial_tells_of_the_cancellation_at_once(
    store: Flaky, heartbeat: Heartbeat
) -> None:
    with heartbeat.holding(claimed(store)) as held:
        store.cancel("e", {State.RUNNING})
        held.reports.append(Report(step=0, value=0.0))
        wait_until(lambda: held.lease is LeaseStatus.CANCELLED, "the cancellation", 3)


def test_a_report_that_is_refused_costs_the_report_and_nothing_else(
    store: Flaky, heartbeat: Heartbeat, caplog: pytest.LogCaptureFixture
) -> None:
    with heartbeat.holding(claimed(store)) as held:
        store.refusal = StoreError("no room")
        held.reports.append(Report(step=0, value=0.0))
        heartbeat.write_reports(held)
        store.refusal = None
        assert "no room" in caplog.text
        assert held.lease is LeaseStatus.HELD


def test_a_renewal_without_an_answer_says_nothing_of_the_lease(store: Flaky, heartbeat: Heartbeat) -> None:
    with heartbeat.holding(claimed(store, lease_s=0.2)) as held:
        store.refusal = StoreUnavailableError("away")
        before = held.due
        wait_until(lambda: held.due > before, "a renewal that fails", 5)
        assert held.lease is LeaseStatus.HELD
        store.refusal = None
        lease_until = store.trial("e", 0).lease_until
        wait_until(lambda: store.trial("e", 0).lease_until > lease_until, "the next one", 5)


def test_reports_that_a_slot_cannot_get_rid_of_hold_up_no_renewal(store: Flaky, heartbeat: Heartbeat) -> None:
    """A slot writes the last reports of its trial itself, and tries for as long as an outage lasts."""
    ended, going_on = claimed(store), claimed(store, lease_s=0.4, tid=1)
    with heartbeat.holding(ended) as held, heartbeat.holding(going_on):
        before = store.trial("e", 1).lease_until
        with held.writing:
            held.reports.append(Report(step=0, value=0.0))
            wait_until(lambda: store.trial("e", 1).lease_until > before, "a renewal of the other", 5)
        wait_until(lambda: store.trial("e", 0).reports, "the reports, once nobody else writes them", 5)


def test_a_last_word_that_cannot_be_written_does_not_keep_a_worker_from_leaving(
    store: Flaky, caplog: pytest.LogCaptureFixture
) -> None:
    heartbeat = Heartbeat(store, lambda: THREAD_WORKER)
    heartbeat.start()
    store.refusal = StoreUnavailableError("away")
    heartbeat.stop(replace(THREAD_WORKER, state=WorkerState.STOPPED), 1.0)
    assert "could not update the worker registry" in caplog.text
    assert not heartbeat._thread.is_alive()


def test_an_error_that_nobody_foresaw_ends_neither_the_thread_nor_the_other_leases(
    store: Flaky, heartbeat: Heartbeat
) -> None:
    """Each step may raise anything: without the thread, every lease of the worker would lapse."""
    trial = claimed(store, lease_s=0.4)
    store.refusal = RuntimeError("nobody thought of this")
    with heartbeat.holding(trial) as held:
        held.reports.append(Report(step=1, value=0.5))
        wait_until(lambda: not held.reports, "a step that raises", 5)
        store.refusal = None
        before = store.trial("e", 0).lease_until
        wait_until(lambda: store.trial("e", 0).lease_until > before, "a renewal after it", 5)
