"""Promises 2 and 3: who gets which trial."""

from __future__ import annotations

import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State
from tests.integration.store.conftest import WORKER, Bench
from tests.integration.store.contract.results import DONE


def test_a_claim_says_who_holds_the_trial_and_until_when(bench, store):
    bench.insert(lease_s=30)

    trial = bench.claim("token")

    assert (trial.state, trial.attempt, trial.owner, trial.worker) == (
        State.RUNNING,
        1,
        f"{bench.exp_key}:token",
        WORKER.holder,
    )
    assert trial.claimed_at == trial.heartbeat_at <= store.now()
    assert (trial.lease_until - trial.claimed_at).total_seconds() == 30
    assert trial == bench.read(trial)


def test_racing_claims_never_take_the_same_trial(bench, store):
    bench.insert(40)

    def take_all(_: int) -> list[int]:
        taken = []
        while trial := store.claim(WORKER, bench.token(), [bench.exp_key]):
            taken.append(trial.tid)
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [tid for tids in pool.map(take_all, range(8)) for tid in tids]

    assert sorted(taken) == list(range(40))


def test_repeating_a_claim_returns_the_same_trial_while_others_wait(bench, store):
    bench.insert(3)
    first = bench.claim("token")

    assert bench.claim("token") == first
    assert store.counts(bench.exp_key)[State.RUNNING] == 1


def test_repeating_a_claim_returns_the_same_trial_when_the_queue_is_empty(bench):
    bench.insert(1)
    first = bench.claim("token")

    assert bench.claim("token") == first


def test_there_is_nothing_to_claim_where_nothing_is_pending(bench, store):
    bench.insert(1)
    bench.claim()

    assert store.claim(WORKER, "other", [bench.exp_key]) is None
    assert store.claim(WORKER, "other", ["nowhere"]) is None
    assert store.claim(WORKER, "other", []) is None


def test_the_queue_is_by_priority_then_number(bench, store):
    priorities = [0, 5, 0, 5, -1]
    store.insert([bench.trial(tid, priority=p) for tid, p in enumerate(priorities)])

    assert [bench.claim().tid for _ in priorities] == [1, 3, 0, 2, 4]


def test_a_trial_that_was_given_back_has_its_old_place(bench, store):
    bench.insert(3)
    first = bench.claim()
    bench.claim()
    store.release(first, "draining")

    assert bench.claim().tid == 0


def neighbours(bench, n: int) -> list:
    """Return benches for experiments beside that of the test; their names sort before and after it."""
    return [replace(bench, exp_key=f"{'az'[i % 2]}{i}-{bench.exp_key}") for i in range(n)]


@given(data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_claim_takes_from_the_first_experiment_named_that_has_a_trial_waiting(store, data):
    benches = [Bench(store, uuid.uuid4().hex) for _ in range(4)]
    n_waiting = {b.exp_key: data.draw(st.integers(0, 2)) for b in benches}
    for b in benches:
        b.insert(n_waiting[b.exp_key])
    for _ in range(sum(n_waiting.values())):
        order = data.draw(st.permutations([*n_waiting, "nowhere"]))
        taken = store.claim(WORKER, uuid.uuid4().hex, order)
        assert taken.exp_key == next(key for key in order if n_waiting.get(key))
        n_waiting[taken.exp_key] -= 1
    assert store.claim(WORKER, uuid.uuid4().hex, list(n_waiting)) is None


def test_the_priority_of_a_trial_counts_within_its_experiment_only(bench, store):
    (other,) = neighbours(bench, 1)
    bench.insert(1)
    store.insert([other.trial(0, priority=1)])

    assert store.claim(WORKER, bench.token(), [bench.exp_key, other.exp_key]).exp_key == bench.exp_key


def test_repeating_a_claim_finds_its_trial_whatever_the_order_of_the_experiments(bench, store):
    others = neighbours(bench, 3)
    for one in (bench, *others[1:]):
        one.insert(1)
    keys, token = [others[0].exp_key, bench.exp_key, others[1].exp_key, others[2].exp_key], bench.token()
    first = store.claim(WORKER, token, keys)
    assert first.exp_key == bench.exp_key

    for order in (keys, keys[::-1], [others[0].exp_key], [others[0].exp_key, "nowhere"]):
        assert store.claim(WORKER, token, order) == first
    assert [len(list(store.trials(o.exp_key, states={State.PENDING}))) for o in others[1:]] == [1, 1]


def test_racing_claims_on_several_experiments_take_each_trial_once(bench, store):
    """Each worker asks in an order of its own, and all of them fall back on what is left."""
    benches = neighbours(bench, 5)
    for one in benches:
        one.insert(8)
    keys = [one.exp_key for one in benches]

    def take_all(seed: int) -> list[str]:
        taken, rng = [], random.Random(seed)
        while trial := store.claim(WORKER, bench.token(), rng.sample(keys, len(keys))):
            taken.append(trial.id)
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [name for names in pool.map(take_all, range(8)) for name in names]

    assert len(taken) == len(set(taken)) == 40


def test_a_claim_that_is_undone_leaves_the_trial_as_if_it_had_not_been_taken(bench, store):
    bench.insert(2)
    before = bench.read(bench.trial(0))
    trial = bench.claim("token")

    store.unclaim(trial)

    back = bench.read(trial)
    assert back == replace(before, attempt=1)
    again = bench.claim("another")
    assert (again.tid, again.attempt, again.history) == (0, 2, ())


def test_undoing_a_claim_again_changes_nothing(bench, store):
    """The answer was lost, and somebody else may hold the trial by now, or have finished it."""
    bench.insert(1)
    first = bench.claim("token")
    store.unclaim(first)
    store.unclaim(first)
    second = bench.claim("another")
    store.unclaim(first)
    assert bench.read(second) == second
    store.finish(second, DONE)
    for trial in (first, second):
        store.unclaim(trial)
    assert bench.read(second).state is State.DONE


def test_a_claim_after_which_the_search_runs_came_before_its_pause(bench, store):
    """Many take trials while somebody pauses: of those who see it run, none took its trial afterwards."""
    bench.insert(200)
    store.open_experiment(bench.experiment())
    paused = threading.Event()

    def take_all(_: int) -> list[bool]:
        late = []
        while True:
            was_paused = paused.is_set()
            trial = store.claim(WORKER, bench.token(), [bench.exp_key])
            if trial is None or not store.is_running(bench.experiment()):
                return late
            late.append(was_paused)

    with ThreadPoolExecutor(5) as pool:
        takers = [pool.submit(take_all, i) for i in range(4)]
        store.set_experiment_state(bench.exp_key, ExperimentState.PAUSED)
        paused.set()
    assert not any(was_paused for taker in takers for was_paused in taker.result())
