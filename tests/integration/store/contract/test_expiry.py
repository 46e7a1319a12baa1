"""Promise 6: what becomes of a trial whose lease is over, or that is given back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hpsearch.core.trial import FailureKind, Report, State
from hpsearch.errors import LeaseLostError
from hpsearch.store.protocol import LeaseStatus
from tests.integration.store.conftest import WORKER
from tests.integration.store.contract.results import DONE


def test_a_live_lease_does_not_expire(bench, store):
    bench.insert(lease_s=600)
    trial = bench.claim()

    assert store.expire(bench.exp_key) == 0
    assert bench.read(trial) == trial


def test_an_expired_trial_waits_again_with_an_entry_in_its_history(bench, store):
    bench.insert(lease_s=0)
    trial = bench.claim()

    back = bench.lose(trial)

    assert (back.state, back.attempt, back.lease_until, back.error) == (State.PENDING, 1, None, None)
    (ended,) = back.history
    assert (ended.attempt, ended.worker, ended.why) == (1, WORKER.name, "lease expired")
    assert trial.claimed_at <= ended.ended_at <= store.now()
    assert store.expire(bench.exp_key) == 0


def test_a_trial_that_is_lost_too_often_has_failed(bench, store):
    bench.insert(lease_s=0, max_attempts=2)
    bench.lose(bench.claim())

    failed = bench.lose(bench.claim())

    assert (failed.state, failed.error.kind, failed.loss) == (State.FAILED, FailureKind.LOST, None)
    assert [ended.attempt for ended in failed.history] == [1, 2]
    assert failed.finished_at is not None
    assert store.claim(WORKER, "other", [bench.exp_key]) is None


def test_giving_a_trial_back_does_not_count_towards_max_attempts(bench, store):
    bench.insert(lease_s=0, max_attempts=2)
    for _ in range(5):
        store.release(bench.claim(), "draining")

    assert bench.lose(bench.claim()).state is State.PENDING
    assert bench.lose(bench.claim()).state is State.FAILED


def test_a_released_trial_tells_why(bench, store):
    bench.insert()
    trial = bench.claim()

    store.release(trial, "$draining")

    back = bench.read(trial)
    assert (back.state, back.lease_until, back.owner) == (State.PENDING, None, None)
    assert [(e.attempt, e.worker, e.why) for e in back.history] == [(1, WORKER.name, "$draining")]


def test_repeating_ones_own_release_changes_nothing(bench, store):
    bench.insert()
    first = bench.claim()
    store.release(first, "draining")
    second = bench.claim()

    store.release(first, "draining")

    assert bench.read(second) == second


def test_expiry_stays_within_the_experiment(bench, store):
    other = replace(bench, exp_key=bench.exp_key + "/b")
    other.insert(lease_s=0)
    bench.outlast(other.claim().lease_until)

    assert store.expire(bench.exp_key) == 0


def test_two_claims_under_one_token_are_told_apart_by_their_attempts(bench, store):
    """A claim whose answer was lost is repeated after its lease, and takes the trial once more."""
    bench.insert(1, lease_s=60)
    first = bench.claim("token")
    bench.later(61)
    store.expire(bench.exp_key)
    second = bench.claim("token")
    assert (second.owner, second.attempt) == (first.owner, first.attempt + 1)

    assert store.renew(first) is LeaseStatus.LOST
    for refused in (
        lambda: store.finish(first, DONE),
        lambda: store.report(first, [Report(step=1, value=1)]),
        lambda: store.release(first, "draining"),
    ):
        with pytest.raises(LeaseLostError):
            refused()
    assert bench.read(first) == second


def test_a_repeated_release_leaves_a_later_claim_under_its_token_alone(bench, store):
    bench.insert()
    first = bench.claim("token")
    store.release(first, "draining")
    second = bench.claim("token")
    store.release(first, "draining")
    assert bench.read(first) == replace(second, history=bench.read(first).history)
    assert store.renew(second) is LeaseStatus.HELD


def test_a_token_that_runs_another_trial_by_now_has_lost_the_first(bench, store):
    bench.insert(1, lease_s=60)
    first = bench.claim("token")
    bench.later(61)
    store.expire(bench.exp_key)
    store.insert([bench.trial(1, priority=1)])
    assert bench.claim("token").tid == 1

    assert store.renew(first) is LeaseStatus.LOST
    assert bench.read(first).state is State.PENDING


def test_racing_expiries_count_each_loss_once(bench, store):
    bench.insert(20, lease_s=0)
    last = [bench.claim() for _ in range(20)][-1]
    bench.outlast(last.lease_until)

    with ThreadPoolExecutor(4) as pool:
        n_expired = list(pool.map(lambda _: store.expire(bench.exp_key), range(4)))

    assert sum(n_expired) == 20
    assert all(len(trial.history) == 1 for trial in store.trials(bench.exp_key))


@pytest.mark.parametrize("back_s", [61, 3600, 10**8])
def test_when_the_clock_is_set_back_a_lease_counts_from_when_that_is_noticed(bench, store, back_s):
    bench.insert(2, lease_s=60)
    dead, alive = bench.claim(), bench.claim()
    bench.later(-back_s)
    store.renew(alive)

    assert store.shorten_leases(bench.exp_key) == 1
    assert store.shorten_leases(bench.exp_key) == 0

    assert (bench.read(dead).lease_until - store.now()).total_seconds() <= 60
    bench.later(59)
    assert store.expire(bench.exp_key) == 0
    store.renew(alive)
    bench.later(2)
    assert store.expire(bench.exp_key) == 1
    assert (bench.read(dead).state, bench.read(alive).state) == (State.PENDING, State.RUNNING)


def test_a_shortened_lease_is_still_its_holders(bench, store):
    bench.insert(lease_s=60)
    trial = bench.claim()
    bench.later(-3600)
    store.shorten_leases(bench.exp_key)

    assert (bench.read(trial).owner, bench.read(trial).attempt) == (trial.owner, trial.attempt)
    assert store.renew(trial) is LeaseStatus.HELD
    store.finish(trial, DONE)
    assert bench.read(trial).state is State.DONE


def test_no_lease_is_shortened_while_the_clock_goes_on(bench, store):
    bench.insert(3, lease_s=60)
    trials = [bench.claim() for _ in range(3)]
    bench.later(30)
    before = [bench.read(trial) for trial in trials]

    assert store.shorten_leases(bench.exp_key) == 0
    assert [bench.read(trial) for trial in trials] == before


def test_leases_are_shortened_within_the_experiment(bench, store):
    other = replace(bench, exp_key=bench.exp_key + "/b")
    other.insert(lease_s=60)
    other.claim()
    other.later(-3600)

    assert store.shorten_leases(bench.exp_key) == 0
