"""Guarantees 2 and 3: which trial a claim takes."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import DONE, WORKER, StoreDriver, StoreTests


class ClaimContract(StoreTests):
    """Guarantees 2 and 3: each trial has one holder, and trials are claimed in order."""

    def test_a_claim_sets_owner_worker_and_lease(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert(lease_s=30)

        trial = store_driver.claim("token")

        assert (trial.state, trial.attempt, trial.owner, trial.worker) == (
            State.RUNNING,
            1,
            f"{store_driver.exp_key}:token",
            WORKER.holder,
        )
        assert trial.claimed_at == trial.heartbeat_at <= store.now()
        assert (trial.lease_until - trial.claimed_at).total_seconds() == 30
        assert trial == store_driver.read(trial)

    def test_concurrent_claims_never_take_the_same_trial(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(40)

        def claim_all(_: int) -> list[int]:
            claimed = []
            while trial := store.claim(WORKER, store_driver.token(), [store_driver.exp_key]):
                claimed.append(trial.tid)
            return claimed

        with ThreadPoolExecutor(8) as pool:
            claimed = [tid for tids in pool.map(claim_all, range(8)) for tid in tids]

        assert sorted(claimed) == list(range(40))

    def test_repeating_a_claim_returns_the_same_trial_while_others_are_pending(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(3)
        first = store_driver.claim("token")

        assert store_driver.claim("token") == first
        assert store.counts(store_driver.exp_key)[State.RUNNING] == 1

    def test_repeating_a_claim_returns_the_same_trial_when_the_queue_is_empty(
        self, store_driver: StoreDriver
    ) -> None:
        store_driver.insert(1)
        first = store_driver.claim("token")

        assert store_driver.claim("token") == first

    def test_a_claim_returns_none_when_no_trial_is_pending(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(1)
        store_driver.claim()

        assert store.claim(WORKER, "other", [store_driver.exp_key]) is None
        assert store.claim(WORKER, "other", ["missing"]) is None
        assert store.claim(WORKER, "other", []) is None

    def test_claims_go_by_priority_then_by_number(self, store_driver: StoreDriver, store: TrialStore) -> None:
        priorities = [0, 5, 0, 5, -1]
        store.insert([store_driver.trial(tid, priority=p) for tid, p in enumerate(priorities)])

        assert [store_driver.claim().tid for _ in priorities] == [1, 3, 0, 2, 4]

    def test_a_released_trial_keeps_its_place_in_the_queue(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(3)
        first = store_driver.claim()
        store_driver.claim()
        store.release(first, "draining")

        assert store_driver.claim().tid == 0

    @pytest.mark.parametrize("seed", range(8))
    def test_a_claim_takes_from_the_first_listed_experiment_with_a_pending_trial(
        self, store_driver: StoreDriver, store: TrialStore, seed: int
    ) -> None:
        rng = random.Random(seed)
        drivers = _others_beside(store_driver, 4)
        n_pending = {driver.exp_key: rng.randint(0, 2) for driver in drivers}
        for driver in drivers:
            driver.insert(n_pending[driver.exp_key])
        keys = [*n_pending, "missing"]
        for _ in range(sum(n_pending.values())):
            order = rng.sample(keys, len(keys))
            claimed = store.claim(WORKER, store_driver.token(), order)
            assert claimed.exp_key == next(key for key in order if n_pending.get(key))
            n_pending[claimed.exp_key] -= 1
        assert store.claim(WORKER, store_driver.token(), keys) is None

    def test_trial_priority_has_no_effect_across_experiments(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        (other,) = _others_beside(store_driver, 1)
        store_driver.insert(1)
        store.insert([other.trial(0, priority=1)])

        assert (
            store.claim(WORKER, store_driver.token(), [store_driver.exp_key, other.exp_key]).exp_key
            == store_driver.exp_key
        )

    def test_repeating_a_claim_finds_its_trial_in_any_order_of_experiments(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        others = _others_beside(store_driver, 3)
        for one in (store_driver, *others[1:]):
            one.insert(1)
        keys, token = (
            [others[0].exp_key, store_driver.exp_key, others[1].exp_key, others[2].exp_key],
            store_driver.token(),
        )
        first = store.claim(WORKER, token, keys)
        assert first.exp_key == store_driver.exp_key

        for order in (keys, keys[::-1], [others[0].exp_key], [others[0].exp_key, "missing"]):
            assert store.claim(WORKER, token, order) == first
        assert [len(list(store.trials(o.exp_key, states={State.PENDING}))) for o in others[1:]] == [1, 1]

    def test_concurrent_claims_on_several_experiments_take_each_trial_once(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """Each worker lists the experiments in another order."""
        drivers = _others_beside(store_driver, 5)
        for one in drivers:
            one.insert(8)
        keys = [one.exp_key for one in drivers]

        def claim_all(seed: int) -> list[str]:
            claimed, rng = [], random.Random(seed)
            while trial := store.claim(WORKER, store_driver.token(), rng.sample(keys, len(keys))):
                claimed.append(trial.id)
            return claimed

        with ThreadPoolExecutor(8) as pool:
            claimed = [name for names in pool.map(claim_all, range(8)) for name in names]

        assert len(claimed) == len(set(claimed)) == 40

    def test_unclaim_restores_the_trial_except_its_attempt_number(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(2)
        before = store_driver.read(store_driver.trial(0))
        trial = store_driver.claim("token")

        store.unclaim(trial)

        back = store_driver.read(trial)
        assert back == replace(before, attempt=1)
        again = store_driver.claim("another")
        assert (again.tid, again.attempt, again.history) == (0, 2, ())

    def test_repeating_unclaim_changes_nothing(self, store_driver: StoreDriver, store: TrialStore) -> None:
        """It is repeated after its answer was lost, when another worker may hold or have finished it."""
        store_driver.insert(1)
        first = store_driver.claim("token")
        store.unclaim(first)
        store.unclaim(first)
        second = store_driver.claim("another")
        store.unclaim(first)
        assert store_driver.read(second) == second
        store.finish(second, DONE)
        for trial in (first, second):
            store.unclaim(trial)
        assert store_driver.read(second).state is State.DONE

    def test_is_running_after_a_claim_proves_that_the_claim_preceded_a_pause(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """Workers claim while a user pauses: a claim after the pause never sees the experiment running."""
        store_driver.insert(200)
        store.open_experiment(store_driver.experiment())
        paused = threading.Event()

        def claim_all(_: int) -> list[bool]:
            late: list[bool] = []
            while True:
                was_paused = paused.is_set()
                trial = store.claim(WORKER, store_driver.token(), [store_driver.exp_key])
                if trial is None or not store.is_running(store_driver.experiment()):
                    return late
                late.append(was_paused)

        with ThreadPoolExecutor(5) as pool:
            workers = [pool.submit(claim_all, i) for i in range(4)]
            store.set_experiment_state(store_driver.exp_key, ExperimentState.PAUSED)
            paused.set()
        assert not any(was_paused for worker in workers for was_paused in worker.result())


def _others_beside(store_driver: StoreDriver, n: int) -> list[StoreDriver]:
    """Return drivers of ``n`` more experiments; their names sort before and after the first one's."""
    return [store_driver.beside(f"{'az'[i % 2]}{i}-{store_driver.exp_key}") for i in range(n)]
