"""Guarantees 12 and 13: attachments are replaced as a whole, and visible with their attempt."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hpsearch.core.trial import State
from hpsearch.errors import NotFoundError, StoreError, TooLargeError
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import DONE, StoreDriver, StoreTests

#: Larger than the unit in which stores are likely to write.
BLOCK_BYTES = 300_000


class AttachmentContract(StoreTests):
    """Guarantees 12 and 13: attachments are atomic, and those of an attempt appear with it."""

    def test_attachments_are_stored_under_any_name(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        contents = {
            "b": b"",
            "a": b"\0\xff",
            "ü/$x.y\n": b"text",
            "": b"empty name",
            "big": b"0123" * BLOCK_BYTES,
        }
        for name, data in contents.items():
            store.attach(store_driver.exp_key, name, data)

        assert store.attachments(store_driver.exp_key) == sorted(contents)
        assert {name: store.attachment(store_driver.exp_key, name) for name in contents} == contents

    def test_attachments_of_an_experiment_and_of_its_trials_are_separate(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(2)
        other = store_driver.exp_key + "/b"
        for exp_key, tid in (
            (store_driver.exp_key, None),
            (store_driver.exp_key, 0),
            (store_driver.exp_key, 1),
            (other, None),
        ):
            store.attach(exp_key, "same", f"{exp_key} {tid}".encode(), tid=tid)

        assert store.attachment(store_driver.exp_key, "same") == f"{store_driver.exp_key} None".encode()
        assert store.attachment(store_driver.exp_key, "same", tid=1) == f"{store_driver.exp_key} 1".encode()
        store.detach(store_driver.exp_key, "same")
        assert store.attachments(store_driver.exp_key) == []
        assert store.attachments(store_driver.exp_key, tid=0) == ["same"]
        assert store.attachments(other) == ["same"]

    def test_attaching_under_the_same_name_replaces_the_attachment(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        for data in (b"old" * BLOCK_BYTES, b"newer", b"newest"):
            store.attach(store_driver.exp_key, "a", data)
            assert store.attachment(store_driver.exp_key, "a") == data

        assert store.attachments(store_driver.exp_key) == ["a"]

    def test_a_reader_gets_one_complete_write_while_writers_race(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        size = BLOCK_BYTES + 7
        store.attach(store_driver.exp_key, "a", b"0" * size)
        is_over = threading.Event()

        def write(digit: int) -> None:
            for _ in range(12):
                store.attach(store_driver.exp_key, "a", str(digit).encode() * size)

        def read() -> set[tuple[int, int]]:
            seen = set()
            while not is_over.is_set():
                data = store.attachment(store_driver.exp_key, "a")
                seen.add((len(set(data)), len(data)))
            return seen

        with ThreadPoolExecutor(4) as pool:
            reader = pool.submit(read)
            writers = [pool.submit(write, digit) for digit in (1, 2, 3)]
            for writer in writers:
                writer.result()
            is_over.set()
            assert reader.result() == {(1, size)}
        assert store.attachments(store_driver.exp_key) == ["a"]

    def test_detaching_twice_succeeds_and_deletes_every_version(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        claimed = store_driver.claim()
        store.attach(store_driver.exp_key, "a", b"trial's", tid=0)
        store.attach(store_driver.exp_key, "a", b"attempt's", tid=0, attempt=claimed.attempt)

        for _ in range(2):
            store.detach(store_driver.exp_key, "a", tid=0)

        assert store.attachments(store_driver.exp_key, tid=0) == []
        with pytest.raises(NotFoundError, match=claimed.id):
            store.attachment(store_driver.exp_key, "a", tid=0)

    def test_missing_attachments_and_trials_raise_not_found(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        with pytest.raises(NotFoundError, match=store_driver.exp_key):
            store.attachment(store_driver.exp_key, "a")
        for look in (
            lambda: store.attachments(store_driver.exp_key, tid=7),
            lambda: store.attachment("e", "a", tid=7),
        ):
            with pytest.raises(NotFoundError, match="/000007"):
                look()
        assert store.attachments(store_driver.exp_key) == []

    @pytest.mark.parametrize(
        ("name", "data", "problem"),
        [("model", object(), "model"), ("model", "text", "str"), (7, b"", "7")],
    )
    def test_only_bytes_with_a_text_name_are_accepted(
        self, store_driver: StoreDriver, store: TrialStore, name: Any, data: Any, problem: str
    ) -> None:
        with pytest.raises(StoreError, match=problem):
            store.attach(store_driver.exp_key, name, data)
        assert store.attachments(store_driver.exp_key) == []

    def test_a_name_with_a_lone_surrogate_is_stored_escaped(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store.attach(store_driver.exp_key, "a\ud800", b"x")

        assert store.attachments(store_driver.exp_key) == ["a\\ud800"]
        assert store.attachment(store_driver.exp_key, "a\ud800") == b"x"

    def test_an_attachment_over_max_bytes_is_refused(self, store_driver: StoreDriver) -> None:
        store_driver.store.attach(store_driver.exp_key, "a", b"12345")

        assert store_driver.store.attachment(store_driver.exp_key, "a", max_bytes=5) == b"12345"
        with pytest.raises(TooLargeError, match=r"'a'.* 5 bytes"):
            store_driver.store.attachment(store_driver.exp_key, "a", max_bytes=4)

    def test_attachments_of_an_attempt_are_visible_while_it_runs_and_after_it_finishes(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        store.attach(store_driver.exp_key, "a", b"x", tid=0, attempt=trial.attempt)
        assert store_driver.read_attachments() == {"a": b"x"}

        store.finish(trial, DONE)

        assert store_driver.read_attachments() == {"a": b"x"}

    def test_attachments_of_a_lost_attempt_are_hidden_even_if_written_late(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=0)
        store.attach(store_driver.exp_key, "a", b"trial's", tid=0)
        stale = store_driver.claim()
        store.attach(store_driver.exp_key, "a", b"stale", tid=0, attempt=stale.attempt)
        store.attach(store_driver.exp_key, "only stale", b"", tid=0, attempt=stale.attempt)
        store_driver.expire_lease(stale)
        assert store_driver.read_attachments() == {"a": b"trial's"}

        fresh = store_driver.claim()
        assert store_driver.read_attachments() == {"a": b"trial's"}
        store.attach(store_driver.exp_key, "a", b"fresh", tid=0, attempt=fresh.attempt)
        store.attach(store_driver.exp_key, "a", b"stale again", tid=0, attempt=stale.attempt)
        store.finish(fresh, DONE)

        assert store_driver.read_attachments() == {"a": b"fresh"}

    def test_a_late_finish_makes_the_attachments_of_its_attempt_visible(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(lease_s=0)
        trial = store_driver.claim()
        store.attach(store_driver.exp_key, "a", b"x", tid=0, attempt=trial.attempt)
        store_driver.expire_lease(trial)
        assert store_driver.read_attachments() == {}

        store.finish(trial, DONE)

        assert store_driver.read_attachments() == {"a": b"x"}

    @pytest.mark.parametrize("end", ["released", "failed as lost", "cancelled", "lost and cancelled"])
    def test_attachments_of_an_unfinished_attempt_are_hidden(
        self, store_driver: StoreDriver, store: TrialStore, end: str
    ) -> None:
        store_driver.insert(lease_s=0, max_attempts=1 if end == "failed as lost" else 3)
        trial = store_driver.claim()
        store.attach(store_driver.exp_key, "a", b"x", tid=0, attempt=trial.attempt)

        if end == "released":
            store.release(trial, "draining")
        if end in {"failed as lost", "lost and cancelled"}:
            store_driver.expire_lease(trial)
        if end in {"cancelled", "lost and cancelled"}:
            assert store.cancel(store_driver.exp_key, {State.PENDING, State.RUNNING}) == 1

        assert store_driver.read_attachments() == {}

    def test_an_attachment_to_a_finished_trial_replaces_that_of_its_attempt(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert()
        trial = store_driver.claim()
        store.attach(store_driver.exp_key, "a", b"attempt's", tid=0, attempt=trial.attempt)
        store.finish(trial, DONE)

        store.attach(store_driver.exp_key, "a", b"later", tid=0)

        assert store_driver.read_attachments() == {"a": b"later"}

    def test_n_attachments_counts_those_of_the_experiment_and_its_trials(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        other = store_driver.exp_key + "/b"
        for exp_key, tid, name in (
            (store_driver.exp_key, None, "a"),
            (store_driver.exp_key, 3, "a"),
            (other, None, "a"),
        ):
            store.attach(exp_key, name, b"x", tid=tid)
        store.attach(store_driver.exp_key, "b", b"lost", tid=3, attempt=1)
        store.attach(store_driver.exp_key, "a", b"replaced")

        assert store.n_attachments(store_driver.exp_key) == 3
        assert store.n_attachments("nothing") == 0

    def test_attach_all_stores_many_attachments_and_replaces_existing_ones(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        store_driver.insert(1)
        store.attach(store_driver.exp_key, "a", b"old" * BLOCK_BYTES, tid=0)
        store.attach(store_driver.exp_key, "a", b"the experiment's")
        contents = {
            "a": b"new",
            "empty": b"",
            "big": b"0123" * BLOCK_BYTES,
            **{str(i): b"%d" % i for i in range(700)},
        }
        for _ in range(2):
            store.attach_all(store_driver.exp_key, contents, tid=0)

        assert store.attachments(store_driver.exp_key, tid=0) == sorted(contents)
        for name in ("a", "empty", "big", "0", "699"):
            assert store.attachment(store_driver.exp_key, name, tid=0) == contents[name]
        assert store.attachments(store_driver.exp_key) == ["a"]
        assert store.n_attachments(store_driver.exp_key) == len(contents) + 1
        store.attach_all(store_driver.exp_key, {})

    @pytest.mark.parametrize(
        "data", [bytearray(b"abc"), memoryview(b"abc"), memoryview(b"a-b-c-")[::2], memoryview(bytearray())]
    )
    def test_every_bytes_like_object_is_accepted(
        self, store_driver: StoreDriver, store: TrialStore, data: Any
    ) -> None:
        store.attach(store_driver.exp_key, "a", data)
        assert store.attachment(store_driver.exp_key, "a") == bytes(data)
