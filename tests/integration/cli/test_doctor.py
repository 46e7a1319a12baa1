"""``hpsearch doctor`` and ``db check``, on real servers with real faults."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from hpsearch.core.worker import Worker, WorkerState
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.preparation import COLLECTIONS_AND_VIEWS
from hpsearch.store.mongo.roles import ROLES
from hpsearch.store.mongo.setup import Setup
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.mongo.uri import uri_for_user
from tests.support.command_line import Call, Outcome
from tests.support.servers import Server

PATIENCE = Patience(120)


def findings(outcome: Outcome) -> dict[str, dict[str, str]]:
    """Return the findings of a command's JSON by name."""
    answer = json.loads(outcome.out)
    (kind,) = answer.keys() - {"schema"}
    assert answer["schema"] == f"hpsearch.{kind}/1"
    return {finding["name"]: finding for finding in answer[kind]}


def faults(outcome: Outcome) -> dict[str, str]:
    return {name: f["verdict"] for name, f in findings(outcome).items() if f["verdict"] != "ok"}


def test_a_prepared_database_has_no_faults(call: Call, documents: Database[dict[str, Any]]) -> None:
    outcome = call("db", "check")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.endswith("\nNothing to fix.\n")
    found = findings(call("db", "check", "--json"))
    assert f"MongoDB {documents.client.server_info()['version']}" in found["server"]["text"]
    assert found["topology"]["text"] == "a replica set of 1 member"
    assert found["rights"]["text"].startswith("enough for hpsearch_viewer, hpsearch_worker, hpsearch_coord")


def test_the_status_of_the_private_server_says_how_to_connect(call: Call) -> None:
    outcome = call("db", "status")
    assert outcome.code == 0
    assert re.search(r'^connect with: \S*mongosh "\$\(hpsearch db start\)"$', outcome.out, re.MULTILINE)


def test_a_missing_index_a_changed_validator_and_an_extra_index_are_found(
    call: Call, documents: Database[dict[str, Any]]
) -> None:
    documents.trials.drop_index("queue")
    documents.command("collMod", "workers", validator={})
    documents.trials.create_index("loss", name="mine")
    outcome = call("db", "check", "--json")
    assert outcome.code == 78
    found = findings(outcome)
    assert faults(outcome) == {"preparation": "problem", "other indexes": "warning"}
    assert found["preparation"]["text"].endswith(": index trials.queue, validator of workers")
    assert found["other indexes"]["text"].startswith("trials.mine")


def test_invalid_and_orphaned_documents_are_found(call: Call, documents: Database[dict[str, Any]]) -> None:
    """Each kind with an example."""
    long_ago = datetime.now(UTC) - timedelta(days=1)
    running = documents.trials.find_one({"state": "running"})
    documents.trials.update_one({"_id": running["_id"]}, {"$set": {"lease_until": long_ago}})
    stray = {**running, "_id": "deleted/000000", "exp_key": "deleted", "owner": "another", "state": "pending"}
    del stray["lease_until"]
    documents.trials.insert_one(stray)
    documents.trials.update_one(
        {"tid": 1, "exp_key": running["exp_key"]}, {"$unset": {"loss": ""}}, bypass_document_validation=True
    )
    place = {"tid": None, "name": "a", "attempt": 0, "version": 1}
    file = {"filename": "x", "length": 1, "chunkSize": 1, "uploadDate": long_ago}
    documents["attachments.files"].insert_many(
        [
            {**file, "metadata": {**place, "exp_key": "deleted", "state": "stored"}},
            {**file, "metadata": {**place, "exp_key": running["exp_key"], "state": "uploading"}},
        ]
    )
    documents.experiments.update_one({"_id": running["exp_key"]}, {"$set": {"schema": 99}})

    outcome = call("db", "check", "--json")
    assert outcome.code == 78
    assert faults(outcome) == {
        "documents of trials": "problem",
        "newer experiments": "problem",
        "trials without experiment": "warning",
        "attachments without experiment": "warning",
        "uploads cut short": "warning",
        "overdue trials": "warning",
    }
    found = findings(outcome)
    assert found["trials without experiment"]["text"].startswith("1, such as deleted/000000: ")
    assert found["overdue trials"]["text"].startswith(f"1, such as {running['_id']}: ")
    assert found["documents of trials"]["text"].startswith(f"1, such as {running['exp_key']}/000001: ")


def test_the_rights_of_a_user_are_matched_with_the_roles(
    call: Call, uri: str, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a user may not see is unknown, which is no fault."""
    with Setup(uri, PATIENCE) as setup:
        for each in COLLECTIONS_AND_VIEWS:
            setup.prepare(each)
        for role in ROLES:
            setup.define(role)
        uris = {role.name: setup.set_user(role) for role in ROLES}
    enough = {
        "hpsearch_viewer": "enough for hpsearch_viewer",
        "hpsearch_worker": "enough for hpsearch_viewer, hpsearch_worker",
        "hpsearch_coordinator": "enough for hpsearch_viewer, hpsearch_coordinator",
    }
    for name, user_uri in uris.items():
        monkeypatch.setenv("HPSEARCH_STORE", user_uri)
        outcome = call("db", "check", "--json")
        assert (outcome.code, faults(outcome)) == (0, {}), name
        found = findings(outcome)
        assert found["rights"]["text"] == enough[name]
        assert found["authentication"]["text"] == f"user {name}"
        assert found["disk"]["text"].startswith("unknown")
    with MongoClient[dict[str, Any]](uri) as client:
        client[database].command("createUser", "no_rights", pwd="x", roles=[])
    monkeypatch.setenv("HPSEARCH_STORE", uri_for_user(uri, database, "no_rights", "x"))
    outcome = call("db", "check", "--json")
    assert outcome.code == 78
    assert findings(outcome)["rights"]["verdict"] == "problem"


def test_a_standalone_server_without_users_is_recognized(
    call: Call, standalone_server: Server, new_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPSEARCH_STORE", f"{standalone_server.uri}{new_database}")
    outcome = call("db", "check", "--json")
    assert outcome.code == 78
    found = findings(outcome)
    assert found["topology"]["text"].startswith("a standalone server")
    assert (
        found["authentication"]["text"] == "the server lets in every user of this machine without a password"
    )
    assert found["preparation"]["verdict"] == "problem"
    assert found["rights"]["verdict"] == "ok"


def test_the_doctor_checks_machine_settings_and_database_and_prints_no_secret(
    call: Call, documents: Database[dict[str, Any]], uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = uri.partition("://")[2].partition("@")[0].partition(":")[2]
    monkeypatch.setenv("HPSEARCH_SECRET", "a very secret secret")
    monkeypatch.setenv("HPSEARCH_STOER", f"mongodb://me:{password}@elsewhere/")
    monkeypatch.setenv("HPSEARCH_MONGO_WORKER_MONGO", f"mongo://me:{password}@elsewhere/db/jobs")
    for arguments in (("doctor",), ("doctor", "--json"), ("doctor", "--store", uri)):
        outcome = call(*arguments)
        assert outcome.code == 0, outcome.err
        output = outcome.out + outcome.err
        assert password not in output
        assert "a very secret secret" not in output
    found = findings(call("doctor", "--json"))
    assert {"python", "packages", "extras", "home", "secret", "topology", "overdue trials"} <= found.keys()
    assert found["secret"]["text"] == "from the variable HPSEARCH_SECRET"
    text = call("doctor", "--store", uri).out
    assert "did you mean HPSEARCH_STORE?" in text
    assert "--store is mongodb://hpsearch@" in text
    assert "from the command line" in text


def test_the_doctor_names_the_store_file_but_not_its_content(
    call: Call, documents: Database[dict[str, Any]], uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HPSEARCH_STORE")
    file = tmp_path / "store"
    file.touch(0o600)
    file.write_text(uri)

    outcome = call("doctor", "--store-file", str(file))

    assert outcome.code == 0, outcome.out
    assert f"--store-file is {file}, from the command line" in " ".join(outcome.out.split())
    assert uri not in outcome.out + outcome.err


def test_the_doctor_works_without_a_database(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreachable database is a finding among others."""
    monkeypatch.setenv("HPSEARCH_STORE", "mongodb://127.0.0.1:1/runs?serverSelectionTimeoutMS=100")
    outcome = call("doctor", "--json")
    assert outcome.code == 78
    found = findings(outcome)
    assert "cannot be reached" in found["database"]["text"]
    assert found["python"]["verdict"] == "ok"
    assert call("db", "check").code == 69


def nowhere(tmp_path: Path) -> str:
    (tmp_path / "file").touch()
    return str(tmp_path / "file" / "below")


def a_file(tmp_path: Path) -> str:
    (tmp_path / "file").touch()
    return str(tmp_path / "file")


def a_link(tmp_path: Path) -> str:
    (tmp_path / "link").symlink_to(tmp_path)
    return str(tmp_path / "link")


def logs_are_a_file(tmp_path: Path) -> str:
    (tmp_path / "logs").touch()
    return str(tmp_path)


def logs_of_a_search_are_a_link(tmp_path: Path) -> str:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "search").symlink_to(tmp_path)
    return str(tmp_path)


def server_is_a_link(tmp_path: Path) -> str:
    (tmp_path / "mongod").symlink_to(tmp_path)
    return str(tmp_path)


def server_folder_with_other_files(tmp_path: Path) -> str:
    (tmp_path / "mongod").mkdir(mode=0o700)
    (tmp_path / "mongod" / "thesis.tex").touch()
    return str(tmp_path)


def unknown_home(tmp_path: Path) -> str:
    return "~no-such-user/data"


@pytest.mark.parametrize(
    "obstructed",
    [
        nowhere,
        a_file,
        a_link,
        logs_are_a_file,
        logs_of_a_search_are_a_link,
        server_is_a_link,
        server_folder_with_other_files,
        unknown_home,
    ],
)
def test_the_doctor_reports_an_unusable_folder(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstructed: Any
) -> None:
    home = obstructed(tmp_path)
    monkeypatch.setenv("HPSEARCH_HOME", home)
    before = sorted(tmp_path.rglob("*"))

    for store in ("mongodb://127.0.0.1:1/runs?serverSelectionTimeoutMS=100", ""):
        monkeypatch.setenv("HPSEARCH_STORE", store)
        outcome = call("doctor", "--json")

        assert outcome.code == 78
        found = findings(outcome)
        assert found["home"]["verdict"] == "problem"
        assert home.partition("/")[0] in found["home"]["text"]
        assert {"python", "secret", "setting", "database"} <= found.keys()
    assert sorted(tmp_path.rglob("*")) == before


def test_the_doctor_creates_no_folder(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HPSEARCH_STORE")
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "new"))

    assert findings(call("doctor", "--json"))["home"]["verdict"] == "ok"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("HPSEARCH_WORKER_CONCURRENCY", "many", "'many'"),
        ("HPSEARCH_RUN_MAX_EVALS", "-3", "-3"),
        ("HPSEARCH_RUN_TIMEOUT", "soon", "'soon' is not a duration"),
        ("HPSEARCH_FORMAT", "xml", "'xml'"),
        ("HPSEARCH_MONGO_WORKER_MAX_JOBS", "all", "'all'"),
        # Variables of the doctor itself.
        ("HPSEARCH_DEBUG", "perhaps", "'perhaps'"),
        ("HPSEARCH_JSON", "perhaps", "'perhaps'"),
        ("HPSEARCH_STORE_FILE", "/", "directory"),
        ("HPSEARCH_WORKER_LEASE", "mongodb://me:hunter2@host/", "HPSEARCH_WORKER_LEASE"),
        ("HPSEARCH_RUN_MAX_EVALS", "me:hunter2@host", "not a valid value of this option"),
    ],
)
def test_the_doctor_reports_an_invalid_value_of_a_variable(
    call: Call, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)

    outcome = call("doctor", "--json")

    bad = [f for f in json.loads(outcome.out)["doctor"] if f["name"] == "setting" and f["verdict"] != "ok"]
    assert len(bad) == 1
    assert bad[0]["text"].startswith(f"{variable} is ")
    assert words in bad[0]["text"]
    assert "hunter2" not in outcome.out + outcome.err


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("HPSEARCH_STORE_FILE", "/no/such/file", "database"),
        ("HPSEARCH_STORE", "localhost:27017", "database"),
        ("HPSEARCH_SECRET_FILE", "/no/such/file", "secret"),
        ("HPSEARCH_SECRET", "short", "secret"),
        ("HPSEARCH_MONGOD", "/no/such/program", "mongod"),
    ],
)
def test_the_doctor_reports_an_unusable_setting(
    call: Call, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str
) -> None:
    monkeypatch.setenv(variable, value)

    outcome = call("doctor", "--json")

    assert outcome.code == 78
    assert findings(outcome)[name]["verdict"] == "problem"
    assert "python" in findings(outcome)


def test_the_doctor_works_without_a_home_and_a_working_folder(uri: str, tmp_path: Path) -> None:
    (deleted := tmp_path / "deleted").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/no/such/home",
        "HPSEARCH_HOME": "relative",
        "HPSEARCH_STORE": uri,
        "HPSEARCH_RUN_SEED": "\udcff",  # no text in any encoding
    }
    script = f"cd {deleted} && rmdir {deleted} && exec {sys.executable} -P -m hpsearch doctor --json"
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=200)

    found = {f["name"]: f for f in json.loads(done.stdout)["doctor"]}
    assert done.returncode == 78, done.stderr
    assert "was deleted" in found["home"]["text"]
    assert "Traceback" not in done.stderr
    assert "topology" in found


def test_a_search_with_idle_workers_and_without_a_coordinator_is_found(
    call: Call, documents: Database[dict[str, Any]], filled: MongoStore
) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    documents.experiments.update_one({}, {"$set": {"created_at": long_ago}})

    def verdict_with(*workers: Worker) -> str:
        documents.workers.delete_many({})
        for worker in workers:
            filled.record_worker(worker, 60)
        return findings(call("doctor", "--json"))["searches without coordinator"]["verdict"]

    for_all = Worker(name="for all", host="a", pid=1)
    assert verdict_with() == "ok"
    assert verdict_with(replace(for_all, exp_keys=("other",))) == "ok"
    assert verdict_with(replace(for_all, state=WorkerState.BUSY)) == "ok"
    assert verdict_with(replace(for_all, exp_keys=("other", "search"))) == "warning"
    assert verdict_with(for_all) == "warning"
    assert "1, such as search: " in call("db", "check").out

    leader = {"owner": "a", "epoch": 1, "lease_until": datetime.now(UTC) + timedelta(seconds=30)}
    documents.experiments.update_one({}, {"$set": {"coordinator": {**leader, "lease_s": 60.0}}})
    assert verdict_with(for_all) == "ok"
    documents.experiments.update_one({}, {"$set": {"state": "paused", "coordinator.lease_until": None}})
    assert verdict_with(for_all) == "ok"


@pytest.mark.parametrize("of", ["trials", "experiments"])
def test_a_lease_from_before_the_clock_was_set_back_is_found(
    call: Call, documents: Database[dict[str, Any]], of: str
) -> None:
    late = datetime.now(UTC) + timedelta(hours=1)
    if of == "trials":
        documents.trials.update_one({"state": "running"}, {"$set": {"lease_until": late}})
    else:
        leader = {"owner": "a", "epoch": 1, "lease_until": late, "lease_s": 30.0}
        documents.experiments.update_one({}, {"$set": {"coordinator": leader}})

    found = findings(call("db", "check", "--json"))["leases"]

    assert found["verdict"] == "warning"
    assert found["text"].startswith("1, such as search")
