"""Claiming a trial beside coordinators and other askers, with a fake clock."""

from __future__ import annotations

import math

import pytest

from hpsearch.asktell.asker import Asker, NoTrial
from hpsearch.core.trial import State, Trial
from hpsearch.core.worker import Worker
from hpsearch.errors import LeaseLostError
from tests.support.fake_clock_store import KEY, LEASE_S, SPACE, FakeClockStore


@pytest.fixture
def store() -> FakeClockStore:
    store = FakeClockStore()
    store.open_search(max_evals=4)
    return store


def asker(store: FakeClockStore, name: str = "a") -> Asker:
    me = Worker(name=name, host="h", pid=1, exp_keys=(KEY,))
    return Asker(store, store.experiment(KEY), SPACE, lambda: me, clock=lambda: store.seconds)


def asked(asker: Asker, n_held: int = 0) -> Trial:
    trial = asker.ask(math.inf, n_held)
    assert isinstance(trial, Trial)
    return trial


def test_the_trial_of_a_killed_asker_is_asked_again_and_its_late_result_refused(
    store: FakeClockStore,
) -> None:
    killed, other = asker(store, "killed"), asker(store, "other")
    lost = asked(killed)
    for _ in range(3):
        store.finish_with(asked(other), 1.0)
    started = store.seconds
    again = asked(other)
    assert (again.tid, again.attempt) == (lost.tid, 2)
    assert LEASE_S <= store.seconds - started <= 2 * LEASE_S
    with pytest.raises(LeaseLostError):
        store.finish_with(lost, -1.0)
    store.finish_with(again, 2.0)
    assert other.ask(math.inf) is NoTrial.SPENT
    assert store.counts(KEY)[State.DONE] == 4


def test_an_asker_only_claims_while_a_coordinator_leads(store: FakeClockStore) -> None:
    coordinator = store.coordinator()
    coordinator.tick()
    n_suggested = store.counts(KEY)[State.PENDING]
    one = asker(store)
    for _ in range(n_suggested):
        asked(one)
    assert one.ask(until=store.seconds) is NoTrial.BUSY
    assert store.counts(KEY)[State.PENDING] == 0
    coordinator.tick()
    assert asked(one).tid == n_suggested


def test_one_trial_is_suggested_for_each_that_is_asked_for(store: FakeClockStore) -> None:
    """A longer queue would be suggested from an older history."""
    one = asker(store)
    for n_asked in range(1, 4):
        asked(one)
        assert store.counts(KEY) == {**dict.fromkeys(State, 0), State.RUNNING: n_asked}


def test_a_limit_cancels_the_queue_and_lets_running_trials_finish(store: FakeClockStore) -> None:
    store.open_search(loss_threshold=0.5)
    one, other = asker(store), asker(store, "other")
    running, good = asked(other), asked(one)
    store.finish_with(good, 0.1)
    assert one.ask(math.inf) is NoTrial.SPENT
    assert not store.experiment(KEY).state.is_over
    store.finish_with(running, 3.0)
    assert one.ask(math.inf) is NoTrial.SPENT
    assert store.experiment(KEY).state.is_over
    assert store.counts(KEY)[State.DONE] == 2
