"""Guarantee 14: deleting an experiment leaves nothing behind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from hpsearch.errors import ExperimentActiveError, NotFoundError, StoreError
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import DONE, StoreDriver, StoreTests


class DeletionContract(StoreTests):
    """Guarantee 14: deletion is complete, repeatable, and refused for active experiments if asked to."""

    def test_deleting_an_experiment_deletes_its_trials_and_attachments(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        other = replace(store_driver, exp_key=store_driver.exp_key + "/b")
        for each in (store_driver, other):
            store.open_experiment(each.experiment())
            store.lead(each.exp_key, "anna", 60)
            each.insert(3)
            each.store.attach(each.exp_key, "objective", b"code")
            each.store.attach(each.exp_key, "model", b"weights", tid=1)
        held = store_driver.claim()

        assert store.delete_experiment(store_driver.exp_key) == 3

        with pytest.raises(NotFoundError):
            store.experiment(store_driver.exp_key)
        assert list(store.trials(store_driver.exp_key)) == []
        assert store.attachments(store_driver.exp_key) == []
        assert len(list(store.trials(other.exp_key))) == 3
        assert store.attachment(other.exp_key, "model", tid=1) == b"weights"
        with pytest.raises(StoreError, match=held.id):
            store.finish(held, DONE)
        with pytest.raises(NotFoundError, match=store_driver.exp_key):
            store.delete_experiment(store_driver.exp_key)

    def test_the_name_of_a_deleted_experiment_can_be_reused(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        store.lead(store_driver.exp_key, "anna", 60)
        store_driver.insert()
        store.attach(store_driver.exp_key, "a", b"x", tid=0)
        store.delete_experiment(store_driver.exp_key)

        opened = store.open_experiment(store_driver.experiment(space_fingerprint="beef"))
        store_driver.insert()

        assert (opened.space_fingerprint, opened.led_until) == ("beef", None)
        assert store_driver.read_attachments() == {}

    def test_repeating_an_interrupted_deletion_completes_it(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """An interrupted deletion leaves trials or attachments without their experiment."""
        store_driver.insert(2)
        assert store.delete_experiment(store_driver.exp_key) == 2

        store.attach(store_driver.exp_key, "a", b"x")
        assert store.delete_experiment(store_driver.exp_key) == 0
        assert store.attachments(store_driver.exp_key) == []

    @pytest.mark.parametrize("activity", ["leader", "trial"])
    def test_an_active_experiment_is_deleted_only_unconditionally(
        self, store_driver: StoreDriver, store: TrialStore, activity: str
    ) -> None:
        store.open_experiment(store_driver.experiment())
        store_driver.insert(2)
        if activity == "leader":
            store.lead(store_driver.exp_key, "anna", 60)
        else:
            store_driver.claim()
        with pytest.raises(ExperimentActiveError, match=store_driver.exp_key):
            store.delete_experiment(store_driver.exp_key, unless_active=True)
        assert len(list(store.trials(store_driver.exp_key))) == 2
        assert store.delete_experiment(store_driver.exp_key) == 2

    @pytest.mark.parametrize("activity", ["leader", "trial"])
    def test_a_clock_set_back_does_not_keep_an_experiment_active_beyond_its_leases(
        self, store_driver: StoreDriver, store: TrialStore, activity: str
    ) -> None:
        store.open_experiment(store_driver.experiment())
        store_driver.insert(1, lease_s=60)
        if activity == "leader":
            store.lead(store_driver.exp_key, "anna", 60)
        else:
            store_driver.claim()
        store_driver.shift_clock(-3600)
        with pytest.raises(ExperimentActiveError, match=store_driver.exp_key):
            store.delete_experiment(store_driver.exp_key, unless_active=True)
        store_driver.shift_clock(61)
        assert store.delete_experiment(store_driver.exp_key, unless_active=True) == 1

    def test_either_a_conditional_deletion_or_a_concurrent_lead_succeeds(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        def bid(owner: str) -> bool:
            try:
                return store.lead(store_driver.exp_key, owner, 60).is_mine
            except NotFoundError:
                return False

        def delete() -> bool:
            try:
                store.delete_experiment(store_driver.exp_key, unless_active=True)
            except ExperimentActiveError:
                return False
            return True

        for i in range(10):
            with suppress(NotFoundError):
                store.delete_experiment(store_driver.exp_key)
            store.open_experiment(store_driver.experiment())
            with ThreadPoolExecutor(2) as pool:
                is_led, is_deleted = pool.submit(bid, f"c{i}"), pool.submit(delete)
            assert is_led.result() != is_deleted.result()
