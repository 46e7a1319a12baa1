"""``hpsearch db init --users``, and a fleet of real processes under the users that it makes."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from tests.support.command_line import Call
from tests.support.fleet import OBJECTIVE, Fleet, wait_for_exit


@pytest.fixture
def administrator(tmp_path: Path, mongo_uri: str, new_database: str) -> Iterator[Any]:
    """Calls commands as the administrator, in a folder with a search."""
    (tmp_path / "search.py").write_text(OBJECTIVE)
    (tmp_path / "calls").touch()
    head, _, options = mongo_uri.partition("?")
    fleet = Fleet(tmp_path, f"{head.rpartition('/')[0]}/{new_database}?{options}")
    yield fleet
    fleet.end()


def users_of(output: str) -> dict[str, str]:
    return {urlsplit(uri).username or "": uri for uri in output.split()}


def test_a_fleet_searches_with_its_users_and_shows_no_password(administrator: Any, new_database: str) -> None:
    """A whole search ends well, and neither command lines, logs nor documents hold a password."""
    made = administrator.call("db", "init", "--users")
    assert made.returncode == 0, made.stderr
    uris = users_of(made.stdout)
    assert sorted(uris) == ["hpsearch_coordinator", "hpsearch_viewer", "hpsearch_worker"]
    passwords = [str(urlsplit(uri).password) for uri in (*uris.values(), administrator.uri)]

    arguments = ("--debug", "search.py", "--max-evals", "4", "--exp-key", "search")
    as_worker = {"HPSEARCH_STORE": uris["hpsearch_worker"], "SLEEP": "0.1"}
    worker = administrator.start("worker", "--debug", "--max-trials", "4", **as_worker)
    coordinator = administrator.start("coordinator", *arguments, HPSEARCH_STORE=uris["hpsearch_coordinator"])
    listed = [Path(f"/proc/{p.pid}/cmdline").read_text() for p in (worker, coordinator)]
    assert wait_for_exit(coordinator) == 0, administrator.output(coordinator)
    assert wait_for_exit(worker) == 0, administrator.output(worker)
    refused = administrator.start(
        "coordinator", "search.py", "--exp-key", "other", HPSEARCH_STORE=uris["hpsearch_viewer"]
    )
    assert wait_for_exit(refused) == 77
    assert "the role hpsearch_coordinator" in administrator.output(refused)
    assert "Traceback" not in administrator.output(refused)

    with MongoClient[dict[str, Any]](administrator.uri) as client:
        names = client[new_database].list_collection_names(
            filter={"type": "collection", "name": {"$ne": "system.views"}}
        )
        documents = [repr(document) for name in names for document in client[new_database][name].find()]
    shown = [*listed, *documents, made.stderr, *map(administrator.output, (worker, coordinator, refused))]
    assert len(documents) > 4
    assert [password for password in passwords if any(password in text for text in shown)] == []


def test_a_second_run_changes_passwords_only_on_request(call: Call, tmp_path: Path) -> None:
    """The first URIs go on working; rotated ones replace them, in a file that is the owner's alone."""
    first = users_of(call("db", "init", "--users").out)
    again = call("db", "init", "--users")
    assert (again.code, again.out) == (0, "")
    assert "keeps the password" in again.err
    assert call("status", "--store", first["hpsearch_viewer"]).code == 0

    path = tmp_path / "uris"
    rotated = call("db", "init", "--users", "--rotate", "--users-file", str(path))
    assert (rotated.code, rotated.out) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = users_of(path.read_text())
    for uri, code in ((first["hpsearch_viewer"], 77), (second["hpsearch_viewer"], 0)):
        viewed = call("status", "--store", uri)
        assert viewed.code == code, viewed.err
    taken = call("db", "init", "--users", "--rotate", "--users-file", str(path))
    assert taken.code == 78
    assert "name a new file" in taken.err
    assert users_of(path.read_text()) == second
