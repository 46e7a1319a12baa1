"""Guarantees 7 and 8: final trials never change, and a reader finds all of them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from hpsearch.core.trial import Failure, FailureKind, Result, State, Trial
from hpsearch.core.trial_filter import filter_of
from hpsearch.store.protocol import LeaseStatus, TrialStore
from hpsearch.testing.contract.driver import DONE, FAILED, WORKER, StoreDriver, StoreTests


class ReadingContract(StoreTests):
    """Guarantees 7 and 8: final trials never change, and readers see every one."""

    def test_final_trials_never_change(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert(3, lease_s=0)
        done, failed, cancelled = (store_driver.claim() for _ in range(3))
        store.finish(done, DONE)
        store.finish(failed, FAILED)
        store.cancel(store_driver.exp_key, {State.RUNNING})
        before = list(store.trials(store_driver.exp_key))
        store_driver.wait_past(cancelled.lease_until)

        assert store.cancel(store_driver.exp_key, {State.PENDING, State.RUNNING}) == 0
        assert store.expire(store_driver.exp_key) == 0
        assert store.claim(WORKER, "other", [store_driver.exp_key]) is None
        assert list(store.trials(store_driver.exp_key)) == before
        assert [t.state for t in before] == [State.DONE, State.FAILED, State.CANCELLED]

    def test_cancel_affects_only_the_given_states(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert(3)
        running = store_driver.claim()

        assert store.cancel(store_driver.exp_key, {State.PENDING}) == 2
        assert store.renew(running) is LeaseStatus.HELD
        assert store.counts(store_driver.exp_key)[State.CANCELLED] == 2
        with pytest.raises(ValueError, match="pending"):
            store.cancel(store_driver.exp_key, {State.DONE})

    def test_finished_returns_final_trials_by_number(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(6)
        claimed = [store_driver.claim() for _ in range(4)]
        store.finish(claimed[3], DONE)
        store.finish(claimed[1], FAILED)

        assert [t.tid for t in store.finished(store_driver.exp_key, [5, 3, 2, 1, 0, 99])] == [1, 3]
        store.cancel(store_driver.exp_key, {State.RUNNING})
        assert [t.state for t in store.finished(store_driver.exp_key, range(6))] == [
            State.CANCELLED,
            State.FAILED,
            State.CANCELLED,
            State.DONE,
        ]
        assert store.finished(store_driver.exp_key, []) == []

    def test_polling_the_outstanding_trials_misses_none(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """A reader polls for the trials it has not seen as final while many workers finish trials."""
        n = 120
        store_driver.insert(n)

        def work() -> None:
            while trial := store.claim(WORKER, store_driver.token(), [store_driver.exp_key]):
                store.finish(trial, DONE)

        outstanding, seen = set(range(n)), []
        with ThreadPoolExecutor(4) as pool:
            writers = [pool.submit(work) for _ in range(4)]
            deadline = time.monotonic() + 30
            while outstanding and time.monotonic() < deadline:
                new = [trial.tid for trial in store.finished(store_driver.exp_key, outstanding)]
                seen += new
                outstanding -= set(new)
            for writer in writers:
                writer.result()

        assert sorted(seen) == list(range(n))

    def test_trials_can_be_sorted_by_number_newest_or_loss(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        _finish_all(store_driver, [3.0, None, float("-inf"), 1.0, float("inf"), 1.0])

        def tids(**options: Any) -> list[int]:
            return [trial.tid for trial in store.trials(store_driver.exp_key, **options)]

        assert tids() == [0, 1, 2, 3, 4, 5]
        assert tids(sort="newest", limit=2) == [5, 4]
        assert tids(sort="loss") == [2, 3, 5, 0, 4]
        assert tids(sort="loss", limit=3) == [2, 3, 5]
        assert tids(states={State.FAILED}) == [1]
        assert tids(states={State.FAILED}, sort="loss") == []
        assert tids(limit=0) == []
        with pytest.raises(ValueError, match="luck"):
            tids(sort="luck")

    def test_trials_can_be_selected_by_a_condition(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """Before the limit counts, and in every order."""
        _finish_all(store_driver, [3.0, None, 1.0, 2.0, 0.5])

        def tids(text: str, **options: Any) -> list[int]:
            where = filter_of(text, ())
            return [trial.tid for trial in store.trials(store_driver.exp_key, where=where, **options)]

        assert tids("loss >= 1") == [0, 2, 3]
        assert tids("loss >= 1", sort="loss", limit=2) == [2, 3]
        assert tids("not loss >= 1") == [4]
        assert tids("loss is None") == [1]
        assert tids("loss > 1 or trial == 1", states={State.DONE}, sort="newest") == [3, 0]

    def test_points_can_be_sorted_and_limited_like_trials(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        _finish_all(store_driver, [3.0, None, 1.0, 2.0])
        for options in ({"sort": "loss"}, {"sort": "loss", "limit": 2}, {"sort": "newest", "limit": 3}):
            expected = [trial.point() for trial in store.trials(store_driver.exp_key, **options)]  # type: ignore[arg-type]
            assert list(store.points(store_driver.exp_key, **options)) == expected  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="luck"):
            list(store.points(store_driver.exp_key, sort="luck"))

    def test_long_reads_are_complete_and_in_order(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert(2500)

        assert [trial.tid for trial in store.trials(store_driver.exp_key)] == list(range(2500))
        assert [trial.tid for trial in store.trials(store_driver.exp_key, sort="newest")] == list(
            range(2499, -1, -1)
        )
        assert len(list(store.trials(store_driver.exp_key, limit=1500))) == 1500

    def test_counts_cover_every_state(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert(4)
        store.finish(store_driver.claim(), DONE)
        store_driver.claim()

        assert store.counts(store_driver.exp_key) == {
            State.PENDING: 2,
            State.RUNNING: 1,
            State.DONE: 1,
            State.FAILED: 0,
            State.PRUNED: 0,
            State.CANCELLED: 0,
        }
        assert store.counts(store_driver.exp_key, {State.DONE})[State.PENDING] == 0
        assert store.counts(store_driver.exp_key, {State.DONE})[State.DONE] == 1

    def test_results_are_read_as_they_were_stored(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        result = {
            "$ref": {"$ref": 5, "$id": None},
            "a.b": {"$set": "$tid", "": [1, [2.5, None]]},
            "bytes": b"\0\xff",
            "date": datetime(2026, 3, 1, 12, 30, 5, 123000, tzinfo=UTC),
            "big": 2**63 - 1,
            "text": "nul \0 and $dollar",
            "inf": float("-inf"),
            "yes": True,
        }

        store.finish(trial, Result(loss=0.0, result={**result, "tuple": (1, 2), "broken": "\ud800"}))

        back = dict(store_driver.read(trial).result)
        assert (back.pop("tuple"), back.pop("broken")) == ([1, 2], "\\ud800")
        assert back == result
        assert type(back["big"]) is int

    def test_points_are_all_trials_with_only_the_fields_needed_for_learning(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(4)
        store.finish(store_driver.claim(), DONE)
        store.finish(
            store_driver.claim(), Result(loss=None, error=Failure(kind=FailureKind.EXCEPTION, message="boom"))
        )
        store_driver.claim()

        whole = list(store.trials(store_driver.exp_key))

        assert list(store.points(store_driver.exp_key)) == [
            Trial(
                exp_key=t.exp_key,
                tid=t.tid,
                values=t.values,
                state=t.state,
                loss=t.loss,
                finished_at=t.finished_at,
            )
            for t in whole
        ]
        assert [t.state for t in whole] == [State.DONE, State.FAILED, State.RUNNING, State.PENDING]


def _finish_all(store_driver: StoreDriver, losses: list[float | None]) -> None:
    """Insert one trial for each loss and finish it; None makes it fail."""
    store_driver.insert(len(losses))
    for loss in losses:
        store_driver.store.finish(store_driver.claim(), FAILED if loss is None else Result(loss=loss))
