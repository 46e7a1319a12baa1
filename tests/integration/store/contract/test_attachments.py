"""Promises 12 and 13: attachments are replaced as a whole, and show with the attempt that counts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hpsearch.core.trial import State
from hpsearch.errors import NotFoundError, StoreError, TooLargeError
from hpsearch.store.mongo.gridfs import CHUNK_BYTES
from tests.integration.store.contract.results import DONE


def test_what_is_attached_comes_back_under_its_name(bench, store):
    contents = {"b": b"", "a": b"\0\xff", "ü/$x.y\n": b"text", "": b"nameless", "big": b"0123" * CHUNK_BYTES}
    for name, data in contents.items():
        store.attach(bench.exp_key, name, data)

    assert store.attachments(bench.exp_key) == sorted(contents)
    assert {name: store.attachment(bench.exp_key, name) for name in contents} == contents


def test_an_experiment_and_its_trials_keep_their_attachments_apart(bench, store):
    bench.insert(2)
    other = bench.exp_key + "/b"
    for exp_key, tid in ((bench.exp_key, None), (bench.exp_key, 0), (bench.exp_key, 1), (other, None)):
        store.attach(exp_key, "same", f"{exp_key} {tid}".encode(), tid=tid)

    assert store.attachment(bench.exp_key, "same") == f"{bench.exp_key} None".encode()
    assert store.attachment(bench.exp_key, "same", tid=1) == f"{bench.exp_key} 1".encode()
    store.detach(bench.exp_key, "same")
    assert store.attachments(bench.exp_key) == []
    assert store.attachments(bench.exp_key, tid=0) == ["same"]
    assert store.attachments(other) == ["same"]


def test_a_name_holds_what_was_written_last(bench, store):
    for data in (b"old" * CHUNK_BYTES, b"newer", b"newest"):
        store.attach(bench.exp_key, "a", data)
        assert store.attachment(bench.exp_key, "a") == data

    assert store.attachments(bench.exp_key) == ["a"]


def test_a_reader_sees_one_whole_write_or_another_while_writers_race(bench, store):
    size = CHUNK_BYTES + 7
    store.attach(bench.exp_key, "a", b"0" * size)
    is_over = threading.Event()

    def write(digit: int) -> None:
        for _ in range(12):
            store.attach(bench.exp_key, "a", str(digit).encode() * size)

    def read() -> set[tuple[int, int]]:
        seen = set()
        while not is_over.is_set():
            data = store.attachment(bench.exp_key, "a")
            seen.add((len(set(data)), len(data)))
        return seen

    with ThreadPoolExecutor(4) as pool:
        reader = pool.submit(read)
        writers = [pool.submit(write, digit) for digit in (1, 2, 3)]
        for writer in writers:
            writer.result()
        is_over.set()
        assert reader.result() == {(1, size)}
    assert store.attachments(bench.exp_key) == ["a"]


def test_detaching_is_repeatable_and_leaves_nothing(bench, store):
    bench.insert()
    claimed = bench.claim()
    store.attach(bench.exp_key, "a", b"trial's", tid=0)
    store.attach(bench.exp_key, "a", b"attempt's", tid=0, attempt=claimed.attempt)

    for _ in range(2):
        store.detach(bench.exp_key, "a", tid=0)

    assert store.attachments(bench.exp_key, tid=0) == []
    with pytest.raises(NotFoundError, match=f"no attachment 'a' of trial {claimed.id}"):
        store.attachment(bench.exp_key, "a", tid=0)


def test_what_is_not_there_is_not_found(bench, store):
    with pytest.raises(NotFoundError, match=f"no attachment 'a' of experiment '{bench.exp_key}'"):
        store.attachment(bench.exp_key, "a")
    for look in (lambda: store.attachments(bench.exp_key, tid=7), lambda: store.attachment("e", "a", tid=7)):
        with pytest.raises(NotFoundError, match=r"no trial .*/000007"):
            look()
    assert store.attachments(bench.exp_key) == []


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [("model", object(), "'model' is a object, not bytes"), ("model", "text", "str"), (7, b"", "is 7")],
)
def test_only_bytes_under_text_are_attached(bench, store, name, data, problem):
    with pytest.raises(StoreError, match=problem):
        store.attach(bench.exp_key, name, data)
    assert store.attachments(bench.exp_key) == []


def test_names_that_utf8_cannot_express_are_found_under_what_was_stored(bench, store):
    store.attach(bench.exp_key, "a\ud800", b"x")

    assert store.attachments(bench.exp_key) == ["a\\ud800"]
    assert store.attachment(bench.exp_key, "a\ud800") == b"x"


def test_an_attachment_over_the_limit_of_its_reader_is_not_fetched(bench):
    bench.store.attach(bench.exp_key, "a", b"12345")

    assert bench.store.attachment(bench.exp_key, "a", max_bytes=5) == b"12345"
    with pytest.raises(TooLargeError, match=r"'a' of .* takes 5 bytes, more than 4, and was not fetched"):
        bench.store.attachment(bench.exp_key, "a", max_bytes=4)


def test_what_an_attempt_attached_shows_while_it_runs_and_once_it_is_finished(bench, store):
    bench.insert()
    trial = bench.claim()
    store.attach(bench.exp_key, "a", b"x", tid=0, attempt=trial.attempt)
    assert bench.attached() == {"a": b"x"}

    store.finish(trial, DONE)

    assert bench.attached() == {"a": b"x"}


def test_nothing_of_a_lost_attempt_shows_not_even_what_it_attaches_afterwards(bench, store):
    bench.insert(lease_s=0)
    store.attach(bench.exp_key, "a", b"trial's", tid=0)
    stale = bench.claim()
    store.attach(bench.exp_key, "a", b"stale", tid=0, attempt=stale.attempt)
    store.attach(bench.exp_key, "only stale", b"", tid=0, attempt=stale.attempt)
    bench.lose(stale)
    assert bench.attached() == {"a": b"trial's"}

    fresh = bench.claim()
    assert bench.attached() == {"a": b"trial's"}
    store.attach(bench.exp_key, "a", b"fresh", tid=0, attempt=fresh.attempt)
    store.attach(bench.exp_key, "a", b"stale again", tid=0, attempt=stale.attempt)
    store.finish(fresh, DONE)

    assert bench.attached() == {"a": b"fresh"}


def test_a_finish_within_the_grace_brings_its_attachments(bench, store):
    bench.insert(lease_s=0)
    trial = bench.claim()
    store.attach(bench.exp_key, "a", b"x", tid=0, attempt=trial.attempt)
    bench.lose(trial)
    assert bench.attached() == {}

    store.finish(trial, DONE)

    assert bench.attached() == {"a": b"x"}


@pytest.mark.parametrize("end", ["released", "failed as lost", "cancelled", "lost and cancelled"])
def test_nothing_shows_of_an_attempt_that_did_not_finish(bench, store, end):
    bench.insert(lease_s=0, max_attempts=1 if end == "failed as lost" else 3)
    trial = bench.claim()
    store.attach(bench.exp_key, "a", b"x", tid=0, attempt=trial.attempt)

    if end == "released":
        store.release(trial, "draining")
    if end in {"failed as lost", "lost and cancelled"}:
        bench.lose(trial)
    if end in {"cancelled", "lost and cancelled"}:
        assert store.cancel(bench.exp_key, {State.PENDING, State.RUNNING}) == 1

    assert bench.attached() == {}


def test_what_is_attached_to_a_finished_trial_replaces_what_its_attempt_wrote(bench, store):
    bench.insert()
    trial = bench.claim()
    store.attach(bench.exp_key, "a", b"attempt's", tid=0, attempt=trial.attempt)
    store.finish(trial, DONE)

    store.attach(bench.exp_key, "a", b"later", tid=0)

    assert bench.attached() == {"a": b"later"}


def test_what_is_counted_are_the_attachments_of_the_experiment_and_of_all_its_trials(bench, store):
    other = bench.exp_key + "/b"
    for exp_key, tid, name in ((bench.exp_key, None, "a"), (bench.exp_key, 3, "a"), (other, None, "a")):
        store.attach(exp_key, name, b"x", tid=tid)
    store.attach(bench.exp_key, "b", b"lost", tid=3, attempt=1)
    store.attach(bench.exp_key, "a", b"replaced")

    assert store.n_attachments(bench.exp_key) == 3
    assert store.n_attachments("nothing") == 0


def test_many_are_attached_at_once_each_in_place_of_what_was_there(bench, store):
    bench.insert(1)
    store.attach(bench.exp_key, "a", b"old" * CHUNK_BYTES, tid=0)
    store.attach(bench.exp_key, "a", b"the experiment's")
    contents = {
        "a": b"new",
        "empty": b"",
        "big": b"0123" * CHUNK_BYTES,
        **{str(i): b"%d" % i for i in range(700)},
    }
    for _ in range(2):
        store.attach_all(bench.exp_key, contents, tid=0)

    assert store.attachments(bench.exp_key, tid=0) == sorted(contents)
    for name in ("a", "empty", "big", "0", "699"):
        assert store.attachment(bench.exp_key, name, tid=0) == contents[name]
    assert store.attachments(bench.exp_key) == ["a"]
    assert store.n_attachments(bench.exp_key) == len(contents) + 1
    store.attach_all(bench.exp_key, {})


@pytest.mark.parametrize(
    "data", [bytearray(b"abc"), memoryview(b"abc"), memoryview(b"a-b-c-")[::2], memoryview(bytearray())]
)
def test_bytes_of_every_kind_are_attached(bench, store, data):
    store.attach(bench.exp_key, "a", data)
    assert store.attachment(bench.exp_key, "a") == bytes(data)
