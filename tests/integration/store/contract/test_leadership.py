"""Promise 9: who leads an experiment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor


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
