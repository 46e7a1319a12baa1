"""Asking for trials and telling their results, on a store in memory."""

from __future__ import annotations

import math
from typing import Any

import pytest

import hpsearch
from hpsearch import hp
from hpsearch.asktell.asked_trial import AskedTrial
from hpsearch.asktell.search import Search
from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import FailureKind, State
from hpsearch.errors import (
    ConfigurationError,
    ExperimentMismatchError,
    HpsearchWarning,
    LeaseLostError,
    NotFoundError,
    NoTrialError,
    ResultError,
    SpaceError,
)
from hpsearch.store.memory.store import MemoryStore

SPACE = {"x": hp.uniform("x", -5, 5), "kind": hp.choice("kind", ["a", {"y": hp.normal("y", 0, 1)}])}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def opened(store: MemoryStore, **arguments: Any) -> Search:
    return hpsearch.open(store, "s", SPACE, **{"seed": 7, "algo": "random", **arguments})


def ask(search: Search) -> AskedTrial:
    asked = search.ask(timeout=0)
    assert asked is not None
    return asked


def test_a_search_ends_when_its_budget_is_spent() -> None:
    with hpsearch.open(space=SPACE, max_evals=12, seed=1) as search:
        for trial in search:
            trial.tell((trial.config["x"] - 1) ** 2)
        losses = [trial.loss for trial in search.trials()]
        assert len(losses) == 12
        assert search.best.loss == min(losses)
        assert search.state is ExperimentState.DONE


def test_the_last_result_ends_the_search_although_no_process_asks_again(store: MemoryStore) -> None:
    with opened(store, max_evals=1) as search:
        ask(search).tell(1.0)
    assert store.experiment("s").state is ExperimentState.DONE


def test_two_processes_make_the_same_search_as_one(store: MemoryStore) -> None:
    """Each learns from the results of the other."""
    with hpsearch.open(space=SPACE, seed=7, max_evals=30, algo="tpe") as alone:
        for trial in alone:
            trial.tell(trial.config["x"] ** 2)
        expected = [trial.values for trial in alone.trials()]
    first, second = opened(store, algo="tpe", max_evals=30), opened(store, algo="tpe")
    for number in range(30):
        trial = ask((first, second)[number // 3 % 2])
        trial.tell(trial.config["x"] ** 2)
    assert [trial.values for trial in store.trials("s")] == expected
    first.close()
    second.close()


def test_what_another_process_holds_counts_towards_the_budget(store: MemoryStore) -> None:
    with opened(store, max_evals=2) as first, opened(store) as second:
        held, other = ask(first), ask(second)
        assert {held.tid, other.tid} == {0, 1}
        with pytest.raises(NoTrialError, match="All open trials of s are running, 1 of them here"):
            second.ask(timeout=0)
        held.tell(1.0)
        other.tell(2.0)
        assert first.ask() is None
        assert second.ask() is None


def test_waiting_for_oneself_is_refused(store: MemoryStore) -> None:
    with opened(store, max_evals=1) as search:
        trial = ask(search)
        with pytest.raises(NoTrialError, match="tell their results first"):
            search.ask()
        trial.tell(0.0)


def test_a_paused_search_has_no_trial_and_a_stopped_one_is_over(store: MemoryStore) -> None:
    with opened(store) as search:
        ask(search).give_back()
        store.set_experiment_state("s", ExperimentState.PAUSED)
        with pytest.raises(NoTrialError, match="hpsearch resume s"):
            search.ask(timeout=0)
        store.set_experiment_state("s", ExperimentState.STOPPED)
        assert search.ask() is None


@pytest.mark.parametrize(("result", "kept"), [(0.5, {}), ({"loss": 0.5, "accuracy": 0.9}, {"accuracy": 0.9})])
def test_a_result_is_stored_as_an_objective_returns_it(store: MemoryStore, result: Any, kept: Any) -> None:
    with opened(store) as search:
        trial = ask(search)
        trial.report(1, 0.7)
        trial.attach("model", b"weights")
        trial.tell(result)
        stored = store.trial("s", trial.tid)
        assert (stored.state, stored.loss) == (State.DONE, 0.5)
        assert stored.result.items() >= kept.items()
        assert [(report.step, report.value) for report in stored.reports] == [(1, 0.7)]
        assert store.attachment("s", "model", tid=trial.tid) == b"weights"


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"result": math.nan}, FailureKind.NAN, "not a number"),
        ({"failed": "it diverged"}, FailureKind.REPORTED, "it diverged"),
        ({"result": {"status": "fail", "message": "no GPU"}}, FailureKind.REPORTED, "no GPU"),
    ],
)
def test_a_failure_is_stored(store: MemoryStore, arguments: Any, kind: FailureKind, message: str) -> None:
    with opened(store) as search:
        ask(search).tell(**arguments)
        error = store.trial("s", 0).error
        assert error.kind is kind
        assert message in error.message


def test_what_is_no_result_is_refused_and_the_trial_stays_held(store: MemoryStore) -> None:
    with opened(store) as search:
        trial = ask(search)
        for nonsense in ("0.5", None, {"accuracy": 1.0}):
            with pytest.raises(ResultError, match=r"tell\(\) takes a number"):
                trial.tell(nonsense)
        trial.tell(0.5)
        assert store.trial("s", 0).loss == 0.5


def test_telling_the_same_again_changes_nothing(store: MemoryStore) -> None:
    with opened(store) as search:
        trial = ask(search)
        trial.tell(0.5)
        trial.tell(0.5)
        with pytest.raises(ResultError, match="s/000000 has another result"):
            trial.tell(0.6)
        assert store.trial("s", 0).loss == 0.5


def test_a_cancelled_trial_should_stop_and_refuses_its_result(store: MemoryStore) -> None:
    with opened(store) as search:
        trial = ask(search)
        assert not trial.should_stop
        store.cancel("s", {State.RUNNING})
        with pytest.raises(LeaseLostError):
            trial.tell(0.5)
        assert store.trial("s", 0).state is State.CANCELLED


def test_leaving_a_block_with_an_error_fails_the_trial(store: MemoryStore) -> None:
    with opened(store) as search:
        with pytest.raises(ZeroDivisionError), ask(search):
            1 / 0  # noqa: B018
        error = store.trial("s", 0).error
        assert (error.kind, error.type) == (FailureKind.EXCEPTION, "ZeroDivisionError")
        assert "1 / 0" in error.traceback


@pytest.mark.parametrize("leave", [None, KeyboardInterrupt])
def test_leaving_a_block_without_a_result_gives_the_trial_back(store: MemoryStore, leave: Any) -> None:
    with opened(store) as search:
        try:
            with ask(search):
                if leave is not None:
                    raise leave
        except KeyboardInterrupt:
            pass
        assert store.trial("s", 0).state is State.PENDING
        again = ask(search)
        assert (again.tid, again.attempt) == (0, 2)
        again.tell(0.0)


def test_closing_gives_back_what_is_held(store: MemoryStore) -> None:
    with opened(store) as search:
        ask(search)
    assert store.trial("s", 0).state is State.PENDING
    assert [worker.state for worker in store.workers()] == ["stopped"]


def test_enqueued_trials_come_first(store: MemoryStore) -> None:
    with opened(store) as search:
        ask(search).give_back()
        search.enqueue({"x": 1.25, "kind": "a"})
        assert ask(search).params == {"x": 1.25, "kind": "a"}
        with pytest.raises(SpaceError, match="z"):
            search.enqueue({"z": 1.0})


def test_added_trials_count_and_are_learned_from(store: MemoryStore) -> None:
    with opened(store, max_evals=2) as search:
        added = search.add({"x": 0.5, "kind": "a"}, 0.25)
        assert (added.loss, search.best.loss) == (0.25, 0.25)
        ask(search).tell(3.0)
        assert search.ask() is None
        with pytest.raises(SpaceError, match="'kind' of the added trial is missing"):
            search.add({"x": 0.5}, 0.25)
        with pytest.raises(ResultError, match="must be a number"):
            search.add({"x": 0.5, "kind": "a"}, math.nan)


def test_a_search_is_joined_only_with_its_own_space(store: MemoryStore) -> None:
    with opened(store, max_evals=3) as search, hpsearch.open(store, "s") as joined:
        assert ask(joined).config.keys() == ask(search).config.keys()
    with pytest.raises(ExperimentMismatchError, match="another search space: only there: 'kind'"):
        hpsearch.open(store, "s", {"x": hp.uniform("x", -5, 5)})
    with pytest.warns(HpsearchWarning, match="seed=8 is ignored"):
        opened(store, seed=8).close()


def test_a_search_can_go_on_with_a_larger_budget(store: MemoryStore) -> None:
    for budget in (2, 5):
        with opened(store, max_evals=budget) as search:
            for trial in search:
                trial.tell(trial.config["x"])
        assert store.counts("s")[State.DONE] == budget


def test_a_missing_search_and_an_invalid_name_are_refused(store: MemoryStore) -> None:
    with pytest.raises(NotFoundError, match="give a space to begin it"):
        hpsearch.open(store, "s")
    with pytest.raises(ConfigurationError, match="cannot name a search"):
        hpsearch.open(store, "a/b", SPACE)


def test_a_deleted_search_is_noticed(store: MemoryStore) -> None:
    with opened(store) as search:
        ask(search).tell(1.0)
        store.delete_experiment("s")
        with pytest.raises(NotFoundError):
            search.ask()


def test_several_losses_are_told_by_name_and_give_a_front(store: MemoryStore) -> None:
    declared = {"objectives": {"error": "min", "accuracy": "max"}, "limits": {"gb": "<= 8"}}
    with opened(store, **declared) as search:
        for error, accuracy, gb in ((0.5, 0.9, 8.0), (0.2, 0.5, 1.0), (0.1, 1.0, 9.0), (0.4, 0.4, 1.0)):
            ask(search).tell({"error": error, "losses": {"accuracy": accuracy}, "gb": gb})
        asked = ask(search)
        with pytest.raises(ResultError, match="no 'accuracy', which the search has declared"):
            asked.tell({"error": 0.1, "gb": 1.0})
        asked.give_back()
        search.add({"x": 1.0, "kind": "a"}, {"error": 0.9, "accuracy": 0.95, "gb": 1.0})
        assert [trial.losses["error"] for trial in search.front if trial.losses] == [0.2, 0.5, 0.9]
        assert search.best in search.front
        with pytest.raises(ResultError, match="no 'gb'"):
            search.add({"x": 1.0, "kind": "a"}, {"error": 0.9, "accuracy": 0.95})


def test_a_search_goes_on_only_with_the_same_objectives(store: MemoryStore) -> None:
    opened(store, objectives={"error": "min", "ms": "min"}).close()
    opened(store, objectives={"error": "min", "ms": "min"}).close()
    opened(store).close()
    with pytest.raises(ConfigurationError, match="choose another name for one that minimises error"):
        opened(store, objectives={"error": "min"})
    with pytest.raises(ConfigurationError, match="A loss threshold needs one objective"):
        opened(store, loss_threshold=1.0)


def test_a_condition_on_objectives_ends_the_search(store: MemoryStore) -> None:
    with opened(store, objectives={"error": "min", "ms": "min"}, until="error < 1 and ms < 2") as search:
        ask(search).tell({"error": 0.5, "ms": 3.0})
        ask(search).tell({"error": 0.5, "ms": 1.0})
        assert search.ask(timeout=0) is None
    assert store.experiment("s").ended_why == "reached"


def test_a_search_with_one_objective_has_no_front(store: MemoryStore) -> None:
    with (
        opened(store, objectives={"accuracy": "max"}) as search,
        pytest.raises(ConfigurationError, match="has one objective"),
    ):
        assert search.front
