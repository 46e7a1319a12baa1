"""Guarantee 9: who leads an experiment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from hpsearch.core.experiment import Elapsed, ExperimentState
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import StoreDriver, StoreTests


class LeadershipContract(StoreTests):
    """Guarantee 9: at most one coordinator leads, under an epoch that grows."""

    def test_one_coordinator_leads_until_its_lease_expires(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        first = store.lead(store_driver.exp_key, "anna", 60)
        standby = store.lead(store_driver.exp_key, "bert", 60)

        assert (first.is_mine, first.epoch) == (True, 1)
        assert (standby.is_mine, standby.owner, standby.epoch) == (False, "anna", 1)
        assert store.experiment(store_driver.exp_key).led_until == first.lease_until
        store_driver.shift_clock(61)
        taken = store.lead(store_driver.exp_key, "bert", 60)
        assert (taken.is_mine, taken.epoch) == (True, 2)
        assert not store.lead(store_driver.exp_key, "anna", 60).is_mine

    def test_renewing_the_lead_keeps_the_epoch(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store.open_experiment(store_driver.experiment())
        first = store.lead(store_driver.exp_key, "anna", 1)
        store_driver.wait_past(first.lease_until)

        again = store.lead(store_driver.exp_key, "anna", 60)

        assert (again.is_mine, again.epoch) == (True, first.epoch)
        assert again.lease_until > first.lease_until

    def test_after_a_resignation_another_leads_at_once_in_a_new_epoch(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        store.lead(store_driver.exp_key, "anna", 60)

        store.resign(store_driver.exp_key, "bert")
        assert not store.lead(store_driver.exp_key, "bert", 60).is_mine
        store.resign(store_driver.exp_key, "anna")
        assert store.experiment(store_driver.exp_key).led_until is None
        assert store.lead(store_driver.exp_key, "bert", 60).epoch == 2

    def test_concurrent_bids_have_one_winner(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store.open_experiment(store_driver.experiment())
        with ThreadPoolExecutor(6) as pool:
            bids = list(pool.map(lambda k: store.lead(store_driver.exp_key, f"c{k}", 60), range(6)))

        assert sum(bid.is_mine for bid in bids) == 1
        assert {bid.epoch for bid in bids} == {1}

    @pytest.mark.parametrize("back_s", [61, 3600, 10**8])
    def test_after_a_clock_step_back_a_lead_lasts_its_length_from_the_next_bid(
        self, store_driver: StoreDriver, store: TrialStore, back_s: float
    ) -> None:
        store.open_experiment(store_driver.experiment())
        store.lead(store_driver.exp_key, "anna", 60)
        store_driver.shift_clock(-back_s)

        standby = store.lead(store_driver.exp_key, "bert", 10)

        assert (standby.is_mine, standby.owner, standby.epoch) == (False, "anna", 1)
        assert (standby.lease_until - store.now()).total_seconds() <= 60
        store_driver.shift_clock(59)
        assert not store.lead(store_driver.exp_key, "bert", 10).is_mine
        store_driver.shift_clock(2)
        assert store.lead(store_driver.exp_key, "bert", 10).epoch == 2

    def test_a_live_leader_keeps_the_lead_after_a_clock_step_back(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        store.lead(store_driver.exp_key, "anna", 60)
        store_driver.shift_clock(-3600)
        store.lead(store_driver.exp_key, "bert", 60)
        store_driver.shift_clock(30)

        assert store.lead(store_driver.exp_key, "anna", 60).epoch == 1
        store_driver.shift_clock(59)
        assert not store.lead(store_driver.exp_key, "bert", 60).is_mine

    def test_a_lead_from_before_a_clock_step_back_is_not_reported(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.open_experiment(store_driver.experiment())
        store.lead(store_driver.exp_key, "anna", 60)
        assert store.experiment(store_driver.exp_key).is_led(store.now())
        store_driver.shift_clock(-3600)
        assert not store.experiment(store_driver.exp_key).is_led(store.now())
        store.lead(store_driver.exp_key, "anna", 60)
        assert store.experiment(store_driver.exp_key).is_led(store.now())

    def test_elapsed_time_passes_from_leader_to_leader(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        run = store.open_experiment(store_driver.experiment()).started_at

        def led(seconds: float) -> Elapsed:
            return Elapsed(seconds=seconds, since=run)

        assert store.lead(store_driver.exp_key, "anna", 60).elapsed == led(0.0)
        assert store.lead(store_driver.exp_key, "anna", 60, led(12.5)).elapsed == led(12.5)
        store_driver.shift_clock(61)
        assert store.lead(store_driver.exp_key, "bert", 60).elapsed == led(12.5)
        assert store.lead(store_driver.exp_key, "bert", 60, led(20.0)).elapsed == led(20.0)
        store.resign(store_driver.exp_key, "bert", led(21.5))
        assert store.experiment(store_driver.exp_key).elapsed == led(21.5)

    def test_only_the_leader_of_the_run_increases_the_elapsed_time(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        run = store.open_experiment(store_driver.experiment()).started_at
        store.lead(store_driver.exp_key, "anna", 60)
        store.lead(store_driver.exp_key, "anna", 60, Elapsed(seconds=5.0, since=run))

        store.lead(store_driver.exp_key, "bert", 60, Elapsed(seconds=99.0, since=run))
        store.resign(store_driver.exp_key, "bert", Elapsed(seconds=99.0, since=run))
        store.lead(store_driver.exp_key, "anna", 60, Elapsed(seconds=99.0, since=run - timedelta(seconds=1)))
        store.lead(store_driver.exp_key, "anna", 60, Elapsed(seconds=99.0, since=None))
        store.lead(store_driver.exp_key, "anna", 60, Elapsed(seconds=4.0, since=run))
        store.lead(store_driver.exp_key, "anna", 60)

        assert store.experiment(store_driver.exp_key).elapsed == Elapsed(seconds=5.0, since=run)

    def test_a_new_run_starts_with_no_elapsed_time(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        first = store.open_experiment(store_driver.experiment()).started_at
        store.lead(store_driver.exp_key, "anna", 60, None)
        store.lead(store_driver.exp_key, "anna", 60, Elapsed(seconds=5.0, since=first))
        store.set_experiment_state(store_driver.exp_key, ExperimentState.DONE)
        store_driver.wait_past(first)
        second = store.open_experiment(store_driver.experiment()).started_at

        lead = store.lead(store_driver.exp_key, "anna", 60, Elapsed(seconds=7.0, since=first))

        assert lead.elapsed == Elapsed(seconds=0.0, since=second)
