"""``hpsearch db backup`` and ``db restore``, on real databases."""

from __future__ import annotations

import gzip
import os
import stat
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import MongoClient
from pymongo.database import Database

from hpsearch.cli.backup_file import read_lines, write_lines
from hpsearch.core.trial import State
from hpsearch.errors import BackupError, StoreUnavailableError
from hpsearch.store.mongo.gridfs import CHUNK_BYTES
from hpsearch.store.mongo.schema import CHUNKS, EXPERIMENTS, FILES, TRIALS
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call

BACKED_UP = (EXPERIMENTS, TRIALS, FILES, CHUNKS)


@pytest.fixture
def kept(filled: MongoStore, documents: Database[dict[str, Any]]) -> MongoStore:
    """A search with attachments of several chunks, without coordinator and running trials."""
    filled.attach("search", "objective", b"\0code\xff" * CHUNK_BYTES)
    filled.attach("search", "model", b"weights", tid=2)
    filled.attach("search", "nothing", b"", tid=2)
    filled.cancel("search", {State.RUNNING})
    documents[TRIALS].update_one(
        {"_id": "search/000001"}, [{"$set": {"result": {"$literal": {"$date": 5, "n": 2**40, "b": b"\0"}}}}]
    )
    return filled


@pytest.fixture
def client(mongo_uri: str) -> Iterator[MongoClient[dict[str, Any]]]:
    with MongoClient[dict[str, Any]](mongo_uri) as opened:
        yield opened


@pytest.fixture
def elsewhere(mongo_uri: str) -> str:
    """URI of an empty database."""
    return mongo_uri.replace("/hpsearch?", f"/test_{uuid.uuid4().hex[:12]}?")


def content(client: MongoClient[dict[str, Any]], uri: str) -> dict[str, list[bytes]]:
    """Return all documents of a database in BSON."""
    database: Database[dict[str, Any]] = client[uri.rpartition("/")[2].partition("?")[0]]
    return {
        name: [bson.encode(document) for document in database[name].find(sort=[("_id", 1)])]
        for name in BACKED_UP
    }


@pytest.mark.parametrize("name", ["search.jsonl", "search.jsonl.gz"])
def test_every_field_of_every_document_comes_back_in_another_database(
    name: str, kept: MongoStore, uri: str, elsewhere: str, client: Any, call: Call, tmp_path: Path
) -> None:
    file = tmp_path / name
    assert call("db", "backup", str(file)).code == 0
    restored = call("db", "restore", str(file), "--store", elsewhere)
    assert (restored.code, restored.out) == (0, "")
    assert "Restored search with 7 trials." in restored.err
    assert (file.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")

    before = content(client, uri)
    assert [len(before[each]) for each in BACKED_UP] == [1, 7, 3, 7]
    assert content(client, elsewhere) == before


def test_a_search_goes_from_one_database_to_another_through_a_pipe(
    kept: MongoStore, uri: str, elsewhere: str, client: Any
) -> None:
    hpsearch = [sys.executable, "-m", "hpsearch", "db"]
    first = subprocess.Popen(
        [*hpsearch, "backup", "-"], env={**os.environ, "HPSEARCH_STORE": uri}, stdout=subprocess.PIPE
    )
    subprocess.run(
        [*hpsearch, "restore", "-"],
        env={**os.environ, "HPSEARCH_STORE": elsewhere},
        stdin=first.stdout,
        check=True,
        timeout=200,
    )
    assert first.wait() == 0
    assert content(client, elsewhere) == content(client, uri)


def test_a_running_trial_is_restored_as_pending_and_its_worker_may_still_finish_it(
    filled: MongoStore, call: Call, tmp_path: Path
) -> None:
    (running,) = filled.trials("search", states={State.RUNNING})
    filled.lead("search", "a coordinator", 600)
    file = str(tmp_path / "b")
    call("db", "backup", file)
    filled.delete_experiment("search")
    assert call("db", "restore", file).code == 0

    trial = filled.trial("search", running.tid)
    assert (trial.state, trial.lease_until) == (State.PENDING, None)
    assert trial.history[-1].why == "restored from a backup"
    assert filled.lead("search", "another", 60).is_mine
    assert filled.renew(running) == "held"


def test_an_existing_search_is_named_and_not_changed(
    kept: MongoStore, uri: str, client: Any, call: Call, tmp_path: Path
) -> None:
    file = str(tmp_path / "b")
    call("db", "backup", file)
    before = content(client, uri)
    refused = call("db", "restore", file)
    assert refused.code == 65
    assert "'search' exists in this database" in refused.err
    assert content(client, uri) == before


@pytest.mark.parametrize("is_packed", [False, True])
def test_a_truncated_file_restores_nothing(
    is_packed: bool, kept: MongoStore, elsewhere: str, client: Any, call: Call, tmp_path: Path
) -> None:
    file = tmp_path / "b.gz"
    call("db", "backup", str(file))
    whole = file.read_bytes() if is_packed else gzip.decompress(file.read_bytes())
    file.write_bytes(whole[: len(whole) * 2 // 3])
    refused = call("db", "restore", str(file), "--store", elsewhere)
    assert refused.code == 65
    assert "truncated" in refused.err or "is corrupt" in refused.err
    assert content(client, elsewhere) == {name: [] for name in BACKED_UP}


def test_a_corrupt_line_is_named_and_nothing_is_restored(
    kept: MongoStore, elsewhere: str, client: Any, call: Call, tmp_path: Path
) -> None:
    file = tmp_path / "b"
    call("db", "backup", str(file))
    lines = file.read_bytes().splitlines(keepends=True)
    lines[4] = lines[4].replace(b"{", b"(", 1)
    file.write_bytes(b"".join(lines))
    refused = call("db", "restore", str(file), "--store", elsewhere)
    assert (refused.code, refused.out) == (65, "")
    assert "Line 5 of the backup is corrupt: it is not JSON" in refused.err
    assert content(client, elsewhere) == {name: [] for name in BACKED_UP}


def test_one_of_several_searches_is_backed_up_and_restored(
    kept: MongoStore, documents: Any, elsewhere: str, client: Any, call: Call, tmp_path: Path
) -> None:
    document = documents[EXPERIMENTS].find_one({})
    documents[EXPERIMENTS].insert_one({**document, "_id": "other"})
    both, one = str(tmp_path / "both"), str(tmp_path / "one")
    assert "2 searches" in call("db", "backup", both).err
    assert "1 search with" in call("db", "backup", one, "--exp-key", "other").err
    assert call("db", "backup", one, "--exp-key", "othr").code == 4
    assert call("db", "restore", both, "--exp-key", "none", "--store", elsewhere).code == 4

    call("db", "restore", both, "--exp-key", "other", "--store", elsewhere)
    found = content(client, elsewhere)
    assert [bson.decode(each)["_id"] for each in found[EXPERIMENTS]] == ["other"]
    assert found[TRIALS] == []


def test_a_failed_backup_leaves_the_older_file_and_no_temporary_file(tmp_path: Path) -> None:
    file = tmp_path / "b.gz"
    file.write_text("the older one")

    def lines() -> Iterator[bytes]:
        yield b"first"
        raise StoreUnavailableError("MongoDB is away.")

    with pytest.raises(StoreUnavailableError):
        write_lines(str(file), lines())
    assert [path.read_text() for path in tmp_path.iterdir()] == ["the older one"]


def test_a_backup_replaces_the_older_file_and_only_its_owner_may_read_it(
    kept: MongoStore, call: Call, tmp_path: Path
) -> None:
    file = tmp_path / "b"
    file.write_text("the older one")
    assert call("db", "backup", str(file)).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert "the older one" not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_failed_restore_names_the_restored_searches_and_can_be_repeated(
    kept: MongoStore, documents: Any, uri: str, elsewhere: str, client: Any, call: Call, tmp_path: Path
) -> None:
    """The server refuses a document that hpsearch can read: earlier searches are complete, others absent."""
    other = {**documents[EXPERIMENTS].find_one({}), "_id": "zoo", "created_at": datetime.now(UTC)}
    documents[EXPERIMENTS].insert_one(other)
    trial = documents[TRIALS].find_one({"tid": 1})
    for tid, origin in enumerate(["tpe", "random"]):
        mine = {"_id": f"zoo/00000{tid}", "exp_key": "zoo", "tid": tid, "origin": origin}
        documents[TRIALS].insert_one({**trial, **mine})
    sound, bad = tmp_path / "sound", tmp_path / "bad"
    call("db", "backup", str(sound))
    lease = '"lease_until": {"$date": {"$numberLong": "0"}}'  # a finished trial has none
    bad.write_text(sound.read_text().replace('"origin": "tpe"', f'"origin": "tpe", {lease}'))

    failed = call("db", "restore", str(bad), "--store", elsewhere)
    assert failed.code == 65
    assert "Restored: search; not restored: zoo." in failed.err
    assert call("status", "zoo", "--store", elsewhere).code == 4

    assert call("delete", "zoo", "--yes", "--store", elsewhere).code == 0
    assert call("db", "restore", str(sound), "--exp-key", "zoo", "--store", elsewhere).code == 0
    assert content(client, elsewhere) == content(client, uri)


@pytest.mark.long
def test_a_named_pipe_is_written_and_read(
    kept: MongoStore, uri: str, elsewhere: str, client: Any, shell: Call, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        written = pool.submit(shell, "db", "backup", str(pipe))
        restored = shell("db", "restore", str(pipe), "--store", elsewhere)
    assert (written.result().code, restored.code) == (0, 0), restored.err
    assert content(client, elsewhere) == content(client, uri)
    assert pipe.is_fifo()


@pytest.mark.long
def test_reading_an_endless_line_stops_at_the_limit(tmp_path: Path) -> None:
    with (tmp_path / "b").open("wb+") as raw:
        raw.truncate(2**40)
        with pytest.raises(BackupError, match=r"Line 1 .* longer than any document"):
            list(read_lines(raw))


@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_a_file_that_cannot_be_opened_is_reported_in_one_sentence(
    verb: str, kept: MongoStore, call: Call, tmp_path: Path
) -> None:
    outcome = call("db", verb, str(tmp_path / "absent" / "b"))
    assert outcome.code == 65
    assert "No such file or directory" in outcome.err


def test_an_attachment_with_missing_chunks_is_reported_and_left_out(
    kept: MongoStore, documents: Any, elsewhere: str, client: Any, call: Call, tmp_path: Path
) -> None:
    file = documents[FILES].find_one({"metadata.name": "model"})
    documents[CHUNKS].delete_many({"files_id": file["_id"]})
    assert (
        "attachment search/000002/model is not in the backup" in call("db", "backup", str(tmp_path / "b")).err
    )
    assert call("db", "restore", str(tmp_path / "b"), "--store", elsewhere).code == 0
    assert len(content(client, elsewhere)[FILES]) == 2
