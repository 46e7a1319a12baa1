"""Promises 2 and 3: who gets which trial."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from hpsearch.trial import State
from tests.integration.store.conftest import WORKER


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


def test_priority_holds_across_experiments(bench, store):
    other = replace(bench, exp_key=bench.exp_key + "-b")
    bench.insert(1)
    store.insert([other.trial(0, priority=1)])
    keys = [bench.exp_key, other.exp_key]

    claimed = [store.claim(WORKER, bench.token(), keys) for _ in keys]

    assert [trial.exp_key for trial in claimed] == [other.exp_key, bench.exp_key]
