"""Guarantee 16: checkpoints, with which the next attempt of a trial goes on."""

from __future__ import annotations

import pytest

from hpsearch.core.trial import FailureKind, Report, State, Trial
from hpsearch.errors import LeaseLostError, NotFoundError, StoreError
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import DONE, WORKER, StoreDriver, StoreTests


class CheckpointContract(StoreTests):
    """Guarantee 16: a checkpoint is replaced as a whole, and only by the holder of its trial."""

    def test_the_next_attempt_gets_the_last_checkpoint_and_the_reports_up_to_it(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=0)
        trial = store_driver.claim()
        store.report(trial, [Report(step=step, value=step / 8) for step in (1, 2)])
        store.save_checkpoint(trial, 1, data=b"old")
        store.save_checkpoint(trial, 2, data=bytes(600_000))
        store.report(trial, [Report(step=3, value=0.5)])
        back = store_driver.expire_lease(trial)

        again = store_driver.claim()

        assert again.checkpoint is not None
        assert (again.checkpoint.step, again.checkpoint.attempt, again.checkpoint.n_bytes) == (2, 1, 600_000)
        assert [(report.step, report.value) for report in again.reports] == [(1, 0.125), (2, 0.25)]
        assert store.checkpoint_data(again) == bytes(600_000)
        assert [ended.step for ended in back.history] == [2]

    def test_without_a_checkpoint_the_next_attempt_starts_from_the_beginning(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        store.report(trial, [Report(step=1, value=0.5)])
        store.release(trial, "draining")

        again = store_driver.claim()

        assert (again.checkpoint, again.reports, again.history[0].step) == (None, (), None)
        with pytest.raises(NotFoundError):
            store.checkpoint_data(again)

    def test_a_path_is_kept_instead_of_data(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        store.save_checkpoint(trial, 1, data=b"old")
        store.save_checkpoint(trial, 2.5, path="$share/model.pt")
        store.release(trial, "draining")

        pointer = store_driver.claim().checkpoint

        assert pointer is not None
        assert (pointer.step, pointer.path, pointer.file) == (2.5, "$share/model.pt", None)
        assert store.n_attachments(store_driver.exp_key) == 0

    def test_only_the_holder_moves_the_checkpoint(self, store_driver: StoreDriver, store: TrialStore) -> None:
        """Neither the pointer nor a file of a worker that lost the trial stays."""
        store_driver.insert(lease_s=0)
        stale = store_driver.claim()
        store.save_checkpoint(stale, 1, data=b"one")
        store_driver.expire_lease(stale)
        fresh = store_driver.claim()

        with pytest.raises(LeaseLostError):
            store.save_checkpoint(stale, 9, data=b"nine")

        assert store_driver.read(fresh).checkpoint == fresh.checkpoint
        assert store.checkpoint_data(fresh) == b"one"
        assert store.n_attachments(store_driver.exp_key) == 1

    def test_an_expired_trial_still_takes_a_checkpoint_of_its_holder(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=0)
        trial = store_driver.claim()
        store_driver.expire_lease(trial)

        store.save_checkpoint(trial, 3, data=b"three")

        assert store.checkpoint_data(store_driver.claim()) == b"three"

    def test_only_attempts_without_progress_count_as_lost(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """A trial on machines that are taken away ends; one that is lost at the same step again fails."""
        store_driver.insert(lease_s=0, max_attempts=2)
        for step in range(1, 6):
            trial = store_driver.claim()
            store.save_checkpoint(trial, step, data=b"data")
            assert store_driver.expire_lease(trial).state is State.PENDING
        trial = store_driver.claim()
        store.save_checkpoint(trial, 5, data=b"no further")
        assert store_driver.expire_lease(trial).state is State.PENDING

        failed = store_driver.expire_lease(store_driver.claim())

        assert (failed.state, failed.error and failed.error.kind) == (State.FAILED, FailureKind.LOST)
        assert failed.checkpoint is not None
        assert failed.checkpoint.attempt == 5
        assert [ended.step for ended in failed.history] == [1, 2, 3, 4, 5, 5, 5]

    def test_a_sweep_deletes_the_files_of_final_trials_only(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(2)
        done, running = store_driver.claim(), store_driver.claim()
        for trial in (done, running):
            store.save_checkpoint(trial, 1, data=b"data")
        store.attach(store_driver.exp_key, "model", b"model", tid=0, attempt=1)
        store.finish(done, DONE)

        for tids in ([0, 1, 7], [0], None):
            store.sweep_checkpoints(store_driver.exp_key, tids)

        assert store.n_attachments(store_driver.exp_key) == 2
        assert store_driver.read_attachments() == {"model": b"model"}
        kept = store_driver.read(done).checkpoint
        assert kept is not None
        assert kept.step == 1
        with pytest.raises(NotFoundError):
            store.checkpoint_data(store_driver.read(done))
        assert store.checkpoint_data(store_driver.read(running)) == b"data"

    def test_a_checkpoint_is_no_attachment_of_its_trial(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        store.save_checkpoint(store_driver.claim(), 1, data=b"data")

        assert store.attachments(store_driver.exp_key, tid=0) == []

    def test_data_that_are_no_bytes_are_refused(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store_driver.insert()
        trial: Trial = store_driver.claim()

        with pytest.raises(StoreError, match="bytes"):
            store.save_checkpoint(trial, 1, data="text")  # type: ignore[arg-type]

        assert store_driver.read(trial).checkpoint is None
        assert store.claim(WORKER, "other", [store_driver.exp_key]) is None
