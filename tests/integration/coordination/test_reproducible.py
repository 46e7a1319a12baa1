"""With a lag, suggestions depend on the seed, and not on which trial ends first."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from hpsearch.coordination.coordinator import Coordinator
from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State, Trial
from hpsearch.core.worker import Worker
from tests.support.fake_clock_store import KEY, LEASE_S, FakeClockStore, InterruptedSuggester

N_TRIALS = 24


def loss_of(trial: Trial) -> float | None:
    """Return the loss of a point; some fail."""
    x = trial.values["x"]
    return None if x > 4 else (x - 1) ** 2


def open_store(lag: int | None, algorithm: str) -> FakeClockStore:
    store = FakeClockStore()
    experiment = store.open_search(algorithm, max_evals=N_TRIALS)
    store.delete_experiment(KEY)
    store.open_experiment(replace(experiment, lag=lag))
    return store


def run_randomly(
    lag: int | None,
    algorithm: str,
    n_workers: int,
    seed: int,
    *,
    hazards: bool = False,
    lag_alone: int | None = None,
) -> dict[int, object]:
    """Run a search whose trials end in a random order; return the points by number.

    Hazards are a coordinator that is replaced, a worker that dies, one that gives its trial back, and a
    pause during a suggestion.
    """
    rng, store = Random(seed), open_store(lag, algorithm)

    suggester = InterruptedSuggester(store.experiment(KEY))

    def coordinator() -> Coordinator:
        return Coordinator(
            store, store.experiment(KEY), lambda: store.seconds, suggester=suggester, lag_alone=lag_alone
        )

    leader, held = coordinator(), list[Trial]()
    store.add_worker("w", n_workers)
    for _ in range(5000):
        store.seconds += rng.choice([0.02, 4.0])
        for trial in held:
            store.renew(trial)
        leader.tick()
        if leader.is_over():
            break
        while len(held) < n_workers and (trial := store.claim_next()) is not None:
            held.append(trial)
        if held and rng.random() < 0.5:
            trial = held.pop(rng.randrange(len(held)))
            if hazards and rng.random() < 0.2:
                store.release(trial, "drained")
                continue
            store.finish_with(trial, loss_of(trial))
        if not hazards:
            continue
        if rng.random() < 0.05:
            leader.resign()
            leader = coordinator()
        if held and rng.random() < 0.05:
            held.clear()  # lost until their leases end
            store.seconds += LEASE_S + 1
        if rng.random() < 0.1:
            suggester.before_return = lambda: store.set_experiment_state(KEY, ExperimentState.PAUSED)
            leader.tick()
            suggester.before_return = lambda: None
            store.set_experiment_state(KEY, ExperimentState.RUNNING)
    else:
        raise AssertionError("the search does not end")
    return {trial.tid: trial.values for trial in store.trials(KEY) if trial.state is State.DONE}


def assert_same(one: dict[int, object], other: dict[int, object]) -> None:
    """Check that trials which both searches finished have the same points."""
    shared = one.keys() & other.keys()
    assert len(shared) >= N_TRIALS / 2
    assert {tid: one[tid] for tid in shared} == {tid: other[tid] for tid in shared}


@pytest.mark.parametrize("algorithm", ["tpe", "auto"])
@pytest.mark.parametrize(("lag", "n_workers"), [(0, 1), (1, 2), (4, 4), (4, 7), (9, 2)])
def test_with_a_lag_the_order_in_which_trials_end_does_not_matter(
    algorithm: str, lag: int, n_workers: int
) -> None:
    assert run_randomly(lag, algorithm, n_workers, 1) == run_randomly(lag, algorithm, n_workers, 2)


@pytest.mark.parametrize("algorithm", ["tpe", "auto"])
def test_the_number_of_workers_does_not_matter_either(algorithm: str) -> None:
    assert (
        run_randomly(3, algorithm, 1, 1)
        == run_randomly(3, algorithm, 3, 2)
        == run_randomly(3, algorithm, 20, 3)
    )


def test_without_a_lag_the_order_matters() -> None:
    """Otherwise the tests above would prove nothing."""
    assert run_randomly(None, "tpe", 4, 1) != run_randomly(None, "tpe", 4, 2)


@pytest.mark.parametrize(("lag", "n_workers"), [(0, 1), (1, 1), (2, 4), (5, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_neither_kills_nor_pauses_nor_lost_and_returned_trials_change_the_suggestions(
    seed: int, lag: int, n_workers: int
) -> None:
    losing = run_randomly(lag, "tpe", n_workers, seed, hazards=True)
    plain = run_randomly(lag, "tpe", n_workers, 0)
    # A trial without attempts left has no loss to learn from; up to there, both are the same.
    first_lost = min(set(range(N_TRIALS)) - losing.keys() | {N_TRIALS}, default=N_TRIALS)
    failed = {tid for tid in range(N_TRIALS) if tid not in plain}
    known = [tid for tid in range(min(first_lost + lag, N_TRIALS)) if tid in losing and tid in plain]
    assert {tid: losing[tid] for tid in known} == {tid: plain[tid] for tid in known}
    assert known or first_lost == 0 or failed


def test_one_worker_makes_the_same_search_by_default() -> None:
    assert run_randomly(None, "tpe", 1, 1, lag_alone=1) == run_randomly(None, "tpe", 1, 2, lag_alone=1)


def test_a_second_worker_gets_trials_of_a_search_that_had_one_worker() -> None:
    store = open_store(None, "tpe")
    leader = Coordinator(store, store.experiment(KEY), lambda: store.seconds, lag_alone=1)
    store.add_worker("first", 1)
    leader.tick()
    assert len(store.in_state(State.PENDING)) == 2
    store.seconds += 1
    store.add_worker("second", 8)
    store.seconds += 1
    store.add_worker("first", 1)
    store.seconds += 1
    leader.tick()
    assert len(store.in_state(State.PENDING)) >= 9


def test_a_worker_that_replaces_a_dead_one_counts_as_the_only_one() -> None:
    """The registry keeps the dead one for a while."""
    store = open_store(None, "tpe")
    leader = Coordinator(store, store.experiment(KEY), lambda: store.seconds, lag_alone=1)
    store.record_worker(Worker(name="dead", host="h", pid=1), 20)
    store.seconds += 1
    store.record_worker(Worker(name="new", host="h", pid=2), 20)
    store.seconds += 1
    leader.tick()
    assert len(store.in_state(State.PENDING)) == 2


def test_at_most_one_more_trial_than_the_lag_is_open() -> None:
    store = open_store(3, "tpe")
    store.add_worker("crowd", 40)
    leader = store.coordinator()
    for _ in range(3):
        leader.tick()
        assert len(store.in_state(State.PENDING)) == 4
        store.seconds += 1
    trials = [store.claim_next() for _ in range(4)]
    store.finish_with(trials[3], 1.0)  # type: ignore[arg-type]
    leader.tick()
    assert store.in_state(State.PENDING) == [], "trial 4 waits for trial 0"
    store.finish_with(trials[0], 1.0)  # type: ignore[arg-type]
    leader.tick()
    assert [trial.tid for trial in store.in_state(State.PENDING)] == [4]


def test_a_cancelled_trial_delays_no_suggestion() -> None:
    store = open_store(0, "tpe")
    leader = store.coordinator()
    leader.tick()
    store.cancel(KEY, {State.PENDING})
    store.seconds += 1
    leader.tick()
    assert [trial.tid for trial in store.in_state(State.PENDING)] == [1]
