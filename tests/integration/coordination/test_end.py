"""When a search ends, and what becomes of what runs then."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.coordination.election import LEADER_LEASE_S
from hpsearch.coordination.plan import EndReason
from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import FINISHED, State, Trial
from hpsearch.space.tree import Space
from tests.integration.coordination.fake_clock_store import KEY, LEASE_S, Scene, search_through

EVENTS = ["claim", "finish", "race", "fail", "release", "vanish", "pass", "replace", "rival", "tick", "tick"]


@settings(max_examples=60, deadline=None)
@given(events=st.lists(st.sampled_from(EVENTS), max_size=60), max_evals=st.integers(1, 6))
def test_the_budget_is_met_exactly_whatever_happens_in_between(events, max_evals):
    """Trials finish, fail, are given back or lost; coordinators die, and rivals bid for the lead."""
    scene = Scene()
    scene.open(max_evals=max_evals)
    scene.hire("w", 3)
    coordinators, held = [scene.coordinator()], list[Trial]()
    rng = random.Random(len(events))

    def happen(event: str) -> None:
        match event:
            case "claim":
                held.extend(t for t in [scene.take()] if t)
            case "finish" | "fail" if held:
                trial = held.pop(rng.randrange(len(held)))
                scene.finish_with(trial, 1.0 if event == "finish" else None)
            case "race":  # a trial finishes while a coordinator reads
                scene.before_count = lambda: happen("finish")
            case "release" if held:
                scene.release(held.pop(), "worker drained")
            case "vanish" if held:
                held.pop()
            case "pass":
                for trial in held:
                    scene.renew(trial)
                scene.seconds += rng.choice([0.1, 1.0, LEASE_S / 5])
            case "replace":
                coordinators[0] = scene.coordinator()
            case "rival" if len(coordinators) < 3:
                coordinators.append(scene.coordinator())
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
    trials = list(scene.trials(KEY))
    assert sum(t.state in FINISHED for t in trials) == progress.n_finished == max_evals
    assert all(t.state.is_final for t in trials)
    assert [t.tid for t in trials] == list(range(len(trials)))


@pytest.mark.parametrize("algorithm", ["tpe", "random"])
def test_a_search_without_repeats_ends_when_all_points_are_tried(scene, algorithm):
    """Not while any of them runs; a second coordinator, which knows only the store, ends it as well."""
    scene.open(
        algorithm, space=Space({"x": hp.randint("x", 5), "y": hp.choice("y", ["a", "b"])}), no_repeats=True
    )
    scene.hire("w", 3)
    coordinator, taken = scene.coordinator(), []
    while len(taken) < 10:
        scene.seconds += 1
        coordinator.tick()
        taken += iter(scene.take, None)
        for trial in taken[:9]:
            if trial in scene.in_state(State.RUNNING):
                scene.finish_with(trial, 1.0)
    assert len({tuple(trial.values.items()) for trial in taken}) == 10
    scene.seconds += 1
    coordinator.tick()
    assert not coordinator.is_over()
    coordinator.resign()
    successor = scene.coordinator()
    scene.finish_with(taken[9], 1.0)
    successor.tick()
    assert successor.is_over()
    ended = successor.wind_down(0.0).experiment
    assert (ended.state, ended.ended_why) == (ExperimentState.DONE, "no_more_points")


def test_a_search_that_is_taken_up_with_a_larger_budget_goes_on_to_its_end(scene):
    scene.open(max_evals=3)
    assert search_through(scene, scene.coordinator()) == 3
    assert scene.experiment(KEY).state is ExperimentState.DONE
    scene.seconds += 3600
    scene.open(max_evals=5)
    assert search_through(scene, scene.coordinator()) == 5


def test_a_timeout_counts_from_the_start_of_the_run_and_not_of_the_experiment(scene):
    scene.open(max_evals=1, timeout_s=60.0)
    search_through(scene, scene.coordinator())
    scene.seconds += 3600
    scene.open(max_evals=100, timeout_s=60.0)
    coordinator = scene.coordinator()
    coordinator.tick()
    assert not coordinator.is_over()
    scene.seconds += 60
    coordinator.tick()
    assert coordinator.is_over()


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_a_step_of_the_stores_clock_neither_ends_nor_prolongs_a_search(scene, step_s):
    scene.open(timeout_s=60.0)
    coordinator = scene.coordinator()
    coordinator.tick()
    scene.seconds += 30
    scene.step_s = step_s
    for _ in range(30):
        progress = coordinator.tick()
        assert not coordinator.is_over()
        scene.seconds += 1
    assert progress.elapsed_s == 59.0
    coordinator.tick()
    assert coordinator.is_over()
    assert coordinator.wind_down(0.0).experiment.ended_why == "timeout"


def test_the_time_of_a_search_is_the_sum_of_what_its_leaders_measured(scene):
    """One resigns, one dies with its lease, the last begins as the store's clock is an hour ahead."""
    scene.open(timeout_s=100.0)
    first = scene.coordinator()
    first.tick()
    scene.seconds += 10
    first.resign()
    scene.seconds += 1000  # nobody leads
    second, standby = scene.coordinator(), scene.coordinator()
    for _ in range(21):
        assert second.tick().elapsed_s < 31
        standby.tick()
        scene.seconds += 1
    scene.seconds += LEADER_LEASE_S  # it died
    scene.step_s = 3600.0
    taken = standby.tick()
    assert not taken.is_standby
    assert 10 + 20 - LEADER_LEASE_S / 2 <= taken.elapsed_s <= 10 + 21
    scene.seconds += 100 - taken.elapsed_s
    assert standby.tick().elapsed_s == 100.0
    assert standby.is_over()
    standby.wind_down(0.0)
    standby.resign()
    assert scene.experiment(KEY).elapsed_s(scene.now()) == 100.0


def test_the_time_of_a_search_goes_on_while_it_is_paused(scene):
    scene.open(timeout_s=60.0)
    coordinator = scene.coordinator()
    coordinator.tick()
    scene.set_experiment_state(KEY, ExperimentState.PAUSED)
    scene.seconds += 60
    coordinator.tick()
    assert coordinator.is_over()


def test_a_leader_counts_from_zero_when_the_search_is_taken_up_again_under_it(scene):
    """Somebody stops the search and starts it again before its leader has looked."""
    scene.open(timeout_s=60.0)
    coordinator = scene.coordinator()
    coordinator.tick()
    scene.seconds += 50
    scene.set_experiment_state(KEY, ExperimentState.STOPPED)
    scene.open(timeout_s=60.0)
    scene.seconds += 1
    assert coordinator.tick().elapsed_s <= 1.0
    scene.seconds += 20
    assert coordinator.tick().elapsed_s <= 21.0
    coordinator.resign()
    assert scene.experiment(KEY).elapsed_s(scene.now()) <= 21.0


def test_what_runs_at_the_end_may_finish_within_the_grace(scene):
    scene.open(timeout_s=10.0)
    scene.hire("w", 2)
    coordinator = scene.coordinator()
    coordinator.tick()
    quick, slow = scene.take(), scene.take()
    assert quick is not None
    assert slow is not None
    scene.seconds += 10
    coordinator.tick()
    end = scene.seconds + 5

    def meanwhile() -> None:
        if scene.seconds >= end - 1 and scene.trial(KEY, quick.tid).state is State.RUNNING:
            scene.finish_with(quick, 0.25)

    scene.meanwhile = meanwhile
    progress = coordinator.wind_down(grace_s=5)
    assert progress.best is not None
    assert progress.best.tid == quick.tid
    assert scene.trial(KEY, slow.tid).state is State.CANCELLED
    assert scene.seconds >= end
    assert scene.experiment(KEY).ended_why == "timeout"
    assert progress.counts[State.PENDING] == progress.counts[State.RUNNING] == 0


def test_trials_that_somebody_deleted_are_suggested_anew(scene):
    """The search would wait for them for ever."""
    scene.open(max_evals=3)
    coordinator = scene.coordinator()
    coordinator.tick()
    del scene._shelves[KEY]  # as `db.trials.deleteMany` would

    assert search_through(scene, coordinator) == 3


def test_an_interrupt_cuts_the_grace_short(scene):
    scene.open(timeout_s=10.0)
    coordinator = scene.coordinator()
    coordinator.tick()
    scene.take()
    scene.seconds += 10
    coordinator.tick()
    before = scene.seconds
    coordinator.wind_down(grace_s=3600, is_interrupted=lambda: True)
    assert scene.seconds == before
    assert scene.in_state(State.RUNNING) == []


def test_a_leader_that_loses_the_lead_at_the_end_leaves_the_rest_to_the_next(scene):
    scene.open(timeout_s=10.0)
    coordinator = scene.coordinator()
    coordinator.tick()
    running = scene.take()
    assert running is not None
    scene.seconds += 10
    coordinator.tick()

    def meanwhile() -> None:
        scene.seconds += LEADER_LEASE_S + 1
        scene.lead(KEY, "rival", LEADER_LEASE_S)

    scene.meanwhile = meanwhile
    assert coordinator.wind_down(grace_s=3600).is_standby
    assert scene.trial(KEY, running.tid).state is State.RUNNING
    assert scene.experiment(KEY).state is ExperimentState.RUNNING


def test_a_search_ends_for_a_reason_of_the_callers_unless_another_leads_it(scene):
    scene.open()
    leader, standby = scene.coordinator(), scene.coordinator()
    leader.tick()
    standby.tick()
    assert standby.wind_down(0.0, reason=EndReason.EARLY_STOP).is_standby
    assert scene.experiment(KEY).state is ExperimentState.RUNNING
    leader.wind_down(0.0, reason=EndReason.EARLY_STOP)
    ended = scene.experiment(KEY)
    assert (ended.state, ended.ended_why) == (ExperimentState.DONE, "early_stop")


def test_a_leader_that_slept_ends_nothing_of_a_search_that_others_took_up_again(scene):
    """However far it had come: it is told by its lease, then by the store."""
    scene.open()
    sleeper, rival = scene.coordinator(), scene.coordinator()
    sleeper.tick()

    def oversleep() -> None:
        scene.seconds += LEADER_LEASE_S + 1
        rival.tick()

    scene.before_count = oversleep  # after what waits was cancelled
    sleeper.wind_down(0.0, reason=EndReason.TIMEOUT)
    assert scene.experiment(KEY).state is ExperimentState.RUNNING
    scene.seconds += 1
    rival.tick()
    n_pending = len(scene.in_state(State.PENDING))
    assert n_pending > 0
    assert sleeper.wind_down(0.0, reason=EndReason.TIMEOUT).is_standby
    assert len(scene.in_state(State.PENDING)) == n_pending
