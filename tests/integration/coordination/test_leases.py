"""Trials whose worker stopped renewing its lease."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.core.trial import State
from tests.support.fake_clock_store import KEY, LEASE_S, FakeClockStore, tick_until


def test_the_trial_of_a_lost_worker_runs_again_after_its_lease(store: FakeClockStore) -> None:
    store.open_search()
    coordinator = store.coordinator()
    coordinator.tick()
    trial = store.claim_next()
    assert trial is not None
    tick_until(store, coordinator, LEASE_S + 6)
    [ended] = store.trial(KEY, trial.tid).history
    assert (ended.attempt, ended.why) == (1, "lease expired")


def test_after_an_outage_no_lease_expires_before_every_worker_could_renew_twice(
    store: FakeClockStore,
) -> None:
    """A call of the coordinator lasts through an outage in which every lease ends."""
    store.open_search()
    coordinator = store.coordinator()
    tick_until(store, coordinator, LEASE_S)
    trial = store.claim_next()
    assert trial is not None
    store.before_count = lambda: setattr(store, "seconds", store.seconds + 10 * LEASE_S)
    coordinator.tick()
    assert tick_until(store, coordinator, LEASE_S / 2 - 1, until=State.PENDING, trial=trial) is None
    store.renew(trial)
    assert tick_until(store, coordinator, LEASE_S - 1, until=State.PENDING, trial=trial) is None


def test_a_coordinator_that_was_stopped_expires_nothing_before_every_worker_could_renew_twice(
    store: FakeClockStore,
) -> None:
    store.open_search()
    coordinator = store.coordinator()
    tick_until(store, coordinator, LEASE_S)
    trial = store.claim_next()
    assert trial is not None
    store.seconds += 10 * LEASE_S
    expired_after = tick_until(store, coordinator, LEASE_S, until=State.PENDING, trial=trial)
    assert expired_after is not None
    assert LEASE_S / 2 <= expired_after <= LEASE_S / 2 + 6


@pytest.mark.parametrize("step_s", [-3600.0, 10 * LEASE_S])
def test_after_a_step_of_the_stores_clock_no_lease_expires_before_workers_could_renew(
    store: FakeClockStore, step_s: Any
) -> None:
    """After a correction or a fail-over: with a step forwards, all leases end at once."""
    store.open_search()
    coordinator = store.coordinator()
    tick_until(store, coordinator, LEASE_S)
    trial = store.claim_next()
    assert trial is not None
    store.step_s = step_s
    assert tick_until(store, coordinator, LEASE_S / 2 - 1, until=State.PENDING, trial=trial) is None
    store.renew(trial)
    assert tick_until(store, coordinator, LEASE_S - 1, until=State.PENDING, trial=trial) is None
    assert tick_until(store, coordinator, 6, until=State.PENDING, trial=trial) is not None


@pytest.mark.parametrize("back_s", [LEASE_S, 3600.0, 1e8])
def test_the_trial_of_a_worker_that_dies_when_the_clock_is_set_back_runs_again_after_its_lease(
    store: FakeClockStore, back_s: Any, caplog: pytest.LogCaptureFixture
) -> None:
    store.open_search()
    coordinator = store.coordinator()
    tick_until(store, coordinator, LEASE_S)
    trial = store.claim_next()
    assert trial is not None
    store.step_s = -back_s
    waited_s = tick_until(store, coordinator, LEASE_S + 6, until=State.PENDING, trial=trial)
    assert waited_s is not None
    assert waited_s >= LEASE_S
    assert "1 leases of search now count from the present" in caplog.text


def test_a_standby_expires_nothing(store: FakeClockStore) -> None:
    store.open_search()
    leader = store.coordinator()
    leader.tick()
    trial = store.claim_next()
    assert trial is not None
    standby = store.coordinator()
    for _ in range(100):
        store.renew_leadership()
        standby.tick()
        store.seconds += 1
    assert store.trial(KEY, trial.tid).state is State.RUNNING
