"""Guarantee 6: trials whose lease expired or that were released."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hpsearch.core.trial import FailureKind, Report, State
from hpsearch.errors import LeaseLostError
from hpsearch.store.protocol import LeaseStatus, TrialStore
from hpsearch.testing.contract.driver import DONE, WORKER, StoreDriver, StoreTests


class ExpiryContract(StoreTests):
    """Guarantee 6: an expired or released trial is pending again, or fails as lost."""

    def test_a_valid_lease_does_not_expire(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert(lease_s=600)
        trial = store_driver.claim()

        assert store.expire(store_driver.exp_key) == 0
        assert store_driver.read(trial) == trial

    def test_an_expired_trial_is_pending_again_with_a_history_entry(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=0)
        trial = store_driver.claim()

        back = store_driver.expire_lease(trial)

        assert (back.state, back.attempt, back.lease_until, back.error) == (State.PENDING, 1, None, None)
        (ended,) = back.history
        assert (ended.attempt, ended.worker, ended.why) == (1, WORKER.name, "lease expired")
        assert trial.claimed_at <= ended.ended_at <= store.now()
        assert store.expire(store_driver.exp_key) == 0

    def test_a_trial_lost_max_attempts_times_fails(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=0, max_attempts=2)
        store_driver.expire_lease(store_driver.claim())

        failed = store_driver.expire_lease(store_driver.claim())

        assert (failed.state, failed.error.kind, failed.loss) == (State.FAILED, FailureKind.LOST, None)
        assert [ended.attempt for ended in failed.history] == [1, 2]
        assert failed.finished_at is not None
        assert store.claim(WORKER, "other", [store_driver.exp_key]) is None

    def test_a_release_does_not_count_towards_max_attempts(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=0, max_attempts=2)
        for _ in range(5):
            store.release(store_driver.claim(), "draining")

        assert store_driver.expire_lease(store_driver.claim()).state is State.PENDING
        assert store_driver.expire_lease(store_driver.claim()).state is State.FAILED

    def test_a_release_records_its_reason(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert()
        trial = store_driver.claim()

        store.release(trial, "$draining")

        back = store_driver.read(trial)
        assert (back.state, back.lease_until, back.owner) == (State.PENDING, None, None)
        assert [(e.attempt, e.worker, e.why) for e in back.history] == [(1, WORKER.name, "$draining")]

    def test_repeating_a_release_changes_nothing(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert()
        first = store_driver.claim()
        store.release(first, "draining")
        second = store_driver.claim()

        store.release(first, "draining")

        assert store_driver.read(second) == second

    def test_expiry_is_limited_to_the_experiment(self, store_driver: StoreDriver, store: TrialStore) -> None:
        other = replace(store_driver, exp_key=store_driver.exp_key + "/b")
        other.insert(lease_s=0)
        store_driver.wait_past(other.claim().lease_until)

        assert store.expire(store_driver.exp_key) == 0

    def test_two_claims_with_one_token_differ_by_attempt(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """A claim whose answer was lost is repeated after its lease expired, and claims the trial again."""
        store_driver.insert(1, lease_s=60)
        first = store_driver.claim("token")
        store_driver.shift_clock(61)
        store.expire(store_driver.exp_key)
        second = store_driver.claim("token")
        assert (second.owner, second.attempt) == (first.owner, first.attempt + 1)

        assert store.renew(first) is LeaseStatus.LOST
        for refused in (
            lambda: store.finish(first, DONE),
            lambda: store.report(first, [Report(step=1, value=1)]),
            lambda: store.release(first, "draining"),
        ):
            with pytest.raises(LeaseLostError):
                refused()
        assert store_driver.read(first) == second

    def test_a_repeated_release_does_not_affect_a_later_claim_with_its_token(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        first = store_driver.claim("token")
        store.release(first, "draining")
        second = store_driver.claim("token")
        store.release(first, "draining")
        assert store_driver.read(first) == replace(second, history=store_driver.read(first).history)
        assert store.renew(second) is LeaseStatus.HELD

    def test_a_token_that_claimed_another_trial_has_lost_the_first(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(1, lease_s=60)
        first = store_driver.claim("token")
        store_driver.shift_clock(61)
        store.expire(store_driver.exp_key)
        store.insert([store_driver.trial(1, priority=1)])
        assert store_driver.claim("token").tid == 1

        assert store.renew(first) is LeaseStatus.LOST
        assert store_driver.read(first).state is State.PENDING

    def test_concurrent_expiries_count_each_lost_attempt_once(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(20, lease_s=0)
        last = [store_driver.claim() for _ in range(20)][-1]
        store_driver.wait_past(last.lease_until)

        with ThreadPoolExecutor(4) as pool:
            n_expired = list(pool.map(lambda _: store.expire(store_driver.exp_key), range(4)))

        assert sum(n_expired) == 20
        assert all(len(trial.history) == 1 for trial in store.trials(store_driver.exp_key))

    @pytest.mark.parametrize("back_s", [61, 3600, 10**8])
    def test_after_a_clock_step_back_a_lease_lasts_its_length_from_shorten_leases(
        self, store_driver: StoreDriver, store: TrialStore, back_s: float
    ) -> None:
        store_driver.insert(2, lease_s=60)
        dead, alive = store_driver.claim(), store_driver.claim()
        store_driver.shift_clock(-back_s)
        store.renew(alive)

        assert store.shorten_leases(store_driver.exp_key) == 1
        assert store.shorten_leases(store_driver.exp_key) == 0

        assert (store_driver.read(dead).lease_until - store.now()).total_seconds() <= 60
        store_driver.shift_clock(59)
        assert store.expire(store_driver.exp_key) == 0
        store.renew(alive)
        store_driver.shift_clock(2)
        assert store.expire(store_driver.exp_key) == 1
        assert (store_driver.read(dead).state, store_driver.read(alive).state) == (
            State.PENDING,
            State.RUNNING,
        )

    def test_a_shortened_lease_still_belongs_to_its_holder(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=60)
        trial = store_driver.claim()
        store_driver.shift_clock(-3600)
        store.shorten_leases(store_driver.exp_key)

        assert (store_driver.read(trial).owner, store_driver.read(trial).attempt) == (
            trial.owner,
            trial.attempt,
        )
        assert store.renew(trial) is LeaseStatus.HELD
        store.finish(trial, DONE)
        assert store_driver.read(trial).state is State.DONE

    def test_no_lease_is_shortened_while_the_clock_runs_normally(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(3, lease_s=60)
        trials = [store_driver.claim() for _ in range(3)]
        store_driver.shift_clock(30)
        before = [store_driver.read(trial) for trial in trials]

        assert store.shorten_leases(store_driver.exp_key) == 0
        assert [store_driver.read(trial) for trial in trials] == before

    def test_shortening_leases_is_limited_to_the_experiment(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        other = replace(store_driver, exp_key=store_driver.exp_key + "/b")
        other.insert(lease_s=60)
        other.claim()
        other.shift_clock(-3600)

        assert store.shorten_leases(store_driver.exp_key) == 0
