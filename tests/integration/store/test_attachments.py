"""Attachments on MongoDB: the layout of GridFS, and the remains of killed processes."""

from __future__ import annotations

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gridfs as driver_gridfs
import pytest
from pymongo import MongoClient, monitoring
from pymongo.database import Database

from hpsearch.errors import StoreError
from hpsearch.store.mongo import gridfs
from hpsearch.store.mongo.attachments import Attachments
from hpsearch.store.mongo.gridfs import CHUNK_BYTES, CHUNKS_A_CALL, Place
from hpsearch.store.mongo.schema import CHUNKS, FILES
from hpsearch.store.mongo.store import MongoStore
from hpsearch.testing import StoreDriver
from tests.support.store_driver import mongo_driver


@pytest.fixture
def raw(raw_database: Database[dict[str, Any]]) -> Database[dict[str, Any]]:
    return raw_database


@pytest.fixture
def mongo(mongo_store: MongoStore) -> StoreDriver:
    return mongo_driver(mongo_store)


def left_over(raw: Any, exp_key: str) -> tuple[int, int]:
    """Return the number of files of an experiment, and of chunks without a file."""
    ids = raw[FILES].distinct("_id")
    return raw[FILES].count_documents({"metadata.exp_key": exp_key}), raw[CHUNKS].count_documents(
        {"files_id": {"$nin": ids}}
    )


def test_gridfs_reads_attachments(mongo: StoreDriver, raw: Any) -> None:
    data = bytes(range(256)) * 2048
    mongo.store.attach(mongo.exp_key, "model.bin", data, tid=17, attempt=2)

    bucket = driver_gridfs.GridFSBucket(raw, "attachments")

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


def test_replaced_and_detached_attachments_take_no_space(mongo: StoreDriver, raw: Any) -> None:
    for data in (b"1" * CHUNK_BYTES, b"2", b"3" * CHUNK_BYTES):
        mongo.store.attach(mongo.exp_key, "a", data)
    assert left_over(raw, mongo.exp_key) == (1, 0)

    mongo.store.detach(mongo.exp_key, "a")
    assert left_over(raw, mongo.exp_key) == (0, 0)


def test_an_attachment_can_be_larger_than_a_document(mongo: StoreDriver) -> None:
    data = b"0123456789abcdef" * (CHUNK_BYTES // 16 * (CHUNKS_A_CALL * 17 + 1) + 1)
    mongo.store.attach(mongo.exp_key, "a", data)

    assert len(data) > 2**24
    assert mongo.store.attachment(mongo.exp_key, "a") == data


def test_an_unfinished_upload_is_invisible_and_removed_by_the_next(mongo: StoreDriver, raw: Any) -> None:
    place = Place(exp_key=mongo.exp_key, tid=None, name="a")
    unfinished = gridfs.file_document("dead", place, 0, 5, 4)
    raw[FILES].update_one({"_id": "dead"}, gridfs.begin(unfinished), upsert=True)
    raw[CHUNKS].insert_one({"files_id": "dead", "n": 0, "data": b"ha"})
    assert mongo.store.attachments(mongo.exp_key) == []

    mongo.store.attach(mongo.exp_key, "a", b"x")

    assert mongo.store.attachment(mongo.exp_key, "a") == b"x"
    assert left_over(raw, mongo.exp_key) == (1, 0)


def test_a_file_with_missing_chunks_is_corrupt(mongo: StoreDriver, raw: Any) -> None:
    mongo.store.attach(mongo.exp_key, "a", b"x")
    raw[CHUNKS].delete_many({"files_id": raw[FILES].find_one({"metadata.exp_key": mongo.exp_key})["_id"]})

    with pytest.raises(StoreError, match=f"{mongo.exp_key}/a is corrupt"):
        mongo.store.attachment(mongo.exp_key, "a")


def test_looking_up_an_attachment_examines_only_its_files(mongo: StoreDriver, raw: Any) -> None:
    for tid in range(30):
        mongo.store.attach(mongo.exp_key, "a", b"x", tid=tid)

    for wanted, order in (
        (gridfs.visible_at(Place(exp_key=mongo.exp_key, tid=3, name="a"), [0, 1]), gridfs.LATEST_FIRST),
        (gridfs.visible(mongo.exp_key, 3, [0, 1]), None),
    ):
        command = {"find": FILES, "filter": wanted, **({"sort": dict(order)} if order else {})}
        stats = raw.command("explain", command, verbosity="executionStats")["executionStats"]
        assert (stats["nReturned"], stats["totalDocsExamined"]) == (1, 1)


def test_a_file_longer_than_its_document_says_is_not_read_to_its_end(mongo: StoreDriver, raw: Any) -> None:
    """A corrupt length must not bypass the limit of a reader."""
    mongo.store.attach(mongo.exp_key, "a", b"x" * CHUNK_BYTES * (CHUNKS_A_CALL + 1))
    altered = {"length": 2 * CHUNKS_A_CALL, "chunkSize": 1}
    raw[FILES].update_one({"metadata.exp_key": mongo.exp_key}, {"$set": altered})
    raw.command("profile", 2)

    with pytest.raises(StoreError, match="is corrupt"):
        mongo.store.attachment(mongo.exp_key, "a", max_bytes=2 * CHUNKS_A_CALL)

    raw.command("profile", 0)
    reads = raw["system.profile"].count_documents({"op": "query", "ns": f"{raw.name}.{CHUNKS}"})
    assert reads == 2  # the first page, and once more in case it was being replaced


def test_small_attachments_take_few_round_trips_and_a_large_one_no_copy(
    mongo: StoreDriver, mongo_uri: str
) -> None:
    calls = Calls()
    with MongoClient[dict[str, Any]](mongo_uri, event_listeners=[calls]) as client:
        attachments = Attachments(_Called(), client[mongo.store.database])
        attachments.write(mongo.exp_key, 0, {f"fold{i}": b"x" * 100 for i in range(3000)}, 1)
        assert len(calls.names) <= 40
        assert mongo.store.n_attachments(mongo.exp_key) == 3000

        data = bytes(30 * 2**20)
        tracemalloc.start()
        attachments.write(mongo.exp_key, 0, {"large": data}, 1)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < len(data) / 3


class Calls(monitoring.CommandListener):
    """Records the commands that the driver sends."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def started(self, event: Any) -> None:
        self.names.append(event.command_name)

    def succeeded(self, event: Any) -> None: ...

    def failed(self, event: Any) -> None: ...


class _Called:
    """A connection that does not repeat calls."""

    def call(self, action: Any, *args: Any, **options: Any) -> Any:
        return action(*args, **options)


def test_deleting_an_attachment_during_its_upload_leaves_nothing(mongo: StoreDriver, raw: Any) -> None:
    """The attachments of the same call are stored."""
    contents = {"a": b"1" * CHUNK_BYTES, "b": b"2" * 8 * CHUNK_BYTES, "c": b"3" * 8 * CHUNK_BYTES}
    is_over = threading.Event()

    def detach() -> int:
        n_calls = 0
        while not is_over.is_set():
            mongo.store.detach(mongo.exp_key, "b")
            n_calls += 1
        return n_calls

    with ThreadPoolExecutor(1) as pool:
        detaching = pool.submit(detach)
        for _ in range(10):
            mongo.store.attach_all(mongo.exp_key, contents)
        is_over.set()
        assert detaching.result() > 0
    mongo.store.detach(mongo.exp_key, "b")

    assert mongo.store.attachments(mongo.exp_key) == ["a", "c"]
    assert left_over(raw, mongo.exp_key) == (2, 0)
