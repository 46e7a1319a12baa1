"""Which coordinator leads, and what a replaced leader does."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.coordination.election import LEADER_LEASE_S
from hpsearch.core.trial import State, Trial
from hpsearch.errors import NotFoundError
from hpsearch.space.tree import Values
from tests.support.fake_clock_store import KEY, FakeClockStore, InterruptedSuggester, run_search


def test_a_standby_suggests_nothing_until_the_lease_of_the_leader_expires(store: FakeClockStore) -> None:
    store.open_search()
    leader, standby = store.coordinator(), store.coordinator()
    leader.tick()
    assert standby.tick().is_standby
    store.seconds += LEADER_LEASE_S / 2
    assert standby.tick().is_standby
    store.claim_next()
    assert standby.tick().is_standby
    assert store.in_state(State.PENDING) == []
    store.seconds += LEADER_LEASE_S
    assert not standby.tick().is_standby
    assert len(store.in_state(State.PENDING)) == 1
    assert leader.tick().is_standby


def test_a_leader_that_resigns_is_replaced_at_once(store: FakeClockStore) -> None:
    store.open_search()
    leader, standby = store.coordinator(), store.coordinator()
    leader.tick()
    leader.resign()
    assert not standby.tick().is_standby


def test_suggestions_are_dropped_if_another_coordinator_led_meanwhile(
    store: FakeClockStore,
) -> None:
    store.open_search(max_evals=2)
    store.add_worker("w", 8)
    suggester = InterruptedSuggester(store.experiment(KEY))
    first, second = store.coordinator(suggester), store.coordinator()

    def take_over() -> None:
        store.seconds += LEADER_LEASE_S + 1
        second.tick()

    suggester.before_return = take_over
    assert first.tick().counts[State.PENDING] == 0
    assert len(store.in_state(State.PENDING)) == 2
    assert first.tick().is_standby
    assert run_search(store, second) == 2


def test_suggestions_may_take_longer_than_the_lease_if_no_other_coordinator_leads(
    store: FakeClockStore,
) -> None:
    store.open_search()
    suggester = InterruptedSuggester(store.experiment(KEY))
    coordinator = store.coordinator(suggester)
    suggester.before_return = lambda: setattr(store, "seconds", store.seconds + 2 * LEADER_LEASE_S)
    coordinator.tick()
    assert len(store.in_state(State.PENDING)) == 1


def test_a_leader_reloads_the_trials_if_its_next_number_is_taken(store: FakeClockStore) -> None:
    store.open_search(max_evals=3)
    store.add_worker("w", 8)
    suggester = InterruptedSuggester(store.experiment(KEY))
    coordinator = store.coordinator(suggester)
    foreign = Trial(exp_key=KEY, tid=0, values={"x": 1.0, "kind": 0}, origin="enqueued")
    suggester.before_return = lambda: store.insert([foreign])
    coordinator.tick()
    suggester.before_return = lambda: None
    assert [t.origin for t in store.in_state(State.PENDING)] == ["enqueued"]
    assert run_search(store, coordinator) == 3


@pytest.mark.parametrize("algorithm", ["random", "tpe"])
def test_a_coordinator_that_takes_over_suggests_what_the_first_would_have(algorithm: str) -> None:
    """The same seed and the same order of completion, once in one process and once in many."""

    def points(change_every: int) -> list[Values]:
        store = FakeClockStore()
        store.open_search(algorithm=algorithm, max_evals=30)
        store.add_worker("w", 2)
        coordinator = store.coordinator()
        for n in range(28):
            if n % change_every == change_every - 1:
                coordinator.resign()
                coordinator = store.coordinator()
            coordinator.tick()
            trials = [store.claim_next()] if n else [store.claim_next(), store.claim_next()]
            oldest = store.in_state(State.RUNNING)[0]
            assert trials[0] is not None
            store.seconds += 60
            store.finish_with(oldest, oldest.values["x"] ** 2 + oldest.values["kind"])
        return [t.values for t in store.trials(KEY)]

    assert points(3) == points(1000)


def test_a_new_leader_shows_the_full_best_trial_and_the_full_last_failure(
    store: FakeClockStore,
) -> None:
    store.open_search()
    first = store.coordinator()
    for loss in (2.0, 1.0, None):
        first.tick()
        store.finish_with(store.claim_next(), loss)
    first.resign()
    progress = store.coordinator().tick()
    assert progress.best == store.trial(KEY, 1)
    assert progress.last_failure == store.trial(KEY, 2)


def test_a_standby_counts_trials_less_often_if_that_takes_long(store: FakeClockStore) -> None:
    """Counting millions of trials takes seconds, in which the server should serve the workers."""
    store.open_search()
    leader, standby = store.coordinator(), store.coordinator()
    leader.tick()
    n_counted = 0

    def count() -> None:
        nonlocal n_counted
        n_counted += 1
        store.seconds += 1.0

    for _ in range(30):
        store.before_count = count
        store.renew_leadership()
        assert standby.tick().is_standby
        store.before_count = lambda: None
        store.seconds += 1.0
    assert n_counted == 2


def test_a_deleted_search_gets_no_more_trials_from_its_leader(store: FakeClockStore) -> None:
    """They would be orphans, or belong to the next search of that name."""
    store.open_search()
    coordinator = store.coordinator()
    coordinator.tick()
    store.delete_experiment(KEY)
    with pytest.raises(NotFoundError):
        coordinator.tick()  # before the experiment is read again
    assert store.in_state(*State) == []


def test_a_deleted_search_is_not_confused_with_another_of_its_name(store: FakeClockStore) -> None:
    store.open_search()
    coordinator = store.coordinator()
    coordinator.tick()
    store.delete_experiment(KEY)
    store.seconds += 1
    store.open_search()
    with pytest.raises(NotFoundError, match="was deleted and re-created"):
        coordinator.tick()
    assert store.in_state(*State) == []


@pytest.mark.parametrize("back_s", [LEADER_LEASE_S, 3600.0, 1e8])
def test_a_leader_that_dies_when_the_stores_clock_is_set_back_is_replaced_after_its_lease(
    store: FakeClockStore, back_s: Any
) -> None:
    store.open_search()
    store.coordinator().tick()
    standby = store.coordinator()
    store.step_s = -back_s
    for _ in range(int(LEADER_LEASE_S)):
        assert standby.tick().is_standby
        store.seconds += 1
    store.seconds += 1
    assert not standby.tick().is_standby


def test_a_live_leader_keeps_leading_when_the_stores_clock_is_set_back(store: FakeClockStore) -> None:
    store.open_search()
    leader, standby = store.coordinator(), store.coordinator()
    leader.tick()
    store.step_s = -3600.0
    for _ in range(60):
        assert not leader.tick().is_standby
        assert standby.tick().is_standby
        store.seconds += 1
