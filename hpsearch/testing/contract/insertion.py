"""Guarantee 1: inserting trials is idempotent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.trial import Failure, FailureKind, State
from hpsearch.errors import StoreError, TrialExistsError
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import DONE, IMPORTED_AT, WORKER, StoreDriver, StoreTests


class InsertionContract(StoreTests):
    """Guarantee 1: inserting a batch again changes nothing, and a different batch is refused."""

    def test_inserted_trials_are_pending_with_the_store_time(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        before = store.now()

        store_driver.insert(2, params={"x": "a"}, origin="tpe", max_attempts=5, lease_s=7.5)

        trial = store.trial(store_driver.exp_key, 1)
        assert (trial.state, trial.attempt, trial.owner) == (State.PENDING, 0, None)
        assert (trial.values, trial.params, trial.origin) == ({"x": 0.5}, {"x": "a"}, "tpe")
        assert (trial.max_attempts, trial.lease_s) == (5, 7.5)
        assert before <= trial.created_at <= store.now()

    def test_repeating_a_batch_changes_nothing(self, store_driver: StoreDriver, store: TrialStore) -> None:
        trials = store_driver.insert(3)
        done = store_driver.claim()
        store.finish(done, DONE)
        store_driver.claim()
        before = list(store.trials(store_driver.exp_key))

        store.insert(trials)

        assert list(store.trials(store_driver.exp_key)) == before

    def test_a_partly_written_batch_is_completed(self, store_driver: StoreDriver, store: TrialStore) -> None:
        trials = store_driver.insert(2)

        store.insert([*trials, store_driver.trial(2), store_driver.trial(3)])

        assert [t.tid for t in store.trials(store_driver.exp_key)] == [0, 1, 2, 3]

    def test_a_batch_with_gaps_is_completed(self, store_driver: StoreDriver, store: TrialStore) -> None:
        trials = [store_driver.trial(tid) for tid in range(6)]
        store.insert([trials[1], trials[4]])

        store.insert(trials)

        assert [t.tid for t in store.trials(store_driver.exp_key)] == list(range(6))

    def test_a_different_point_with_a_used_number_stops_the_batch(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(2)
        other = store_driver.trial(1, values={"x": 99.0})

        with pytest.raises(TrialExistsError, match=other.id):
            store.insert([store_driver.trial(0), other, store_driver.trial(2)])

        assert [t.values for t in store.trials(store_driver.exp_key)] == [{"x": 0.0}, {"x": 0.5}]

    def test_labels_may_be_any_text_without_nul(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert(values=ODD_LABELS, params={label: [label] for label in ODD_LABELS})

        trial = store_driver.claim()
        assert trial.values == ODD_LABELS
        assert trial.params == {label: [label] for label in ODD_LABELS}
        with pytest.raises(StoreError, match="a"):
            store.insert([store_driver.trial(1, values={"a\0b": 1})])

    def test_final_trials_are_inserted_with_their_outcome_and_times(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        trials = imported(store_driver)

        store.insert(trials)
        store.insert(trials)

        assert [store.trial(store_driver.exp_key, tid) for tid in (0, 1)] == trials[:2]
        cancelled = store.trial(store_driver.exp_key, 2)
        assert cancelled.created_at == cancelled.finished_at <= store.now()
        assert [trial.tid for trial in store.finished(store_driver.exp_key, range(4))] == [0, 1, 2]
        assert [trial.tid for trial in store.trials(store_driver.exp_key, sort="loss")] == [0]
        assert store_driver.claim().tid == 3

    def test_a_different_outcome_for_the_same_point_is_refused(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        done, *rest = imported(store_driver)
        store.insert([done])

        for other in (replace(done, loss=0.25), replace(done, loss=None, state=State.CANCELLED)):
            with pytest.raises(TrialExistsError, match=done.id):
                store.insert([other, *rest])
        assert [trial.loss for trial in store.trials(store_driver.exp_key)] == [0.5]

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"state": State.RUNNING}, "pending"),
            ({"attempt": 1}, "pending"),
            ({"state": State.DONE}, "None"),
            ({"state": State.DONE, "loss": float("nan")}, "nan"),
            ({"state": State.FAILED, "loss": 0.5}, r"0\.5"),
            ({"state": State.DONE, "loss": 0.5, "owner": "token"}, "claim"),
        ],
    )
    def test_an_inconsistent_trial_is_refused(
        self, store_driver: StoreDriver, store: TrialStore, fields: dict[str, Any], problem: str
    ) -> None:
        with pytest.raises(ValueError, match=problem):
            store.insert([store_driver.trial(0), store_driver.trial(1, **fields)])
        assert list(store.trials(store_driver.exp_key)) == []


ODD_LABELS = {"a.b": 1, "$lr": 2, "$ref": 3, "": 4, "\N{FULLWIDTH DOLLAR SIGN}$ref": 5, "ü x\n": 6.5}


def imported(store_driver: StoreDriver) -> list[Any]:
    """Return trials of every state in which one can be inserted."""
    error = Failure(kind=FailureKind.EXCEPTION, message="boom")
    final = {"attempt": 2, "created_at": IMPORTED_AT, "finished_at": IMPORTED_AT, "worker": WORKER.holder}
    return [
        store_driver.trial(0, state=State.DONE, loss=0.5, result={"loss": 0.5}, duration_s=2.0, **final),
        store_driver.trial(1, state=State.FAILED, error=error, **final),
        store_driver.trial(2, state=State.CANCELLED),
        store_driver.trial(3),
    ]
