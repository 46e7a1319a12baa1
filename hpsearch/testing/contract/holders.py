"""Guarantees 4 and 5: what only the holder of a trial may do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hpsearch.core.trial import Failure, FailureKind, Report, Result, State
from hpsearch.errors import LeaseLostError, StoreError
from hpsearch.store.protocol import LeaseStatus, TrialStore
from hpsearch.testing.contract.driver import DONE, FAILED, WORKER, StoreDriver, StoreTests


class HolderContract(StoreTests):
    """Guarantees 4 and 5: only the holder of a trial renews, reports, finishes and releases it."""

    def test_a_renewal_extends_the_lease_of_its_holder(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=20)
        trial = store_driver.claim()
        store_driver.wait_past(trial.claimed_at)

        assert store.renew(trial) is LeaseStatus.HELD

        renewed = store_driver.read(trial)
        assert renewed.heartbeat_at > trial.heartbeat_at
        assert (renewed.lease_until - renewed.heartbeat_at).total_seconds() == 20

    def test_a_renewal_reports_a_cancelled_trial(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        store.cancel(store_driver.exp_key, {State.RUNNING})

        assert store.renew(trial) is LeaseStatus.CANCELLED

    def test_a_trial_claimed_by_another_worker_is_lost(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=0)
        stale = store_driver.claim()
        store_driver.expire_lease(stale)
        fresh = store_driver.claim()

        assert store.renew(stale) is LeaseStatus.LOST
        store.cancel(store_driver.exp_key, {State.RUNNING})
        assert store.renew(stale) is LeaseStatus.LOST
        assert store.renew(fresh) is LeaseStatus.CANCELLED

    def test_renewing_a_finished_trial_reports_it_lost(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        store.finish(trial, DONE)

        assert store.renew(trial) is LeaseStatus.LOST
        assert store_driver.read(trial).state is State.DONE

    def test_a_renewal_resumes_an_expired_trial_that_is_unclaimed(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """A worker that was suspended continues its evaluation instead of discarding it."""
        store_driver.insert(lease_s=0)
        trial = store_driver.claim()
        store_driver.expire_lease(trial)

        assert store.renew(trial) is LeaseStatus.HELD
        assert store_driver.read(trial).state is State.RUNNING
        assert store.claim(WORKER, "other", [store_driver.exp_key]) is None

    def test_finish_stores_the_whole_result(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        error = Failure(kind=FailureKind.UNSTORABLE, message="part", exit_code=3, log_tail="…")

        store.finish(trial, replace(DONE, error=error))

        done = store_driver.read(trial)
        assert (done.state, done.loss, done.result) == (State.DONE, 1.0, DONE.result)
        assert (done.error, done.duration_s, done.owner) == (error, 2.5, trial.owner)
        assert (done.lease_until, done.worker, done.attempt) == (None, WORKER.holder, 1)
        assert trial.claimed_at <= done.finished_at <= store.now()

    def test_a_failed_trial_has_an_error_and_no_loss(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()

        store.finish(trial, FAILED)

        failed = store_driver.read(trial)
        assert (failed.state, failed.loss, failed.error) == (State.FAILED, None, FAILED.error)

    def test_a_pruned_trial_has_a_reason_and_no_loss(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(2)
        trial = store_driver.claim()

        for _ in range(2):
            store.finish(trial, Result(loss=None, pruned="at step 8 of 81: $hopeless"))

        pruned = store_driver.read(trial)
        assert (pruned.state, pruned.loss, pruned.error) == (State.PRUNED, None, None)
        assert pruned.pruned == "at step 8 of 81: $hopeless"
        assert store.renew(trial) is LeaseStatus.LOST
        assert store.counts(store_driver.exp_key)[State.PRUNED] == 1
        assert [trial.tid for trial in store.finished(store_driver.exp_key, [0, 1])] == [0]

    @pytest.mark.parametrize("loss", [float("inf"), float("-inf"), 0.0, 5])
    def test_every_loss_except_nan_is_stored(
        self, store_driver: StoreDriver, store: TrialStore, loss: float
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()

        store.finish(trial, Result(loss=loss))

        assert store_driver.read(trial).loss == loss

    def test_a_nan_loss_is_refused_and_the_trial_keeps_running(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()

        with pytest.raises(StoreError, match="NaN"):
            store.finish(trial, Result(loss=float("nan")))

        assert store_driver.read(trial) == trial

    def test_an_unstorable_result_is_named_and_nothing_is_written(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()

        with pytest.raises(StoreError, match="model"):
            store.finish(trial, Result(loss=1.0, result={"fine": 1, "model": [0, object()]}))

        assert store_driver.read(trial) == trial
        store.finish(trial, DONE)

    def test_repeating_a_finish_succeeds_and_changes_nothing(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        store.finish(trial, DONE)
        first = store_driver.read(trial)

        store.finish(trial, replace(DONE, loss=-9.0))
        store.finish(trial, FAILED)

        assert store_driver.read(trial) == first

    def test_a_stale_holder_changes_nothing(self, store_driver: StoreDriver, store: TrialStore) -> None:
        """A worker whose lease expired must not overwrite the work of the new holder."""
        store_driver.insert(lease_s=0)
        stale = store_driver.claim()
        store_driver.expire_lease(stale)
        fresh = store_driver.claim()
        before = store_driver.read(fresh)

        for attempt in (
            lambda: store.finish(stale, DONE),
            lambda: store.report(stale, [Report(step=1, value=1)]),
            lambda: store.release(stale, "draining"),
        ):
            with pytest.raises(LeaseLostError, match=stale.id):
                attempt()

        assert store_driver.read(fresh) == before
        store.finish(fresh, replace(DONE, loss=3.0))
        with pytest.raises(LeaseLostError):
            store.finish(stale, DONE)
        assert store_driver.read(fresh).loss == 3.0

    def test_finish_needs_the_right_token_and_attempt(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim("token")

        with pytest.raises(LeaseLostError):
            store.finish(replace(trial, owner="other"), DONE)
        with pytest.raises(LeaseLostError):
            store.finish(replace(trial, attempt=2), DONE)

    def test_finish_is_accepted_while_the_expired_trial_is_unclaimed(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=0)
        trial = store_driver.claim()
        assert store_driver.expire_lease(trial).state is State.PENDING

        store.finish(trial, DONE)

        done = store_driver.read(trial)
        assert (done.state, done.loss, len(done.history)) == (State.DONE, 1.0, 1)
        assert store.claim(WORKER, "other", [store_driver.exp_key]) is None

    def test_a_released_trial_accepts_no_late_finish(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        store.release(trial, "draining")

        with pytest.raises(LeaseLostError):
            store.finish(trial, DONE)
        with pytest.raises(LeaseLostError):
            store.report(trial, [Report(step=1, value=1)])
        assert store.renew(trial) is LeaseStatus.LOST
        assert store_driver.read(trial).state is State.PENDING

    def test_a_released_trial_is_protected_from_its_first_holder(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        first = store_driver.claim()
        store.release(first, "draining")
        second = store_driver.claim()

        assert second.attempt > first.attempt
        with pytest.raises(LeaseLostError):
            store.finish(first, DONE)
        store.finish(second, replace(DONE, loss=2.0))
        with pytest.raises(LeaseLostError):
            store.finish(first, DONE)
        assert store_driver.read(second).loss == 2.0

    def test_a_trial_that_failed_as_lost_accepts_no_late_finish(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=0, max_attempts=1)
        trial = store_driver.claim()
        failed = store_driver.expire_lease(trial)

        with pytest.raises(LeaseLostError):
            store.finish(trial, DONE)
        assert store_driver.read(trial) == failed

    def test_a_cancelled_trial_accepts_no_result(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        store.cancel(store_driver.exp_key, {State.RUNNING})
        cancelled = store_driver.read(trial)

        with pytest.raises(LeaseLostError):
            store.finish(trial, DONE)
        with pytest.raises(LeaseLostError):
            store.release(trial, "draining")
        assert store_driver.read(trial) == cancelled

    def test_a_missing_trial_is_lost(self, store_driver: StoreDriver, store: TrialStore) -> None:
        never = store_driver.trial(7, owner="token", attempt=1)

        with pytest.raises(LeaseLostError):
            store.finish(never, DONE)
        assert store.renew(never) is LeaseStatus.LOST

    def test_reports_are_appended_with_the_store_time(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()

        store.report(trial, [Report(step=1, value=0.5), Report(step=2, value=float("nan"))])
        store.report(trial, [Report(step=3, value=0.25)])

        reports = store_driver.read(trial).reports
        assert [r.step for r in reports] == [1, 2, 3]
        assert all(trial.claimed_at <= r.at <= store.now() for r in reports)
        store.finish(trial, DONE)
        assert len(store_driver.read(trial).reports) == 3

    def test_a_new_attempt_starts_without_reports(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert(lease_s=0)
        trial = store_driver.claim()
        store.report(trial, [Report(step=1, value=0.5)])
        assert len(store_driver.expire_lease(trial).reports) == 1

        assert store_driver.claim().reports == ()
