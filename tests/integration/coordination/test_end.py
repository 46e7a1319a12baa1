"""When a search ends, and what happens to trials that still run."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.coordination.election import LEADER_LEASE_S
from hpsearch.coordination.plan import EndReason
from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import FINISHED, State, Trial
from hpsearch.space.tree import Space
from tests.support.fake_clock_store import KEY, LEASE_S, FakeClockStore, run_search, tick_until

EVENTS = ["claim", "finish", "race", "fail", "release", "vanish", "pass", "replace", "rival", "tick", "tick"]


@given(events=st.lists(st.sampled_from(EVENTS), max_size=60), max_evals=st.integers(1, 6))
def test_the_budget_is_met_exactly_under_all_events(events: list[str], max_evals: int) -> None:
    """Trials finish, fail, return or are lost; coordinators die, and others bid for the leadership."""
    store = FakeClockStore()
    store.open_search(max_evals=max_evals)
    store.add_worker("w", 3)
    coordinators, held = [store.coordinator()], list[Trial]()
    rng = random.Random(len(events))

    def happen(event: str) -> None:
        match event:
            case "claim":
                held.extend(t for t in [store.claim_next()] if t)
            case "finish" | "fail" if held:
                trial = held.pop(rng.randrange(len(held)))
                store.finish_with(trial, 1.0 if event == "finish" else None)
            case "race":  # a trial finishes while a coordinator reads
                store.before_count = lambda: happen("finish")
            case "release" if held:
                store.release(held.pop(), "worker drained")
            case "vanish" if held:
                held.pop()
            case "pass":
                for trial in held:
                    store.renew(trial)
                store.seconds += rng.choice([0.1, 1.0, LEASE_S / 5])
            case "replace":
                coordinators[0] = store.coordinator()
            case "rival" if len(coordinators) < 3:
                coordinators.append(store.coordinator())
            case "tick":
                rng.choice(coordinators).tick()

    for event in events:
        happen(event)
    for step in range(2000):
        leaders = [c for c in coordinators if not c.tick().is_standby and c.is_over()]
        if leaders:
            break
        for event in ("claim", "race" if step % 2 else "finish", "pass"):
            happen(event)
    progress = leaders[0].wind_down(grace_s=0)
    trials = list(store.trials(KEY))
    assert sum(t.state in FINISHED for t in trials) == progress.n_finished == max_evals
    assert all(t.state.is_final for t in trials)
    assert [t.tid for t in trials] == list(range(len(trials)))


@pytest.mark.parametrize("algorithm", ["tpe", "random"])
def test_a_search_without_repeats_ends_when_all_points_are_evaluated(
    store: FakeClockStore, algorithm: str
) -> None:
    """Not while one of them runs; a second coordinator, which knows only the store, can end it, too."""
    store.open_search(
        algorithm, space=Space({"x": hp.randint("x", 5), "y": hp.choice("y", ["a", "b"])}), no_repeats=True
    )
    store.add_worker("w", 3)
    coordinator, taken = store.coordinator(), list[Any]()
    while len(taken) < 10:
        store.seconds += 1
        coordinator.tick()
        taken += iter(store.claim_next, None)
        for trial in taken[:9]:
            if trial in store.in_state(State.RUNNING):
                store.finish_with(trial, 1.0)
    assert len({tuple(trial.values.items()) for trial in taken}) == 10
    store.seconds += 1
    coordinator.tick()
    assert not coordinator.is_over()
    coordinator.resign()
    successor = store.coordinator()
    store.finish_with(taken[9], 1.0)
    successor.tick()
    assert successor.is_over()
    ended = successor.wind_down(0.0).experiment
    assert (ended.state, ended.ended_why) == (ExperimentState.DONE, "no_more_points")


def test_a_search_ends_when_an_hour_more_is_not_worth_it(store: FakeClockStore) -> None:
    store.open_search(max_evals=2000, until_worth=0.5)
    n = run_search(store, store.coordinator())
    assert 40 <= n < 2000
    ended = store.experiment(KEY)
    assert (ended.state, ended.ended_why) == (ExperimentState.DONE, "not_worth")
    store.open_search(max_evals=2000, until_worth=0.5)
    assert run_search(store, store.coordinator()) >= n + 10  # a new leader measures the rate first


def test_a_paused_search_is_not_judged(store: FakeClockStore) -> None:
    store.open_search(max_evals=2000, until_worth=1e9)
    store.add_worker("w", 9)
    coordinator = store.coordinator()
    for _ in range(39):
        store.seconds += 1
        coordinator.tick()
        store.finish_with(store.claim_next(), 1.0)
    store.set_experiment_state(KEY, ExperimentState.PAUSED)
    store.seconds += 10
    coordinator.tick()
    while (trial := store.claim_next()) is not None:
        store.finish_with(trial, 1.0)
    store.seconds += 10
    coordinator.tick()
    assert not coordinator.is_over()
    store.set_experiment_state(KEY, ExperimentState.RUNNING)
    store.seconds += 10
    coordinator.tick()
    assert coordinator.is_over()


def test_a_search_that_resumes_with_a_larger_budget_reaches_it(store: FakeClockStore) -> None:
    store.open_search(max_evals=3)
    assert run_search(store, store.coordinator()) == 3
    assert store.experiment(KEY).state is ExperimentState.DONE
    store.seconds += 3600
    store.open_search(max_evals=5)
    assert run_search(store, store.coordinator()) == 5


def test_a_timeout_counts_from_the_start_of_the_run_and_not_of_the_experiment(store: FakeClockStore) -> None:
    store.open_search(max_evals=1, timeout_s=60.0)
    run_search(store, store.coordinator())
    store.seconds += 3600
    store.open_search(max_evals=100, timeout_s=60.0)
    coordinator = store.coordinator()
    coordinator.tick()
    assert not coordinator.is_over()
    store.seconds += 60
    coordinator.tick()
    assert coordinator.is_over()


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_a_step_of_the_stores_clock_neither_ends_nor_prolongs_a_search(
    store: FakeClockStore, step_s: float
) -> None:
    store.open_search(timeout_s=60.0)
    coordinator = store.coordinator()
    coordinator.tick()
    store.seconds += 30
    store.step_s = step_s
    for _ in range(30):
        progress = coordinator.tick()
        assert not coordinator.is_over()
        store.seconds += 1
    assert progress.elapsed_s == 59.0
    coordinator.tick()
    assert coordinator.is_over()
    assert coordinator.wind_down(0.0).experiment.ended_why == "timeout"


def test_the_time_of_a_search_is_the_sum_of_what_its_leaders_measured(store: FakeClockStore) -> None:
    """One resigns, one dies with its lease, the last begins when the store's clock is an hour ahead."""
    store.open_search(timeout_s=100.0)
    first = store.coordinator()
    first.tick()
    store.seconds += 10
    first.resign()
    store.seconds += 1000  # no coordinator leads
    second, standby = store.coordinator(), store.coordinator()
    for _ in range(21):
        assert second.tick().elapsed_s < 31
        standby.tick()
        store.seconds += 1
    store.seconds += LEADER_LEASE_S  # it died
    store.step_s = 3600.0
    taken = standby.tick()
    assert not taken.is_standby
    assert 10 + 20 - LEADER_LEASE_S / 2 <= taken.elapsed_s <= 10 + 21
    store.seconds += 100 - taken.elapsed_s
    assert standby.tick().elapsed_s == 100.0
    assert standby.is_over()
    standby.wind_down(0.0)
    standby.resign()
    assert store.experiment(KEY).elapsed_s(store.now()) == 100.0


def test_the_time_of_a_search_includes_pauses(store: FakeClockStore) -> None:
    store.open_search(timeout_s=60.0)
    coordinator = store.coordinator()
    coordinator.tick()
    store.set_experiment_state(KEY, ExperimentState.PAUSED)
    store.seconds += 60
    coordinator.tick()
    assert coordinator.is_over()


def test_the_time_of_a_search_begins_with_its_first_trial(store: FakeClockStore) -> None:
    """Workers need a while to start."""
    store.open_search(timeout_s=3.0)
    coordinator = store.coordinator(start_grace_s=60.0)
    coordinator.tick()
    store.seconds += 50
    assert coordinator.tick().elapsed_s == 0.0
    assert store.claim_next() is not None
    coordinator.tick()
    store.seconds += 2
    assert coordinator.tick().elapsed_s == 2.0
    store.seconds += 1
    coordinator.tick()
    assert coordinator.is_over()


def test_the_time_of_a_search_without_workers_begins_after_a_grace(store: FakeClockStore) -> None:
    store.open_search(timeout_s=3.0)
    coordinator = store.coordinator(start_grace_s=60.0)
    assert tick_until(store, coordinator, 62.0) is None
    assert not coordinator.is_over()
    tick_until(store, coordinator, 2.0)
    assert coordinator.is_over()


def test_a_leader_counts_from_zero_when_the_search_is_restarted(store: FakeClockStore) -> None:
    """The search is stopped and started again between two ticks of its leader."""
    store.open_search(timeout_s=60.0)
    coordinator = store.coordinator()
    coordinator.tick()
    store.seconds += 50
    store.set_experiment_state(KEY, ExperimentState.STOPPED)
    store.open_search(timeout_s=60.0)
    store.seconds += 1
    assert coordinator.tick().elapsed_s <= 1.0
    store.seconds += 20
    assert coordinator.tick().elapsed_s <= 21.0
    coordinator.resign()
    assert store.experiment(KEY).elapsed_s(store.now()) <= 21.0


def test_running_trials_may_finish_within_the_grace_period(store: FakeClockStore) -> None:
    store.open_search(timeout_s=10.0)
    store.add_worker("w", 2)
    coordinator = store.coordinator()
    coordinator.tick()
    quick, slow = store.claim_next(), store.claim_next()
    assert quick is not None
    assert slow is not None
    store.seconds += 10
    coordinator.tick()
    end = store.seconds + 5

    def during_wait() -> None:
        if store.seconds >= end - 1 and store.trial(KEY, quick.tid).state is State.RUNNING:
            store.finish_with(quick, 0.25)

    store.during_wait = during_wait
    progress = coordinator.wind_down(grace_s=5)
    assert progress.best is not None
    assert progress.best.tid == quick.tid
    assert store.trial(KEY, slow.tid).state is State.CANCELLED
    assert store.seconds >= end
    assert store.experiment(KEY).ended_why == "timeout"
    assert progress.counts[State.PENDING] == progress.counts[State.RUNNING] == 0


def test_deleted_trials_are_suggested_again(store: FakeClockStore) -> None:
    """Otherwise the search would wait for them for ever."""
    store.open_search(max_evals=3)
    coordinator = store.coordinator()
    coordinator.tick()
    store.drop_trials()

    assert run_search(store, coordinator) == 3


def test_an_interrupt_ends_the_grace_period(store: FakeClockStore) -> None:
    store.open_search(timeout_s=10.0)
    coordinator = store.coordinator()
    coordinator.tick()
    store.claim_next()
    store.seconds += 10
    coordinator.tick()
    before = store.seconds
    coordinator.wind_down(grace_s=3600, is_interrupted=lambda: True)
    assert store.seconds == before
    assert store.in_state(State.RUNNING) == []


def test_a_leader_that_is_replaced_while_it_ends_the_search_leaves_the_rest_to_the_next(
    store: FakeClockStore,
) -> None:
    store.open_search(timeout_s=10.0)
    coordinator = store.coordinator()
    coordinator.tick()
    running = store.claim_next()
    assert running is not None
    store.seconds += 10
    coordinator.tick()

    def during_wait() -> None:
        store.seconds += LEADER_LEASE_S + 1
        store.lead(KEY, "rival", LEADER_LEASE_S)

    store.during_wait = during_wait
    assert coordinator.wind_down(grace_s=3600).is_standby
    assert store.trial(KEY, running.tid).state is State.RUNNING
    assert store.experiment(KEY).state is ExperimentState.RUNNING


def test_a_search_ends_for_the_callers_reason_unless_another_coordinator_leads(store: FakeClockStore) -> None:
    store.open_search()
    leader, standby = store.coordinator(), store.coordinator()
    leader.tick()
    standby.tick()
    assert standby.wind_down(0.0, reason=EndReason.EARLY_STOP).is_standby
    assert store.experiment(KEY).state is ExperimentState.RUNNING
    leader.wind_down(0.0, reason=EndReason.EARLY_STOP)
    ended = store.experiment(KEY)
    assert (ended.state, ended.ended_why) == (ExperimentState.DONE, "early_stop")


def test_a_leader_that_slept_ends_nothing_of_a_restarted_search(
    store: FakeClockStore,
) -> None:
    """At any step: first its lease prevents that, then the store."""
    store.open_search()
    sleeper, rival = store.coordinator(), store.coordinator()
    sleeper.tick()

    def oversleep() -> None:
        store.seconds += LEADER_LEASE_S + 1
        rival.tick()

    store.before_count = oversleep  # after the pending trials were cancelled
    sleeper.wind_down(0.0, reason=EndReason.TIMEOUT)
    assert store.experiment(KEY).state is ExperimentState.RUNNING
    store.seconds += 1
    rival.tick()
    n_pending = len(store.in_state(State.PENDING))
    assert n_pending > 0
    assert sleeper.wind_down(0.0, reason=EndReason.TIMEOUT).is_standby
    assert len(store.in_state(State.PENDING)) == n_pending
