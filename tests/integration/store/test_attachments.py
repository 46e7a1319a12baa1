"""Attachments, imported trials and deletion: promises 12 to 14, on memory and on a real mongod."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import gridfs
import pytest
from pymongo import MongoClient

from hpsearch.errors import NotFoundError, StoreError, TooLargeError, TrialExistsError
from hpsearch.store import files
from hpsearch.store.files import CHUNK_BYTES, CHUNKS_A_CALL, Place
from hpsearch.store.schema import CHUNKS, FILES
from hpsearch.trial import Failure, FailureKind, Result, State
from tests.integration.store.conftest import START, WORKER, Bench

DONE = Result(loss=1.0, result={"loss": 1.0})

# 12. Replaced as a whole


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


# 13. Of the attempt that counts


def attached(bench: Bench) -> dict[str, bytes]:
    names = bench.store.attachments(bench.exp_key, tid=0)
    return {name: bench.store.attachment(bench.exp_key, name, tid=0) for name in names}


def test_what_an_attempt_attached_shows_while_it_runs_and_once_it_is_finished(bench, store):
    bench.insert()
    trial = bench.claim()
    store.attach(bench.exp_key, "a", b"x", tid=0, attempt=trial.attempt)
    assert attached(bench) == {"a": b"x"}

    store.finish(trial, DONE)

    assert attached(bench) == {"a": b"x"}


def test_nothing_of_a_lost_attempt_shows_not_even_what_it_attaches_afterwards(bench, store):
    bench.insert(lease_s=0)
    store.attach(bench.exp_key, "a", b"trial's", tid=0)
    stale = bench.claim()
    store.attach(bench.exp_key, "a", b"stale", tid=0, attempt=stale.attempt)
    store.attach(bench.exp_key, "only stale", b"", tid=0, attempt=stale.attempt)
    bench.lose(stale)
    assert attached(bench) == {"a": b"trial's"}

    fresh = bench.claim()
    assert attached(bench) == {"a": b"trial's"}
    store.attach(bench.exp_key, "a", b"fresh", tid=0, attempt=fresh.attempt)
    store.attach(bench.exp_key, "a", b"stale again", tid=0, attempt=stale.attempt)
    store.finish(fresh, DONE)

    assert attached(bench) == {"a": b"fresh"}


def test_a_finish_within_the_grace_brings_its_attachments(bench, store):
    bench.insert(lease_s=0)
    trial = bench.claim()
    store.attach(bench.exp_key, "a", b"x", tid=0, attempt=trial.attempt)
    bench.lose(trial)
    assert attached(bench) == {}

    store.finish(trial, DONE)

    assert attached(bench) == {"a": b"x"}


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

    assert attached(bench) == {}


def test_what_is_attached_to_a_finished_trial_replaces_what_its_attempt_wrote(bench, store):
    bench.insert()
    trial = bench.claim()
    store.attach(bench.exp_key, "a", b"attempt's", tid=0, attempt=trial.attempt)
    store.finish(trial, DONE)

    store.attach(bench.exp_key, "a", b"later", tid=0)

    assert attached(bench) == {"a": b"later"}


# 1. Imported trials


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


def test_what_is_counted_are_the_attachments_of_the_experiment_and_of_all_its_trials(bench, store):
    other = bench.exp_key + "/b"
    for exp_key, tid, name in ((bench.exp_key, None, "a"), (bench.exp_key, 3, "a"), (other, None, "a")):
        store.attach(exp_key, name, b"x", tid=tid)
    store.attach(bench.exp_key, "b", b"lost", tid=3, attempt=1)
    store.attach(bench.exp_key, "a", b"replaced")

    assert store.n_attachments(bench.exp_key) == 3
    assert store.n_attachments("nothing") == 0


# 14. Deletion


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
    assert attached(bench) == {}


def test_a_deletion_that_was_cut_short_is_completed(bench, store):
    """Trials or attachments without their experiment are all that a crash leaves."""
    bench.insert(2)
    assert store.delete_experiment(bench.exp_key) == 2

    store.attach(bench.exp_key, "a", b"x")
    assert store.delete_experiment(bench.exp_key) == 0
    assert store.attachments(bench.exp_key) == []


# On MongoDB


@pytest.fixture
def raw(mongo_uri: str, mongo_store: Any) -> Iterator[Any]:
    """The database of the contract, by the driver."""
    with MongoClient(mongo_uri) as client:
        yield client[mongo_store._database.name]


@pytest.fixture
def mongo(mongo_store: Any, request: pytest.FixtureRequest) -> Bench:
    return Bench(mongo_store, f"files-{id(request)}")


def left_over(raw: Any, exp_key: str) -> tuple[int, int]:
    """Return how many files an experiment has, and how many chunks belong to no file at all."""
    ids = raw[FILES].distinct("_id")
    return raw[FILES].count_documents({"metadata.exp_key": exp_key}), raw[CHUNKS].count_documents(
        {"files_id": {"$nin": ids}}
    )


def test_gridfs_itself_reads_what_was_attached(mongo, raw):
    data = bytes(range(256)) * 2048
    mongo.store.attach(mongo.exp_key, "model.bin", data, tid=17, attempt=2)

    bucket = gridfs.GridFSBucket(raw, "attachments")

    file = bucket.open_download_stream_by_name(f"{mongo.exp_key}/000017/model.bin")
    assert file.read() == data
    assert file.metadata == {
        "exp_key": mongo.exp_key,
        "tid": 17,
        "name": "model.bin",
        "attempt": 2,
        "version": 1,
        "state": "stored",
    }


def test_what_was_replaced_or_detached_takes_no_room(mongo, raw):
    for data in (b"1" * CHUNK_BYTES, b"2", b"3" * CHUNK_BYTES):
        mongo.store.attach(mongo.exp_key, "a", data)
    assert left_over(raw, mongo.exp_key) == (1, 0)

    mongo.store.detach(mongo.exp_key, "a")
    assert left_over(raw, mongo.exp_key) == (0, 0)


def test_more_than_a_document_can_hold_is_attached(mongo):
    data = b"0123456789abcdef" * (CHUNK_BYTES // 16 * (CHUNKS_A_CALL * 17 + 1) + 1)
    mongo.store.attach(mongo.exp_key, "a", data)

    assert len(data) > 2**24
    assert mongo.store.attachment(mongo.exp_key, "a") == data


def test_an_upload_that_a_dead_process_left_never_shows_and_the_next_one_removes_it(mongo, raw):
    place = Place(exp_key=mongo.exp_key, tid=None, name="a")
    unfinished = files.file_document("dead", place, 0, 5, 4)
    raw[FILES].update_one({"_id": "dead"}, files.begin(unfinished), upsert=True)
    raw[CHUNKS].insert_one({"files_id": "dead", "n": 0, "data": b"ha"})
    assert mongo.store.attachments(mongo.exp_key) == []

    mongo.store.attach(mongo.exp_key, "a", b"x")

    assert mongo.store.attachment(mongo.exp_key, "a") == b"x"
    assert left_over(raw, mongo.exp_key) == (1, 0)


def test_a_file_that_lacks_chunks_is_called_damaged(mongo, raw):
    mongo.store.attach(mongo.exp_key, "a", b"x")
    raw[CHUNKS].delete_many({"files_id": raw[FILES].find_one({"metadata.exp_key": mongo.exp_key})["_id"]})

    with pytest.raises(StoreError, match=f"{mongo.exp_key}/a is damaged"):
        mongo.store.attachment(mongo.exp_key, "a")


def test_looking_for_attachments_examines_those_of_the_place_alone(mongo, raw):
    for tid in range(30):
        mongo.store.attach(mongo.exp_key, "a", b"x", tid=tid)

    for wanted, order in (
        (files.shown_at(Place(exp_key=mongo.exp_key, tid=3, name="a"), [0, 1]), files.LATEST_FIRST),
        (files.shown(mongo.exp_key, 3, [0, 1]), None),
    ):
        command = {"find": FILES, "filter": wanted, **({"sort": dict(order)} if order else {})}
        stats = raw.command("explain", command, verbosity="executionStats")["executionStats"]
        assert (stats["nReturned"], stats["totalDocsExamined"]) == (1, 1)


def test_an_attachment_over_the_limit_of_its_reader_is_not_fetched(bench):
    bench.store.attach(bench.exp_key, "a", b"12345")

    assert bench.store.attachment(bench.exp_key, "a", max_bytes=5) == b"12345"
    with pytest.raises(TooLargeError, match=r"'a' of .* takes 5 bytes, more than 4, and was not fetched"):
        bench.store.attachment(bench.exp_key, "a", max_bytes=4)


def test_a_file_that_holds_more_than_its_document_says_is_not_read_to_its_end(mongo, raw):
    """A length that somebody altered must not get past the limit of a reader."""
    mongo.store.attach(mongo.exp_key, "a", b"x" * CHUNK_BYTES * (CHUNKS_A_CALL + 1))
    altered = {"length": 2 * CHUNKS_A_CALL, "chunkSize": 1}
    raw[FILES].update_one({"metadata.exp_key": mongo.exp_key}, {"$set": altered})
    raw.command("profile", 2)

    with pytest.raises(StoreError, match="is damaged"):
        mongo.store.attachment(mongo.exp_key, "a", max_bytes=2 * CHUNKS_A_CALL)

    raw.command("profile", 0)
    reads = raw["system.profile"].count_documents({"op": "query", "ns": f"{raw.name}.{CHUNKS}"})
    assert reads == 2  # the first page, and once more in case it was being replaced
