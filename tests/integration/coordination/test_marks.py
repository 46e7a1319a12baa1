"""Trials that a user marks as invalid or adds while a search runs."""

from __future__ import annotations

import pytest

from hpsearch.coordination.added_trials import ENQUEUED, RETRIED, add_trials
from hpsearch.coordination.coordinator import Coordinator
from hpsearch.core.trial import State, Trial
from tests.support.fake_clock_store import KEY, SPACE, FakeClockStore, run_search

POINT = {"x": 0.25, "kind": 0}


@pytest.fixture
def store() -> FakeClockStore:
    store = FakeClockStore()
    store.open_search(max_evals=6)
    store.add_worker("w", 1)
    return store


def evaluate(store: FakeClockStore, coordinator: Coordinator, losses: list[float | None]) -> list[Trial]:
    """Let a worker finish trials with these losses."""
    evaluated = []
    for loss in losses:
        coordinator.tick()
        trial = store.claim_next()
        assert trial is not None
        store.finish_with(trial, loss)
        store.seconds += 1
        evaluated.append(trial)
    coordinator.tick()
    return evaluated


def test_an_invalid_trial_is_replaced_and_never_the_best(store: FakeClockStore) -> None:
    coordinator = store.coordinator()
    evaluate(store, coordinator, [-100.0, 2.0, None])
    store.mark_invalid(KEY, [0, 2], "a broken machine")
    store.seconds += 1
    progress = coordinator.tick()
    assert (progress.n_finished, progress.n_invalid) == (1, 2)
    assert progress.best is not None
    assert (progress.best.tid, progress.last_failure) == (1, None)
    run_search(store, coordinator)
    assert store.counts(KEY)[State.DONE] == 6
    assert len(store.in_state(State.DONE, State.FAILED)) == 8


def test_a_removed_mark_counts_again(store: FakeClockStore) -> None:
    coordinator = store.coordinator()
    evaluate(store, coordinator, [-100.0, 2.0])
    for why in ("wrong", None):
        store.mark_invalid(KEY, [0], why)
        store.seconds += 1
        progress = coordinator.tick()
    assert progress.best is not None
    assert (progress.best.tid, progress.n_finished, progress.n_invalid) == (0, 2, 0)


def test_a_coordinator_that_notes_a_mark_suggests_like_one_that_starts_after_it() -> None:
    """The same marks give the same search, before and after a restart."""
    suggested = []
    for is_restarted in (False, True):
        store = FakeClockStore()
        store.open_search("tpe", max_evals=30)
        store.add_worker("w", 1)
        coordinator = store.coordinator()
        evaluate(store, coordinator, [float(i) for i in range(12)])
        store.cancel(KEY, {State.PENDING})
        store.mark_invalid(KEY, [0, 1, 2], "wrong")
        if is_restarted:
            coordinator.resign()
            coordinator = store.coordinator()
        store.seconds += 1
        coordinator.tick()
        suggested.append([(t.tid, t.values) for t in store.in_state(State.PENDING)])
    assert suggested[0]
    assert suggested[0] == suggested[1]


def test_an_added_trial_is_evaluated_next_and_counts_towards_the_budget(store: FakeClockStore) -> None:
    coordinator = store.coordinator()
    evaluate(store, coordinator, [1.0])
    [added] = add_trials(store, store.experiment(KEY), SPACE, [POINT], ENQUEUED)
    store.seconds += 1
    coordinator.tick()
    claimed = store.claim_next()
    assert claimed is not None
    assert (claimed.tid, claimed.values, claimed.origin) == (added.tid, POINT, ENQUEUED)
    store.finish_with(claimed, -1.0)
    run_search(store, coordinator)
    assert store.counts(KEY)[State.DONE] == 6
    assert coordinator.tick().best.tid == added.tid


def test_a_trial_that_is_added_while_the_coordinator_suggests_keeps_its_number(store: FakeClockStore) -> None:
    coordinator = store.coordinator()
    coordinator.tick()
    [added] = add_trials(store, store.experiment(KEY), SPACE, [POINT], RETRIED)
    taken = evaluate(store, coordinator, [1.0, 2.0, 3.0])
    assert added.tid in {trial.tid for trial in taken}
    assert [t.tid for t in store.trials(KEY)] == list(range(len(list(store.trials(KEY)))))
