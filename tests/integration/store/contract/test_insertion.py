"""Promise 1: inserting trials may be repeated."""

from __future__ import annotations

import pytest

from hpsearch.errors import StoreError, TrialExistsError
from hpsearch.trial import State
from tests.integration.store.contract.results import DONE

ODD_LABELS = {"a.b": 1, "$lr": 2, "$ref": 3, "": 4, "\N{FULLWIDTH DOLLAR SIGN}$ref": 5, "ü x\n": 6.5}


def test_inserted_trials_are_pending_under_the_stores_time(bench, store):
    before = store.now()

    bench.insert(2, params={"x": "a"}, origin="tpe", max_attempts=5, lease_s=7.5)

    trial = store.trial(bench.exp_key, 1)
    assert (trial.state, trial.attempt, trial.owner) == (State.PENDING, 0, None)
    assert (trial.values, trial.params, trial.origin) == ({"x": 0.5}, {"x": "a"}, "tpe")
    assert (trial.max_attempts, trial.lease_s) == (5, 7.5)
    assert before <= trial.created_at <= store.now()


def test_repeating_a_batch_changes_nothing(bench, store):
    trials = bench.insert(3)
    done = bench.claim()
    store.finish(done, DONE)
    bench.claim()
    before = list(store.trials(bench.exp_key))

    store.insert(trials)

    assert list(store.trials(bench.exp_key)) == before


def test_a_batch_that_was_written_in_part_is_completed(bench, store):
    trials = bench.insert(2)

    store.insert([*trials, bench.trial(2), bench.trial(3)])

    assert [t.tid for t in store.trials(bench.exp_key)] == [0, 1, 2, 3]


def test_a_batch_with_holes_in_what_is_there_is_completed(bench, store):
    trials = [bench.trial(tid) for tid in range(6)]
    store.insert([trials[1], trials[4]])

    store.insert(trials)

    assert [t.tid for t in store.trials(bench.exp_key)] == list(range(6))


def test_another_point_under_the_same_number_is_refused_and_nothing_is_written_from_there_on(bench, store):
    bench.insert(2)
    other = bench.trial(1, values={"x": 99.0})

    with pytest.raises(TrialExistsError, match=other.id):
        store.insert([bench.trial(0), other, bench.trial(2)])

    assert [t.values for t in store.trials(bench.exp_key)] == [{"x": 0.0}, {"x": 0.5}]


def test_labels_may_be_any_text_but_nul(bench, store):
    bench.insert(values=ODD_LABELS, params={label: [label] for label in ODD_LABELS})

    trial = bench.claim()
    assert trial.values == ODD_LABELS
    assert trial.params == {label: [label] for label in ODD_LABELS}
    with pytest.raises(StoreError, match="NUL"):
        store.insert([bench.trial(1, values={"a\0b": 1})])
