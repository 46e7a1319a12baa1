"""How many trials wait for workers."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import pytest

from hpsearch import hp
from hpsearch.coordination import plan
from hpsearch.coordination.coordinator import Coordinator
from hpsearch.core.experiment import SCRIPTED, ExperimentState
from hpsearch.core.trial import State
from hpsearch.core.worker import Worker, WorkerState
from hpsearch.errors import ConfigurationError
from hpsearch.space.tree import Space
from hpsearch.suggest.protocol import Suggestion
from tests.integration.coordination.fake_clock_store import KEY, thinking_slowly


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


def test_a_coordinator_suggests_without_importing_what_the_space_names(scene):
    """It needs the parameters alone; the functions may be on no disk but the workers'."""
    space = {
        "schema": 1,
        "parameters": [
            {"label": "x", "distribution": {"name": "uniform", "low": 0.0, "high": 1.0}},
            {
                "label": "c",
                "distribution": {"name": "choice"},
                "options": [{"import": "on_no_disk_here:Model"}, {"operation": 0}],
            },
        ],
        "operations": [{"name": "call", "args": [{"import": "on_no_disk_here:make"}, {"parameter": "x"}]}],
        "root": {"parameter": "c"},
    }
    opened = scene.open()
    scene.delete_experiment(KEY)
    scene.open_experiment(replace(opened, space=space))
    scene.coordinator().tick()
    (waiting,) = scene.in_state(State.PENDING)
    assert waiting.params["c"] in {"0: Model", "1: call(make, x)"}


def test_options_of_an_enumeration_read_as_their_values_where_the_space_is_at_hand(scene):
    """A command and a script have their own, and need not trust the stored one."""

    class Optimizer(StrEnum):
        ADAM = "adam"

    space = Space({"optimizer": hp.choice("optimizer", [Optimizer.ADAM]), "x": hp.uniform("x", 0, 1)})
    stored = Space({"optimizer": hp.choice("optimizer", ["adam"]), "x": hp.uniform("x", 0, 1)})
    opened = scene.open(space=stored)
    Coordinator(scene, opened, clock=lambda: scene.seconds, space=space).tick()
    (waiting,) = scene.in_state(State.PENDING)
    assert waiting.params["optimizer"] == "adam"


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


def test_a_search_that_is_paused_while_the_coordinator_thinks_gets_no_more_trials(scene):
    scene.open()
    coordinator = scene.coordinator()
    thinking_slowly(coordinator, lambda: scene.set_experiment_state(KEY, ExperimentState.PAUSED))
    coordinator.tick()
    assert scene.in_state(State.PENDING) == []
    scene.set_experiment_state(KEY, ExperimentState.RUNNING)
    scene.seconds += 1
    coordinator.tick()
    assert [trial.tid for trial in scene.in_state(State.PENDING)] == [0]


def test_each_trial_names_the_experiment_that_it_was_suggested_for(scene):
    """Another search may have its name one day."""
    opened = scene.open()
    scene.coordinator().tick()
    assert [trial.exp_created_at for trial in scene.in_state(State.PENDING)] == [opened.created_at]


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


def test_searches_that_share_busy_workers_suggest_what_their_share_needs(scene):
    """Eight trials run at a time; each of ten searches that kept one for each worker would be far ahead."""
    keys = [f"search {i}" for i in range(10)]
    opened = scene.open()
    coordinators = []
    for key in keys:
        scene.open_experiment(replace(opened, exp_key=key))
        coordinators.append(Coordinator(scene, scene.experiment(key), clock=lambda: scene.seconds))
    for n_workers in (0, 8, 8):
        for i in range(n_workers):
            scene.record_worker(Worker(name=f"w{i}", host="h", pid=1, state=WorkerState.BUSY), 1e9)
        scene.seconds += 1
        for coordinator in coordinators:
            coordinator.tick()
    n_pending = sum(scene.counts(key, {State.PENDING})[State.PENDING] for key in keys)
    assert 10 <= n_pending <= 20


def test_a_search_without_a_coordinator_takes_no_share_of_the_queue(scene):
    opened = scene.open()
    scene.open_experiment(replace(opened, exp_key="abandoned"))
    coordinator = scene.coordinator()
    scene.record_worker(Worker(name="w", host="h", pid=1, slots=8, state=WorkerState.BUSY), 1e9)
    scene.seconds += 1
    coordinator.tick()
    assert len(scene.in_state(State.PENDING)) == 9
