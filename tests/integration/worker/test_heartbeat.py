"""The thread that renews leases and writes reports, on a store in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.goal import Goal
from hpsearch.core.trial import OUTPUT_NAME, Report, State, Trial
from hpsearch.core.worker import Worker, WorkerState
from hpsearch.errors import StoreError, StoreUnavailableError
from hpsearch.store.memory.store import MemoryStore
from hpsearch.store.protocol import LeaseStatus
from hpsearch_worker.heartbeat import Heartbeat
from hpsearch_worker.messages import Printed
from tests.support.waiting import wait_until

THREAD_WORKER = Worker(name="w", host="h", pid=1)


class FailingStore(MemoryStore):
    """Raises ``error`` while it is set."""

    error: Exception | None = None

    def report(self, trial: Any, reports: Any, **reached: Any) -> None:
        if self.error:
            raise self.error
        super().report(trial, reports, **reached)

    def renew(self, trial: Any) -> LeaseStatus:
        if self.error:
            raise self.error
        return super().renew(trial)

    def record_worker(self, worker: Any, ttl_s: Any) -> None:
        if self.error:
            raise self.error
        super().record_worker(worker, ttl_s)


@pytest.fixture
def store() -> FailingStore:
    return FailingStore()


@pytest.fixture
def heartbeat(store: FailingStore) -> Iterator[Heartbeat]:
    beating = Heartbeat(store, lambda: THREAD_WORKER)
    beating.start()
    yield beating
    beating.stop(THREAD_WORKER, 1.0)


def claimed(store: MemoryStore, lease_s: float = 600.0, tid: int = 0, token: str = "") -> Trial:
    store.insert([Trial(exp_key="e", tid=tid, values={}, lease_s=lease_s)])
    trial = store.claim(THREAD_WORKER, token or f"token of {tid}", ["e"])
    assert trial is not None
    return trial


def test_a_lease_is_renewed_while_the_trial_is_held(store: FailingStore, heartbeat: Heartbeat) -> None:
    trial = claimed(store, lease_s=0.2)
    with heartbeat.holding(trial):
        before = store.trial("e", 0).lease_until
        wait_until(lambda: store.trial("e", 0).lease_until > before, "a renewal")
    wait_until(lambda: store.expire("e") == 1, "the lease to end afterwards")


def test_trials_of_a_search_and_of_its_re_creation_can_be_held_together(
    store: FailingStore, heartbeat: Heartbeat
) -> None:
    """Both are the first attempt at the same number, until the old one turns out to be lost."""
    with ExitStack() as slot:
        with heartbeat.holding(claimed(store)):
            store.delete_experiment("e")
            slot.enter_context(heartbeat.holding(claimed(store, lease_s=0.4, token="second")))
        before = store.trial("e", 0).lease_until
        wait_until(lambda: store.trial("e", 0).lease_until > before, "a renewal")


def test_reports_are_written_during_the_evaluation_in_order(
    store: FailingStore, heartbeat: Heartbeat
) -> None:
    with heartbeat.holding(claimed(store)) as held:
        held.reports.extend(Report(step=i, value=0.0) for i in range(5))
        wait_until(lambda: len(store.trial("e", 0).reports) == 5, "the reports")
        held.reports.append(Report(step=5, value=0.0))
        heartbeat.write_reports(held)
        assert [r.step for r in store.trial("e", 0).reports] == [0, 1, 2, 3, 4, 5]


def test_reports_of_what_is_maximised_are_stored_like_losses(
    store: FailingStore, heartbeat: Heartbeat
) -> None:
    with heartbeat.holding(claimed(store), Goal(maximize=True)) as held:
        held.on_event(Report(step=1, value=0.75))
        heartbeat.write_reports(held)
    assert [r.value for r in store.trial("e", 0).reports] == [-0.75]


def test_a_report_on_a_cancelled_trial_reveals_the_cancellation_at_once(
    store: FailingStore, heartbeat: Heartbeat
) -> None:
    with heartbeat.holding(claimed(store)) as held:
        store.cancel("e", {State.RUNNING})
        held.reports.append(Report(step=0, value=0.0))
        wait_until(lambda: held.lease is LeaseStatus.CANCELLED, "the cancellation")


def test_a_refused_report_is_dropped_without_further_effect(
    store: FailingStore, heartbeat: Heartbeat, caplog: pytest.LogCaptureFixture
) -> None:
    with heartbeat.holding(claimed(store)) as held:
        store.error = StoreError("no room")
        held.reports.append(Report(step=0, value=0.0))
        heartbeat.write_reports(held)
        store.error = None
        assert "no room" in caplog.text
        assert held.lease is LeaseStatus.HELD


def test_a_failed_renewal_does_not_count_as_a_lost_lease(store: FailingStore, heartbeat: Heartbeat) -> None:
    with heartbeat.holding(claimed(store, lease_s=0.2)) as held:
        store.error = StoreUnavailableError("away")
        before = held.due
        wait_until(lambda: held.due > before, "a renewal that fails")
        assert held.lease is LeaseStatus.HELD
        store.error = None
        lease_until = store.trial("e", 0).lease_until
        wait_until(lambda: store.trial("e", 0).lease_until > lease_until, "the next one")


def test_the_output_of_a_running_trial_is_stored_until_it_ends(
    store: FailingStore, heartbeat: Heartbeat
) -> None:
    with heartbeat.holding(claimed(store, lease_s=0.2)) as held:
        held.on_event(Printed(b"epoch 1\n"))
        wait_until(lambda: store.attachments("e", tid=0) == [OUTPUT_NAME], "the output", 5)
        held.on_event(Printed(b"epoch 1\nepoch 2\n"))
        wait_until(lambda: store.attachment("e", OUTPUT_NAME, tid=0).endswith(b"epoch 2\n"), "its end", 5)
        heartbeat.write_reports(held)  # as a slot does before it stores the result
        before = held.due
        held.on_event(Printed(b"too late"))
        wait_until(lambda: held.due > before, "a renewal", 5)
        assert store.attachment("e", OUTPUT_NAME, tid=0).endswith(b"epoch 2\n")


def test_no_output_is_stored_while_the_lease_is_not_known_to_be_held(
    store: FailingStore, heartbeat: Heartbeat
) -> None:
    with heartbeat.holding(claimed(store, lease_s=0.2)) as held:
        store.error = StoreUnavailableError("away")
        held.on_event(Printed(b"epoch 1\n"))
        before = held.due
        wait_until(lambda: held.due > before, "a renewal that fails", 5)
        assert store.attachments("e", tid=0) == []
        store.error = None
        wait_until(lambda: store.attachments("e", tid=0) == [OUTPUT_NAME], "the output", 5)


def test_a_slot_that_writes_reports_delays_no_renewal(store: FailingStore, heartbeat: Heartbeat) -> None:
    """A slot writes the last reports of its trial itself, and repeats that during an outage."""
    ended, going_on = claimed(store), claimed(store, lease_s=0.4, tid=1)
    with heartbeat.holding(ended) as held, heartbeat.holding(going_on):
        before = store.trial("e", 1).lease_until
        with held.writing:
            held.reports.append(Report(step=0, value=0.0))
            wait_until(lambda: store.trial("e", 1).lease_until > before, "a renewal of the other")
        wait_until(lambda: store.trial("e", 0).reports, "the reports, once the slot has stopped writing")


def test_a_registry_that_cannot_be_updated_does_not_keep_a_worker_from_leaving(
    store: FailingStore, caplog: pytest.LogCaptureFixture
) -> None:
    heartbeat = Heartbeat(store, lambda: THREAD_WORKER)
    heartbeat.start()
    store.error = StoreUnavailableError("away")
    heartbeat.stop(replace(THREAD_WORKER, state=WorkerState.STOPPED), 1.0)
    assert "could not update the worker registry" in caplog.text
    wait_until(lambda: "heartbeat" not in [thread.name for thread in threading.enumerate()], "its end")


def test_an_unexpected_error_ends_neither_the_thread_nor_other_leases(
    store: FailingStore, heartbeat: Heartbeat
) -> None:
    """Without the thread, every lease of the worker would expire."""
    trial = claimed(store, lease_s=0.4)
    store.error = RuntimeError("unexpected")
    with heartbeat.holding(trial) as held:
        held.reports.append(Report(step=1, value=0.5))
        wait_until(lambda: not held.reports, "a step that raises")
        store.error = None
        before = store.trial("e", 0).lease_until
        wait_until(lambda: store.trial("e", 0).lease_until > before, "a renewal after it")
