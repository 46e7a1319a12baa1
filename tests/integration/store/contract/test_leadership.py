"""Promise 9: who leads an experiment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from hpsearch.core.experiment import Elapsed, ExperimentState


def test_one_coordinator_leads_until_its_lease_is_over(bench, store):
    store.open_experiment(bench.experiment())
    first = store.lead(bench.exp_key, "anna", 60)
    standby = store.lead(bench.exp_key, "bert", 60)

    assert (first.is_mine, first.epoch) == (True, 1)
    assert (standby.is_mine, standby.owner, standby.epoch) == (False, "anna", 1)
    assert store.experiment(bench.exp_key).led_until == first.lease_until
    bench.later(61)
    taken = store.lead(bench.exp_key, "bert", 60)
    assert (taken.is_mine, taken.epoch) == (True, 2)
    assert not store.lead(bench.exp_key, "anna", 60).is_mine


def test_renewing_the_leadership_keeps_its_epoch(bench, store):
    store.open_experiment(bench.experiment())
    first = store.lead(bench.exp_key, "anna", 1)
    bench.outlast(first.lease_until)

    again = store.lead(bench.exp_key, "anna", 60)

    assert (again.is_mine, again.epoch) == (True, first.epoch)
    assert again.lease_until > first.lease_until


def test_who_resigns_is_followed_at_once_in_a_new_epoch(bench, store):
    store.open_experiment(bench.experiment())
    store.lead(bench.exp_key, "anna", 60)

    store.resign(bench.exp_key, "bert")
    assert not store.lead(bench.exp_key, "bert", 60).is_mine
    store.resign(bench.exp_key, "anna")
    assert store.experiment(bench.exp_key).led_until is None
    assert store.lead(bench.exp_key, "bert", 60).epoch == 2


def test_racing_bids_have_one_winner(bench, store):
    store.open_experiment(bench.experiment())
    with ThreadPoolExecutor(6) as pool:
        bids = list(pool.map(lambda k: store.lead(bench.exp_key, f"c{k}", 60), range(6)))

    assert sum(bid.is_mine for bid in bids) == 1
    assert {bid.epoch for bid in bids} == {1}


@pytest.mark.parametrize("back_s", [61, 3600, 10**8])
def test_when_the_clock_is_set_back_a_lead_counts_from_the_next_bid(bench, store, back_s):
    store.open_experiment(bench.experiment())
    store.lead(bench.exp_key, "anna", 60)
    bench.later(-back_s)

    standby = store.lead(bench.exp_key, "bert", 10)

    assert (standby.is_mine, standby.owner, standby.epoch) == (False, "anna", 1)
    assert (standby.lease_until - store.now()).total_seconds() <= 60
    bench.later(59)
    assert not store.lead(bench.exp_key, "bert", 10).is_mine
    bench.later(2)
    assert store.lead(bench.exp_key, "bert", 10).epoch == 2


def test_a_leader_that_lives_keeps_the_lead_when_the_clock_is_set_back(bench, store):
    store.open_experiment(bench.experiment())
    store.lead(bench.exp_key, "anna", 60)
    bench.later(-3600)
    store.lead(bench.exp_key, "bert", 60)
    bench.later(30)

    assert store.lead(bench.exp_key, "anna", 60).epoch == 1
    bench.later(59)
    assert not store.lead(bench.exp_key, "bert", 60).is_mine


def test_a_leader_from_before_the_clock_was_set_back_is_not_shown(bench, store):
    store.open_experiment(bench.experiment())
    store.lead(bench.exp_key, "anna", 60)
    assert store.experiment(bench.exp_key).is_led(store.now())
    bench.later(-3600)
    assert not store.experiment(bench.exp_key).is_led(store.now())
    store.lead(bench.exp_key, "anna", 60)
    assert store.experiment(bench.exp_key).is_led(store.now())


def test_the_time_for_which_a_search_was_led_passes_from_leader_to_leader(bench, store):
    run = store.open_experiment(bench.experiment()).started_at

    def led(seconds: float) -> Elapsed:
        return Elapsed(seconds=seconds, since=run)

    assert store.lead(bench.exp_key, "anna", 60).elapsed == led(0.0)
    assert store.lead(bench.exp_key, "anna", 60, led(12.5)).elapsed == led(12.5)
    bench.later(61)
    assert store.lead(bench.exp_key, "bert", 60).elapsed == led(12.5)
    assert store.lead(bench.exp_key, "bert", 60, led(20.0)).elapsed == led(20.0)
    store.resign(bench.exp_key, "bert", led(21.5))
    assert store.experiment(bench.exp_key).elapsed == led(21.5)


def test_only_the_leader_of_the_run_says_for_how_long_it_was_led_and_never_less(bench, store):
    run = store.open_experiment(bench.experiment()).started_at
    store.lead(bench.exp_key, "anna", 60)
    store.lead(bench.exp_key, "anna", 60, Elapsed(seconds=5.0, since=run))

    store.lead(bench.exp_key, "bert", 60, Elapsed(seconds=99.0, since=run))
    store.resign(bench.exp_key, "bert", Elapsed(seconds=99.0, since=run))
    store.lead(bench.exp_key, "anna", 60, Elapsed(seconds=99.0, since=run - timedelta(seconds=1)))
    store.lead(bench.exp_key, "anna", 60, Elapsed(seconds=99.0, since=None))
    store.lead(bench.exp_key, "anna", 60, Elapsed(seconds=4.0, since=run))
    store.lead(bench.exp_key, "anna", 60)

    assert store.experiment(bench.exp_key).elapsed == Elapsed(seconds=5.0, since=run)


def test_a_new_run_begins_with_no_time_even_under_the_same_leader(bench, store):
    first = store.open_experiment(bench.experiment()).started_at
    store.lead(bench.exp_key, "anna", 60, None)
    store.lead(bench.exp_key, "anna", 60, Elapsed(seconds=5.0, since=first))
    store.set_experiment_state(bench.exp_key, ExperimentState.DONE)
    bench.outlast(first)
    second = store.open_experiment(bench.experiment()).started_at

    told = store.lead(bench.exp_key, "anna", 60, Elapsed(seconds=7.0, since=first))

    assert told.elapsed == Elapsed(seconds=0.0, since=second)
