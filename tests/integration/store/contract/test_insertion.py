"""Promise 1: inserting trials may be repeated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.trial import Failure, FailureKind, State
from hpsearch.errors import StoreError, TrialExistsError
from tests.integration.store.conftest import START, WORKER, Bench
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


def imported(bench: Bench) -> list[Any]:
    error = Failure(kind=FailureKind.EXCEPTION, message="boom")
    final = {"attempt": 2, "created_at": START, "finished_at": START, "worker": WORKER.holder}
    return [
        bench.trial(0, state=State.DONE, loss=0.5, result={"loss": 0.5}, duration_s=2.0, **final),
        bench.trial(1, state=State.FAILED, error=error, **final),
        bench.trial(2, state=State.CANCELLED),
        bench.trial(3),
    ]


def test_final_trials_come_in_with_their_outcome_and_their_times(bench, store):
    trials = imported(bench)

    store.insert(trials)
    store.insert(trials)

    assert [store.trial(bench.exp_key, tid) for tid in (0, 1)] == trials[:2]
    cancelled = store.trial(bench.exp_key, 2)
    assert cancelled.created_at == cancelled.finished_at <= store.now()
    assert [trial.tid for trial in store.finished(bench.exp_key, range(4))] == [0, 1, 2]
    assert [trial.tid for trial in store.trials(bench.exp_key, sort="loss")] == [0]
    assert bench.claim().tid == 3


def test_another_outcome_for_the_same_point_is_refused(bench, store):
    done, *rest = imported(bench)
    store.insert([done])

    for other in (replace(done, loss=0.25), replace(done, loss=None, state=State.CANCELLED)):
        with pytest.raises(TrialExistsError, match=done.id):
            store.insert([other, *rest])
    assert [trial.loss for trial in store.trials(bench.exp_key)] == [0.5]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"state": State.RUNNING}, "only pending, unclaimed trials and final ones"),
        ({"attempt": 1}, "only pending"),
        ({"state": State.DONE}, "done with the loss None"),
        ({"state": State.DONE, "loss": float("nan")}, "done with the loss nan"),
        ({"state": State.FAILED, "loss": 0.5}, r"failed with the loss 0\.5"),
        ({"state": State.DONE, "loss": 0.5, "owner": "token"}, "under a claim"),
    ],
)
def test_a_trial_that_cannot_be_is_not_inserted(bench, store, fields, problem):
    with pytest.raises(ValueError, match=problem):
        store.insert([bench.trial(0), bench.trial(1, **fields)])
    assert list(store.trials(bench.exp_key)) == []
