"""How many pending trials a coordinator keeps."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Any

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
from tests.support.fake_clock_store import KEY, FakeClockStore, InterruptedSuggester


@pytest.mark.parametrize(("slots", "n_running"), [(0, 0), (1, 0), (4, 0), (4, 3), (4, 4)])
def test_the_queue_holds_a_trial_for_each_free_slot_and_one_more(
    store: FakeClockStore, slots: int, n_running: int
) -> None:
    store.open_search()
    coordinator = store.coordinator()
    if slots:
        store.add_worker("w", slots)
    for _ in range(n_running):
        store.seconds += 1
        coordinator.tick()
        assert store.claim_next() is not None
    store.seconds += 1
    coordinator.tick()
    assert len(store.in_state(State.PENDING)) == slots - n_running + 1


def test_a_coordinator_suggests_without_importing_functions_of_the_space(store: FakeClockStore) -> None:
    """It needs only the parameters; the functions may exist only on the workers' disks."""
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
    opened = store.open_search()
    store.delete_experiment(KEY)
    store.open_experiment(replace(opened, space=space))
    store.coordinator().tick()
    (waiting,) = store.in_state(State.PENDING)
    assert waiting.params["c"] in {"Model", "make"}


def test_options_of_an_enumeration_are_shown_as_values_if_the_space_is_passed(
    store: FakeClockStore,
) -> None:
    """A command and a script have their own space, and need not trust the stored one."""

    class Optimizer(StrEnum):
        ADAM = "adam"

    space = Space({"optimizer": hp.choice("optimizer", [Optimizer.ADAM]), "x": hp.uniform("x", 0, 1)})
    stored = Space({"optimizer": hp.choice("optimizer", ["adam"]), "x": hp.uniform("x", 0, 1)})
    opened = store.open_search(space=stored)
    Coordinator(store, opened, clock=lambda: store.seconds, space=space).tick()
    (waiting,) = store.in_state(State.PENDING)
    assert waiting.params["optimizer"] == "adam"


def test_workers_that_left_without_a_trial_of_this_search_are_counted(store: FakeClockStore) -> None:
    """Not live ones, nor those that served another search or left before this one started."""
    stopped = Worker(name="old", host="h", pid=1, state=WorkerState.STOPPED)
    store.record_worker(stopped, 60)
    store.seconds += 1
    store.open_search()
    store.add_worker("present", 1)
    store.record_worker(replace(stopped, name="of another", exp_keys=("other",)), 60)
    coordinator = store.coordinator()
    assert coordinator.tick().n_left_idle == 0
    store.record_worker(replace(stopped, name="refuser", exp_keys=(KEY,)), 60)
    store.seconds += 1
    progress = coordinator.tick()
    assert (progress.n_left_idle, [worker.name for worker in progress.workers]) == (1, ["present"])


def test_slow_trials_get_fresh_suggestions_even_if_suggesting_is_slow(store: FakeClockStore) -> None:
    """A single finished trial is no rate, and must not fill the queue."""
    store.open_search()
    store.add_worker("w", 1)
    suggester = InterruptedSuggester(store.experiment(KEY))
    coordinator = store.coordinator(suggester)
    suggester.before_return = lambda: setattr(store, "seconds", store.seconds + 1)
    for _ in range(3):
        coordinator.tick()
        trial = store.claim_next()
        assert trial is not None
        store.seconds += 600
        store.finish_with(trial, 1.0)
    coordinator.tick()
    assert len(store.in_state(State.PENDING)) <= 2


@pytest.mark.long
def test_fast_trials_get_a_deeper_queue(store: FakeClockStore) -> None:
    store.open_search()
    store.add_worker("w", 1)
    coordinator = store.coordinator()
    for _ in range(100):
        coordinator.tick()
        for trial in iter(store.claim_next, None):
            store.finish_with(trial, 1.0)
        store.seconds += 0.02
    coordinator.tick()
    assert len(store.in_state(State.PENDING)) > 4


def test_the_queue_holds_the_minimum_without_workers(store: FakeClockStore) -> None:
    store.open_search(max_evals=7)
    coordinator = Coordinator(store, store.experiment(KEY), lambda: store.seconds, min_pending=5)
    for _ in range(3):
        coordinator.tick()
        assert len(store.in_state(State.PENDING)) == 5
        store.seconds += 1
    for n_left in (5, 5, 4):
        assert store.claim_next() is not None
        coordinator.tick()
        assert len(store.in_state(State.PENDING)) == n_left


class Given:
    """A suggester with a few points."""

    def __init__(self, *xs: float) -> None:
        self.xs = list(xs)

    def suggest(self, history: Any, pending: Any, rngs: Any) -> list[Suggestion]:
        given, self.xs = self.xs[: len(rngs)], self.xs[len(rngs) :]
        return [Suggestion(values={"x": x, "kind": 0}, origin="script") for x in given]


def test_the_callers_suggester_is_used_and_may_run_out_of_points(store: FakeClockStore) -> None:
    store.open_search(algorithm=SCRIPTED)
    own = Given(1.0, 2.0, 3.0)
    coordinator = Coordinator(
        store, store.experiment(KEY), lambda: store.seconds, suggester=own, min_pending=2
    )
    for _ in range(3):
        coordinator.tick()
        store.claim_next()
    assert [trial.values["x"] for trial in store.trials(KEY)] == [1.0, 2.0, 3.0]
    assert not coordinator.is_over()


def test_an_experiment_whose_suggester_is_a_script_is_refused_without_that_script(
    store: FakeClockStore,
) -> None:
    store.open_search(algorithm=SCRIPTED)
    with pytest.raises(ConfigurationError, match=r"in the script that began it; run that script again"):
        store.coordinator()


@pytest.mark.parametrize("state", [ExperimentState.PAUSED, ExperimentState.STOPPED])
def test_a_paused_or_stopped_search_reads_results_and_suggests_nothing(
    store: FakeClockStore, state: ExperimentState
) -> None:
    store.open_search()
    coordinator = store.coordinator()
    coordinator.tick()
    trial = store.claim_next()
    assert trial is not None
    store.set_experiment_state(KEY, state)
    store.finish_with(trial, 0.5)
    store.seconds += 1
    assert coordinator.tick().n_finished == 1
    assert store.in_state(State.PENDING) == []


def test_a_search_that_is_paused_during_a_suggestion_gets_no_more_trials(
    store: FakeClockStore,
) -> None:
    store.open_search()
    suggester = InterruptedSuggester(store.experiment(KEY))
    coordinator = store.coordinator(suggester)
    suggester.before_return = lambda: store.set_experiment_state(KEY, ExperimentState.PAUSED)
    coordinator.tick()
    suggester.before_return = lambda: None
    assert store.in_state(State.PENDING) == []
    store.set_experiment_state(KEY, ExperimentState.RUNNING)
    store.seconds += 1
    coordinator.tick()
    assert [trial.tid for trial in store.in_state(State.PENDING)] == [0]


def test_each_trial_names_its_experiment_by_time_of_creation(store: FakeClockStore) -> None:
    """Another search may get the same name later."""
    opened = store.open_search()
    store.coordinator().tick()
    assert [trial.exp_created_at for trial in store.in_state(State.PENDING)] == [opened.created_at]


def test_a_limited_batch_is_followed_by_another_without_a_wait(store: FakeClockStore) -> None:
    store.open_search()
    store.add_worker("crowd", plan.MAX_BATCH + 10)
    coordinator = store.coordinator()
    waits: list[float] = []
    store.during_wait = lambda: waits.append(store.seconds)
    for n_waits in (0, 1):
        coordinator.tick()
        coordinator.wait()
        assert len(waits) == n_waits
    assert len(store.in_state(State.PENDING)) > plan.MAX_BATCH


def test_many_trials_that_finish_between_two_polls_are_not_a_high_rate(
    store: FakeClockStore,
) -> None:
    """Otherwise the queue would hold hundreds of stale suggestions."""
    store.open_search()
    store.add_worker("crowd", 60)
    coordinator = store.coordinator()
    for _ in range(5):
        coordinator.tick()
        for trial in [store.claim_next() for _ in range(60)]:
            store.finish_with(trial, 1.0)
        store.seconds += 1.0
    assert 30 * 60 < coordinator.tick().per_minute < 120 * 60


def test_searches_that_share_busy_workers_suggest_only_their_share(store: FakeClockStore) -> None:
    """Eight trials run at a time; if each of ten searches kept eight, most would be stale."""
    keys = [f"search {i}" for i in range(10)]
    opened = store.open_search()
    coordinators = []
    for key in keys:
        store.open_experiment(replace(opened, exp_key=key))
        coordinators.append(Coordinator(store, store.experiment(key), clock=lambda: store.seconds))
    for n_workers in (0, 8, 8):
        for i in range(n_workers):
            store.record_worker(Worker(name=f"w{i}", host="h", pid=1, state=WorkerState.BUSY), 1e9)
        store.seconds += 1
        for coordinator in coordinators:
            coordinator.tick()
    n_pending = sum(store.counts(key, {State.PENDING})[State.PENDING] for key in keys)
    assert 10 <= n_pending <= 20


def test_a_search_without_a_coordinator_has_no_share(store: FakeClockStore) -> None:
    opened = store.open_search()
    store.open_experiment(replace(opened, exp_key="abandoned"))
    coordinator = store.coordinator()
    store.record_worker(Worker(name="w", host="h", pid=1, slots=8, state=WorkerState.BUSY), 1e9)
    store.seconds += 1
    coordinator.tick()
    assert len(store.in_state(State.PENDING)) == 9
