"""The coordinator on a store in memory, by a clock of the test's own: no waiting, any order of events."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch import hp
from hpsearch.coordination import plan
from hpsearch.coordination.coordinator import Coordinator
from hpsearch.coordination.election import LEADER_LEASE_S
from hpsearch.coordination.plan import EndReason
from hpsearch.errors import ConfigurationError, NotFoundError
from hpsearch.experiment import (
    SCRIPTED,
    Algorithm,
    Budget,
    Defaults,
    Experiment,
    ExperimentState,
    ObjectiveRef,
)
from hpsearch.fleet import Worker, WorkerState
from hpsearch.history import History
from hpsearch.space.tree import Space, Values
from hpsearch.store.memory import MemoryStore
from hpsearch.suggest.protocol import Suggester, Suggestion
from hpsearch.trial import FINISHED, Result, State, Trial

SPACE = Space({"x": hp.uniform("x", -5, 5), "kind": hp.choice("kind", ["a", {"y": hp.normal("y", 0, 1)}])})
KEY = "search"
LEASE_S = 60.0


class Scene(MemoryStore):
    """A store, its clock, and workers that do as they are told."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        super().__init__(lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds))
        self.meanwhile: Callable[[], None] = lambda: None  #: what happens while a coordinator waits
        self.before_count: Callable[[], None] = lambda: None  #: what happens before trials are counted
        self.n_claims = 0

    def open(self, algorithm: str = "random", space: Space = SPACE, **budget: float) -> Experiment:
        return self.open_experiment(
            Experiment(
                exp_key=KEY,
                space=space.to_json(),
                space_fingerprint=space.fingerprint,
                objective=ObjectiveRef(kind="import", ref="m:f"),
                algorithm=Algorithm(name=algorithm),
                seed=7,
                budget=Budget(**budget),  # type: ignore[arg-type]
                defaults=Defaults(max_attempts=2, lease_s=LEASE_S),
            )
        )

    def coordinator(self) -> Coordinator:
        return Coordinator(self, self.experiment(KEY), clock=lambda: self.seconds)

    def wait_for_change(self, exp_key: str, timeout_s: float) -> None:
        self.meanwhile()
        self.seconds += timeout_s

    def counts(self, exp_key, states=None):
        happen, self.before_count = self.before_count, lambda: None
        happen()
        return super().counts(exp_key, states)

    def hire(self, name: str, slots: int) -> None:
        self.record_worker(Worker(name=name, host="h", pid=1, slots=slots), 1e9)

    def take(self) -> Trial | None:
        self.n_claims += 1
        return self.claim(Worker(name="w", host="h", pid=1), f"token-{self.n_claims}", [KEY])

    def finish_with(self, trial: Trial, loss: float | None) -> None:
        self.finish(trial, Result(loss=loss, duration_s=1.0))

    def in_state(self, *states: State) -> list[Trial]:
        return list(self.trials(KEY, states=states))


@pytest.fixture
def scene() -> Scene:
    return Scene()


# The queue


@pytest.mark.parametrize(("slots", "n_running"), [(0, 0), (1, 0), (4, 0), (4, 3), (4, 4)])
def test_the_queue_holds_a_trial_for_each_free_slot_and_one_more(scene, slots, n_running):
    scene.open()
    coordinator = scene.coordinator()
    if slots:
        scene.hire("w", slots)
    for _ in range(n_running):
        scene.seconds += 1
        coordinator.tick()
        assert scene.take() is not None
    scene.seconds += 1
    coordinator.tick()
    assert len(scene.in_state(State.PENDING)) == slots - n_running + 1


def test_workers_that_left_without_a_trial_of_this_search_are_counted(scene):
    """Not those that are there, served another search, or left before this one was begun."""
    stopped = Worker(name="old", host="h", pid=1, state=WorkerState.STOPPED)
    scene.record_worker(stopped, 60)
    scene.seconds += 1
    scene.open()
    scene.hire("present", 1)
    scene.record_worker(replace(stopped, name="of another", exp_keys=("other",)), 60)
    coordinator = scene.coordinator()
    assert coordinator.tick().n_left_idle == 0
    scene.record_worker(replace(stopped, name="refuser", exp_keys=(KEY,)), 60)
    scene.seconds += 1
    progress = coordinator.tick()
    assert (progress.n_left_idle, [worker.name for worker in progress.workers]) == (1, ["present"])


def test_slow_trials_find_fresh_suggestions_however_long_those_take(scene):
    """A single trial that ends says little of a rate, and must not fill the queue."""
    scene.open()
    scene.hire("w", 1)
    coordinator = scene.coordinator()
    thinking_slowly(coordinator, lambda: setattr(scene, "seconds", scene.seconds + 1), is_once=False)
    for _ in range(3):
        coordinator.tick()
        trial = scene.take()
        assert trial is not None
        scene.seconds += 600
        scene.finish_with(trial, 1.0)
    coordinator.tick()
    assert len(scene.in_state(State.PENDING)) <= 2


def test_fast_trials_get_a_deeper_queue(scene):
    scene.open()
    scene.hire("w", 1)
    coordinator = scene.coordinator()
    for _ in range(100):
        coordinator.tick()
        for trial in iter(scene.take, None):
            scene.finish_with(trial, 1.0)
        scene.seconds += 0.02
    coordinator.tick()
    assert len(scene.in_state(State.PENDING)) > 4


def test_the_queue_is_as_deep_as_its_owner_wants_though_nobody_works(scene):
    scene.open(max_evals=7)
    coordinator = Coordinator(scene, scene.experiment(KEY), lambda: scene.seconds, least_pending=5)
    for _ in range(3):
        coordinator.tick()
        assert len(scene.in_state(State.PENDING)) == 5
        scene.seconds += 1
    for n_left in (5, 5, 4):
        assert scene.take() is not None
        coordinator.tick()
        assert len(scene.in_state(State.PENDING)) == n_left


class Given:
    """A suggester that has a few points and no more."""

    def __init__(self, *xs: float) -> None:
        self.xs = list(xs)

    def suggest(self, history, pending, rngs):
        given, self.xs = self.xs[: len(rngs)], self.xs[len(rngs) :]
        return [Suggestion(values={"x": x, "kind": 0}, origin="script") for x in given]


def test_a_suggester_of_the_callers_own_decides_and_may_run_out_of_points(scene):
    scene.open(algorithm=SCRIPTED)
    own = Given(1.0, 2.0, 3.0)
    coordinator = Coordinator(
        scene, scene.experiment(KEY), lambda: scene.seconds, suggester=own, least_pending=2
    )
    for _ in range(3):
        coordinator.tick()
        scene.take()
    assert [trial.values["x"] for trial in scene.trials(KEY)] == [1.0, 2.0, 3.0]
    assert not coordinator.is_over()


def test_an_experiment_that_a_script_suggests_for_waits_for_that_script(scene):
    scene.open(algorithm=SCRIPTED)
    with pytest.raises(ConfigurationError, match=r"in the script that began it; run that script again"):
        scene.coordinator()


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


def test_a_search_that_was_deleted_is_not_taken_for_another_of_its_name(scene):
    scene.open()
    coordinator = scene.coordinator()
    coordinator.tick()
    scene.delete_experiment(KEY)
    scene.seconds += 1
    scene.open()
    with pytest.raises(NotFoundError, match="was deleted, and there is another under its name"):
        coordinator.tick()
    assert scene.in_state(*State) == []


@pytest.mark.parametrize("state", [ExperimentState.PAUSED, ExperimentState.STOPPED])
def test_a_paused_or_stopped_search_collects_and_suggests_nothing(scene, state):
    scene.open()
    coordinator = scene.coordinator()
    coordinator.tick()
    trial = scene.take()
    assert trial is not None
    scene.set_experiment_state(KEY, state)
    scene.finish_with(trial, 0.5)
    scene.seconds += 1
    assert coordinator.tick().n_finished == 1
    assert scene.in_state(State.PENDING) == []


# The budget

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


# The end


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


# Leases


def test_a_lost_worker_costs_its_trial_a_lease_and_a_rerun(scene):
    scene.open()
    coordinator = scene.coordinator()
    coordinator.tick()
    trial = scene.take()
    assert trial is not None
    watched(scene, coordinator, LEASE_S + 6)
    [ended] = scene.trial(KEY, trial.tid).history
    assert (ended.attempt, ended.why) == (1, "lease expired")


def test_after_an_outage_no_lease_expires_before_every_worker_could_renew_twice(scene):
    """The coordinator's question waited out an outage in which every lease ran out."""
    scene.open()
    coordinator = scene.coordinator()
    watched(scene, coordinator, LEASE_S)
    trial = scene.take()
    assert trial is not None
    scene.before_count = lambda: setattr(scene, "seconds", scene.seconds + 10 * LEASE_S)
    coordinator.tick()
    assert watched(scene, coordinator, LEASE_S / 2 - 1, until=State.PENDING, trial=trial) is None
    scene.renew(trial)
    assert watched(scene, coordinator, LEASE_S - 1, until=State.PENDING, trial=trial) is None


def test_a_coordinator_that_stood_still_expires_nothing_before_every_worker_could_renew_twice(scene):
    scene.open()
    coordinator = scene.coordinator()
    watched(scene, coordinator, LEASE_S)
    trial = scene.take()
    assert trial is not None
    scene.seconds += 10 * LEASE_S
    expired_after = watched(scene, coordinator, LEASE_S, until=State.PENDING, trial=trial)
    assert expired_after is not None
    assert LEASE_S / 2 <= expired_after <= LEASE_S / 2 + 6


def test_a_standby_expires_nothing(scene):
    scene.open()
    leader = scene.coordinator()
    leader.tick()
    trial = scene.take()
    assert trial is not None
    standby = scene.coordinator()
    for _ in range(100):
        scene.lead(KEY, leader._candidate.token, LEADER_LEASE_S)  # it leads, and does nothing
        standby.tick()
        scene.seconds += 1
    assert scene.trial(KEY, trial.tid).state is State.RUNNING


def test_a_standby_counts_trials_no_more_often_than_it_can_afford(scene):
    """Counting millions takes seconds, in which the server should serve the workers."""
    scene.open()
    leader, standby = scene.coordinator(), scene.coordinator()
    leader.tick()
    n_counted = 0

    def count() -> None:
        nonlocal n_counted
        n_counted += 1
        scene.seconds += 1.0

    for _ in range(30):
        scene.before_count = count
        scene.lead(KEY, leader._candidate.token, LEADER_LEASE_S)
        assert standby.tick().is_standby
        scene.before_count = lambda: None
        scene.seconds += 1.0
    assert n_counted == 2


def test_a_leader_that_takes_over_shows_the_best_trial_and_the_last_failure_whole(scene):
    scene.open()
    first = scene.coordinator()
    for loss in (2.0, 1.0, None):
        first.tick()
        scene.finish_with(scene.take(), loss)
    first.resign()
    progress = scene.coordinator().tick()
    assert progress.best == scene.trial(KEY, 1)
    assert progress.last_failure == scene.trial(KEY, 2)


def test_a_batch_that_was_cut_short_is_followed_by_another_without_a_wait(scene):
    scene.open()
    scene.hire("crowd", plan.MAX_BATCH + 10)
    coordinator = scene.coordinator()
    waits: list[float] = []
    scene.meanwhile = lambda: waits.append(scene.seconds)
    for n_waits in (0, 1):
        coordinator.tick()
        coordinator.wait()
        assert len(waits) == n_waits
    assert len(scene.in_state(State.PENDING)) > plan.MAX_BATCH


def test_many_trials_that_finish_between_two_looks_are_not_taken_for_a_high_rate(scene):
    """Else the queue would hold hundreds of suggestions that know nothing of what is running."""
    scene.open()
    scene.hire("crowd", 60)
    coordinator = scene.coordinator()
    for _ in range(5):
        coordinator.tick()
        for trial in [scene.take() for _ in range(60)]:
            scene.finish_with(trial, 1.0)
        scene.seconds += 1.0
    assert 30 * 60 < coordinator.tick().per_minute < 120 * 60


# Leadership


def test_a_standby_suggests_nothing_until_the_leader_is_gone(scene):
    scene.open()
    leader, standby = scene.coordinator(), scene.coordinator()
    leader.tick()
    assert standby.tick().is_standby
    scene.seconds += LEADER_LEASE_S / 2
    assert standby.tick().is_standby
    scene.take()
    assert standby.tick().is_standby
    assert scene.in_state(State.PENDING) == []
    scene.seconds += LEADER_LEASE_S
    assert not standby.tick().is_standby
    assert len(scene.in_state(State.PENDING)) == 1
    assert leader.tick().is_standby


def test_a_leader_that_resigns_is_relieved_at_once(scene):
    scene.open()
    leader, standby = scene.coordinator(), scene.coordinator()
    leader.tick()
    leader.resign()
    assert not standby.tick().is_standby


def test_suggestions_of_a_leader_that_was_relieved_while_it_thought_are_dropped(scene):
    scene.open(max_evals=2)
    scene.hire("w", 8)
    first, second = scene.coordinator(), scene.coordinator()

    def relieved() -> None:
        scene.seconds += LEADER_LEASE_S + 1
        second.tick()

    thinking_slowly(first, relieved)
    assert first.tick().counts[State.PENDING] == 0
    assert len(scene.in_state(State.PENDING)) == 2
    assert first.tick().is_standby
    assert search_through(scene, second) == 2


def test_a_leader_that_thinks_longer_than_its_lease_goes_on_if_nobody_led_meanwhile(scene):
    scene.open()
    coordinator = scene.coordinator()
    thinking_slowly(coordinator, lambda: setattr(scene, "seconds", scene.seconds + 2 * LEADER_LEASE_S))
    coordinator.tick()
    assert len(scene.in_state(State.PENDING)) == 1


def test_a_leader_whose_numbers_are_taken_reads_the_experiment_anew(scene):
    scene.open(max_evals=3)
    scene.hire("w", 8)
    coordinator = scene.coordinator()
    foreign = Trial(exp_key=KEY, tid=0, values={"x": 1.0, "kind": 0}, origin="enqueued")
    thinking_slowly(coordinator, lambda: scene.insert([foreign]))
    coordinator.tick()
    assert [t.origin for t in scene.in_state(State.PENDING)] == ["enqueued"]
    assert search_through(scene, coordinator) == 3


@pytest.mark.parametrize("algorithm", ["random", "tpe"])
def test_a_coordinator_that_takes_over_suggests_what_the_first_would_have(algorithm):
    """The same seed and the same order of completion, once in one process and once in many."""

    def points(change_every: int) -> list[Values]:
        scene = Scene()
        scene.open(algorithm=algorithm, max_evals=30)
        scene.hire("w", 2)
        coordinator = scene.coordinator()
        for n in range(28):
            if n % change_every == change_every - 1:
                coordinator.resign()
                coordinator = scene.coordinator()
            coordinator.tick()
            trials = [scene.take()] if n else [scene.take(), scene.take()]
            oldest = scene.in_state(State.RUNNING)[0]
            assert trials[0] is not None
            scene.seconds += 60
            scene.finish_with(oldest, oldest.values["x"] ** 2 + oldest.values["kind"])
        return [t.values for t in scene.trials(KEY)]

    assert points(3) == points(1000)


# Parts


def thinking_slowly(
    coordinator: Coordinator, meanwhile: Callable[[], object], *, is_once: bool = True
) -> None:
    """Let something happen while the coordinator makes suggestions."""

    class Slow:
        def __init__(self, suggester: Suggester) -> None:
            self.suggester = suggester

        def suggest(
            self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
        ) -> list[Suggestion]:
            found = self.suggester.suggest(history, pending, rngs)
            meanwhile()
            if is_once:
                coordinator._suggester = self.suggester
            return found

    coordinator._suggester = Slow(coordinator._suggester)


def watched(
    scene: Scene,
    coordinator: Coordinator,
    seconds: float,
    *,
    until: State | None = None,
    trial: Trial | None = None,
) -> float | None:
    """Tick every second; return after how long a trial came to a state, None if it did not."""
    start = scene.seconds
    while scene.seconds - start < seconds:
        coordinator.tick()
        if trial is not None and scene.trial(KEY, trial.tid).state is until:
            return scene.seconds - start
        scene.seconds += 1
    return None


def search_through(scene: Scene, coordinator: Coordinator) -> int:
    """Tick and evaluate until the search is over; return how many trials finished."""
    while not (coordinator.tick() and coordinator.is_over()):
        scene.seconds += 1
        if (trial := scene.take()) is not None:
            scene.finish_with(trial, trial.values["x"] ** 2)
    return coordinator.wind_down(grace_s=0).n_finished
