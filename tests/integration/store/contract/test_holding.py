"""Promises 4 and 5: what the holder of a trial may do, and nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hpsearch.core.trial import Failure, FailureKind, Report, Result, State
from hpsearch.errors import LeaseLostError, StoreError
from hpsearch.store.protocol import LeaseStatus
from tests.integration.store.conftest import WORKER
from tests.integration.store.contract.results import DONE, FAILED


def test_a_renewal_extends_the_lease_of_its_holder(bench, store):
    bench.insert(lease_s=20)
    trial = bench.claim()
    bench.outlast(trial.claimed_at)

    assert store.renew(trial) is LeaseStatus.HELD

    renewed = bench.read(trial)
    assert renewed.heartbeat_at > trial.heartbeat_at
    assert (renewed.lease_until - renewed.heartbeat_at).total_seconds() == 20


def test_a_renewal_tells_the_holder_of_a_cancelled_trial(bench, store):
    bench.insert()
    trial = bench.claim()
    store.cancel(bench.exp_key, {State.RUNNING})

    assert store.renew(trial) is LeaseStatus.CANCELLED


def test_a_trial_that_another_claimed_is_lost(bench, store):
    bench.insert(lease_s=0)
    stale = bench.claim()
    bench.lose(stale)
    fresh = bench.claim()

    assert store.renew(stale) is LeaseStatus.LOST
    store.cancel(bench.exp_key, {State.RUNNING})
    assert store.renew(stale) is LeaseStatus.LOST
    assert store.renew(fresh) is LeaseStatus.CANCELLED


def test_a_finished_trial_is_lost_to_renewals(bench, store):
    bench.insert()
    trial = bench.claim()
    store.finish(trial, DONE)

    assert store.renew(trial) is LeaseStatus.LOST
    assert bench.read(trial).state is State.DONE


def test_a_renewal_takes_up_an_expired_trial_that_nobody_claimed(bench, store):
    """A worker that was suspended goes on with its evaluation instead of throwing it away."""
    bench.insert(lease_s=0)
    trial = bench.claim()
    bench.lose(trial)

    assert store.renew(trial) is LeaseStatus.HELD
    assert bench.read(trial).state is State.RUNNING
    assert store.claim(WORKER, "other", [bench.exp_key]) is None


def test_a_finish_writes_the_whole_result(bench, store):
    bench.insert()
    trial = bench.claim()
    error = Failure(kind=FailureKind.UNSTORABLE, message="part", exit_code=3, log_tail="…")

    store.finish(trial, replace(DONE, error=error))

    done = bench.read(trial)
    assert (done.state, done.loss, done.result) == (State.DONE, 1.0, DONE.result)
    assert (done.error, done.duration_s, done.owner) == (error, 2.5, trial.owner)
    assert (done.lease_until, done.worker, done.attempt) == (None, WORKER.holder, 1)
    assert trial.claimed_at <= done.finished_at <= store.now()


def test_a_failed_evaluation_has_an_error_and_no_loss(bench, store):
    bench.insert()
    trial = bench.claim()

    store.finish(trial, FAILED)

    failed = bench.read(trial)
    assert (failed.state, failed.loss, failed.error) == (State.FAILED, None, FAILED.error)


@pytest.mark.parametrize("loss", [float("inf"), float("-inf"), 0.0, 5])
def test_every_loss_but_nan_is_a_loss(bench, store, loss):
    bench.insert()
    trial = bench.claim()

    store.finish(trial, Result(loss=loss))

    assert bench.read(trial).loss == loss


def test_a_nan_loss_is_refused_and_the_trial_stays_held(bench, store):
    bench.insert()
    trial = bench.claim()

    with pytest.raises(StoreError, match="NaN"):
        store.finish(trial, Result(loss=float("nan")))

    assert bench.read(trial) == trial


def test_what_cannot_be_stored_is_named_and_nothing_is_written(bench, store):
    bench.insert()
    trial = bench.claim()

    with pytest.raises(StoreError, match=r"result\.model\[1\] is a object"):
        store.finish(trial, Result(loss=1.0, result={"fine": 1, "model": [0, object()]}))

    assert bench.read(trial) == trial
    store.finish(trial, DONE)


def test_repeating_ones_own_finish_succeeds_and_changes_nothing(bench, store):
    bench.insert()
    trial = bench.claim()
    store.finish(trial, DONE)
    first = bench.read(trial)

    store.finish(trial, replace(DONE, loss=-9.0))
    store.finish(trial, FAILED)

    assert bench.read(trial) == first


def test_a_stale_holder_changes_nothing(bench, store):
    """A worker whose lease expired must not touch what the new holder does."""
    bench.insert(lease_s=0)
    stale = bench.claim()
    bench.lose(stale)
    fresh = bench.claim()
    before = bench.read(fresh)

    for attempt in (
        lambda: store.finish(stale, DONE),
        lambda: store.report(stale, [Report(step=1, value=1)]),
        lambda: store.release(stale, "draining"),
    ):
        with pytest.raises(LeaseLostError, match=stale.id):
            attempt()

    assert bench.read(fresh) == before
    store.finish(fresh, replace(DONE, loss=3.0))
    with pytest.raises(LeaseLostError):
        store.finish(stale, DONE)
    assert bench.read(fresh).loss == 3.0


def test_a_guessed_attempt_is_not_enough(bench, store):
    bench.insert()
    trial = bench.claim("token")

    with pytest.raises(LeaseLostError):
        store.finish(replace(trial, owner="other"), DONE)
    with pytest.raises(LeaseLostError):
        store.finish(replace(trial, attempt=2), DONE)


def test_a_finish_is_accepted_while_nobody_claimed_the_expired_trial(bench, store):
    bench.insert(lease_s=0)
    trial = bench.claim()
    assert bench.lose(trial).state is State.PENDING

    store.finish(trial, DONE)

    done = bench.read(trial)
    assert (done.state, done.loss, len(done.history)) == (State.DONE, 1.0, 1)
    assert store.claim(WORKER, "other", [bench.exp_key]) is None


def test_there_is_no_grace_for_a_trial_that_was_given_back(bench, store):
    bench.insert()
    trial = bench.claim()
    store.release(trial, "draining")

    with pytest.raises(LeaseLostError):
        store.finish(trial, DONE)
    with pytest.raises(LeaseLostError):
        store.report(trial, [Report(step=1, value=1)])
    assert store.renew(trial) is LeaseStatus.LOST
    assert bench.read(trial).state is State.PENDING


def test_a_released_trial_is_safe_from_its_first_holder(bench, store):
    bench.insert()
    first = bench.claim()
    store.release(first, "draining")
    second = bench.claim()

    assert second.attempt > first.attempt
    with pytest.raises(LeaseLostError):
        store.finish(first, DONE)
    store.finish(second, replace(DONE, loss=2.0))
    with pytest.raises(LeaseLostError):
        store.finish(first, DONE)
    assert bench.read(second).loss == 2.0


def test_there_is_no_grace_once_the_trial_has_failed(bench, store):
    bench.insert(lease_s=0, max_attempts=1)
    trial = bench.claim()
    failed = bench.lose(trial)

    with pytest.raises(LeaseLostError):
        store.finish(trial, DONE)
    assert bench.read(trial) == failed


def test_a_cancelled_trial_takes_no_result(bench, store):
    bench.insert()
    trial = bench.claim()
    store.cancel(bench.exp_key, {State.RUNNING})
    cancelled = bench.read(trial)

    with pytest.raises(LeaseLostError):
        store.finish(trial, DONE)
    with pytest.raises(LeaseLostError):
        store.release(trial, "draining")
    assert bench.read(trial) == cancelled


def test_a_trial_that_does_not_exist_is_lost(bench, store):
    never = bench.trial(7, owner="token", attempt=1)

    with pytest.raises(LeaseLostError):
        store.finish(never, DONE)
    assert store.renew(never) is LeaseStatus.LOST


def test_reports_are_appended_with_the_stores_time(bench, store):
    bench.insert()
    trial = bench.claim()

    store.report(trial, [Report(step=1, value=0.5), Report(step=2, value=float("nan"))])
    store.report(trial, [Report(step=3, value=0.25)])

    reports = bench.read(trial).reports
    assert [r.step for r in reports] == [1, 2, 3]
    assert all(trial.claimed_at <= r.at <= store.now() for r in reports)
    store.finish(trial, DONE)
    assert len(bench.read(trial).reports) == 3


def test_reports_belong_to_the_attempt(bench, store):
    bench.insert(lease_s=0)
    trial = bench.claim()
    store.report(trial, [Report(step=1, value=0.5)])
    assert len(bench.lose(trial).reports) == 1

    assert bench.claim().reports == ()
