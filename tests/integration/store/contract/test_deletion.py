"""Promise 14: nothing is left of an experiment that was deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import pytest

from hpsearch.errors import ExperimentActiveError, NotFoundError, StoreError
from tests.integration.store.contract.results import DONE


def test_a_deleted_experiment_leaves_nothing_behind(bench, store):
    other = replace(bench, exp_key=bench.exp_key + "/b")
    for each in (bench, other):
        store.open_experiment(each.experiment())
        store.lead(each.exp_key, "anna", 60)
        each.insert(3)
        each.store.attach(each.exp_key, "objective", b"code")
        each.store.attach(each.exp_key, "model", b"weights", tid=1)
    held = bench.claim()

    assert store.delete_experiment(bench.exp_key) == 3

    with pytest.raises(NotFoundError):
        store.experiment(bench.exp_key)
    assert list(store.trials(bench.exp_key)) == store.attachments(bench.exp_key) == []
    assert len(list(store.trials(other.exp_key))) == 3
    assert store.attachment(other.exp_key, "model", tid=1) == b"weights"
    with pytest.raises(StoreError, match=held.id):
        store.finish(held, DONE)
    with pytest.raises(NotFoundError, match=bench.exp_key):
        store.delete_experiment(bench.exp_key)


def test_a_name_is_free_again_once_its_experiment_is_deleted(bench, store):
    store.open_experiment(bench.experiment())
    store.lead(bench.exp_key, "anna", 60)
    bench.insert()
    store.attach(bench.exp_key, "a", b"x", tid=0)
    store.delete_experiment(bench.exp_key)

    opened = store.open_experiment(bench.experiment(space_fingerprint="beef"))
    bench.insert()

    assert (opened.space_fingerprint, opened.led_until) == ("beef", None)
    assert bench.attached() == {}


def test_a_deletion_that_was_cut_short_is_completed(bench, store):
    """Trials or attachments without their experiment are all that a crash leaves."""
    bench.insert(2)
    assert store.delete_experiment(bench.exp_key) == 2

    store.attach(bench.exp_key, "a", b"x")
    assert store.delete_experiment(bench.exp_key) == 0
    assert store.attachments(bench.exp_key) == []


@pytest.mark.parametrize("work", ["a leader", "a trial"])
def test_a_search_at_work_is_spared_and_goes_all_the_same_by_force(bench, store, work):
    store.open_experiment(bench.experiment())
    bench.insert(2)
    if work == "a leader":
        store.lead(bench.exp_key, "anna", 60)
    else:
        bench.claim()
    with pytest.raises(ExperimentActiveError, match=bench.exp_key):
        store.delete_experiment(bench.exp_key, unless_active=True)
    assert len(list(store.trials(bench.exp_key))) == 2
    assert store.delete_experiment(bench.exp_key) == 2


@pytest.mark.parametrize("work", ["a leader", "a trial"])
def test_a_clock_that_was_set_back_spares_a_search_no_longer_than_its_leases(bench, store, work):
    store.open_experiment(bench.experiment())
    bench.insert(1, lease_s=60)
    if work == "a leader":
        store.lead(bench.exp_key, "anna", 60)
    else:
        bench.claim()
    bench.later(-3600)
    with pytest.raises(ExperimentActiveError, match=bench.exp_key):
        store.delete_experiment(bench.exp_key, unless_active=True)
    bench.later(61)
    assert store.delete_experiment(bench.exp_key, unless_active=True) == 1


def test_of_a_deletion_and_a_bid_for_the_lead_one_succeeds(bench, store):
    def bid(owner: str) -> bool:
        try:
            return store.lead(bench.exp_key, owner, 60).is_mine
        except NotFoundError:
            return False

    def delete() -> bool:
        try:
            store.delete_experiment(bench.exp_key, unless_active=True)
        except ExperimentActiveError:
            return False
        return True

    for i in range(10):
        with suppress(NotFoundError):
            store.delete_experiment(bench.exp_key)
        store.open_experiment(bench.experiment())
        with ThreadPoolExecutor(2) as pool:
            is_led, is_deleted = pool.submit(bid, f"c{i}"), pool.submit(delete)
        assert is_led.result() != is_deleted.result()
