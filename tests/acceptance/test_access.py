"""A fleet of real processes whose user MongoDB refuses for a while."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from hpsearch.core.trial import State
from hpsearch.store.mongo.roles import WORKER, privileges
from hpsearch.store.mongo.schema import WORKERS
from tests.support.fleet import OBJECTIVE, Fleet, wait_for_exit
from tests.support.servers import Server
from tests.support.waiting import wait_until


class Locked:
    """A fleet whose processes read their URIs from files, and the administrator of its server."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        self.name = f"access_{uuid.uuid4().hex[:8]}"
        uri = f"mongodb://root:root@127.0.0.1:{server.port}/{self.name}?authSource=admin"
        self.fleet = Fleet(folder, uri)
        self.passwords: list[str] = []

    def admit(self, *options: str) -> None:
        """Make the users, or give them new passwords, and write their files."""
        made = self.fleet.call("db", "init", "--users", *options)
        assert made.returncode == 0, made.stderr
        for uri in made.stdout.split():
            parts = urlsplit(uri)
            self.passwords.append(str(parts.password))
            file = self.file(str(parts.username).removeprefix("hpsearch_"))
            file.touch(mode=0o600)
            file.write_text(uri)

    def file(self, part: str) -> Path:
        return self.folder / f"{part}.uri"

    def hide(self, part: str) -> None:
        """Write the file only later, as when an administrator copies it to each machine."""
        self.file(part).rename(self.file(f"new-{part}"))

    def show(self, part: str) -> None:
        self.file(f"new-{part}").replace(self.file(part))

    def start(self, part: str, *args: str, **env: str) -> Popen[str]:
        place = {"HPSEARCH_STORE": "", "HPSEARCH_STORE_FILE": str(self.file(part))}
        return self.fleet.start(part, *args, **{**place, **env})

    def restart_server(self) -> None:
        assert self.server.process is not None
        self.server.process.terminate()
        self.server.process.wait()
        self.server.start()

    def command(self, *args: Any, **fields: Any) -> None:
        with MongoClient[dict[str, Any]](self.fleet.uri) as client:
            client[self.name].command(*args, **fields)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Locked]:
    server = Server(tmp_path / "m", "--auth")
    server.start()
    with server.client() as client:
        client.admin.command("createUser", "root", pwd="root", roles=["root"])
    (tmp_path / "search.py").write_text(OBJECTIVE)
    (tmp_path / "calls").touch()
    made = Locked(tmp_path, server)
    made.admit()
    yield made
    made.fleet.end()
    server.kill()


@pytest.mark.long
def test_a_password_rotation_loses_no_evaluation_and_ends_no_process(locked: Locked) -> None:
    """They wait, read their files again, and go on; the objective was called once for each trial."""
    fleet = locked.fleet
    coordinator = locked.start("coordinator", "search.py", "--max-evals", "2", "--lease", "5s")
    worker = locked.start("worker", "--exp-key", "search", SLEEP="3")
    wait_until(lambda: fleet.calls() == 1, "a trial that runs")
    locked.admit("--rotate")
    for part in ("coordinator", "worker"):
        locked.hide(part)
    locked.restart_server()
    for process in (coordinator, worker):
        wait_until(lambda p=process: "refuses this user" in fleet.output(p), "a refusal")
    for part in ("coordinator", "worker"):
        locked.show(part)

    assert wait_for_exit(coordinator) == 0, fleet.output(coordinator)
    worker.terminate()
    assert wait_for_exit(worker) == 0, fleet.output(worker)
    assert [(t.state, t.attempt) for t in fleet.trials()] == [(State.DONE, 1)] * 2
    assert fleet.calls() == 2
    for process in (coordinator, worker):
        output = fleet.output(process)
        assert output.count("refuses this user") == output.count("accepts this user again") == 1
        assert [p for p in locked.passwords if p in output] == []


@pytest.mark.long
def test_a_process_whose_login_is_refused_for_too_long_exits(locked: Locked) -> None:
    fleet = locked.fleet
    coordinator = locked.start("coordinator", "search.py", "--auth-patience", "1s")
    worker = locked.start("worker", "--auth-patience", "1s", SLEEP="0.1")
    wait_until(lambda: fleet.calls() > 0, "trials")
    locked.admit("--rotate")
    for part in ("coordinator", "worker"):
        locked.hide(part)
    locked.restart_server()

    for process in (coordinator, worker):
        assert wait_for_exit(process) == 77, fleet.output(process)
        assert "Traceback" not in fleet.output(process)
        assert "refuses this user: Authentication failed" in fleet.output(process).splitlines()[-1]


def test_wrong_credentials_at_the_start_exit_at_once(locked: Locked) -> None:
    uri = locked.file("worker").read_text()
    locked.file("worker").write_text(next(uri.replace(p, "wrong") for p in locked.passwords if p in uri))
    worker = locked.start("worker")
    coordinator = locked.start("coordinator", "search.py", HPSEARCH_STORE_FILE=str(locked.file("viewer")))
    for process in (worker, coordinator):
        assert wait_for_exit(process) == 77, locked.fleet.output(process)
        assert "Waiting" not in locked.fleet.output(process)


@pytest.mark.long
def test_a_missing_right_on_other_collections_loses_no_lease(locked: Locked) -> None:
    """The worker may not speak in the registry any more; its trial outlasts several leases."""
    fleet = locked.fleet
    coordinator = locked.start("coordinator", "search.py", "--max-evals", "1", "--lease", "1s")
    worker = locked.start("worker", "--max-trials", "1", SLEEP="12")
    wait_until(lambda: fleet.calls() == 1, "a trial that runs")
    kept = [p for p in privileges(WORKER, locked.name) if p["resource"]["collection"] != WORKERS]
    locked.command("createRole", "silent", privileges=kept, roles=[])
    locked.command("updateUser", WORKER.name, roles=["silent"])

    assert wait_for_exit(worker) == 0, fleet.output(worker)
    assert wait_for_exit(coordinator) == 0, fleet.output(coordinator)
    assert [(t.state, t.attempt) for t in fleet.trials()] == [(State.DONE, 1)]
    assert "refuses this user the action update on workers" in fleet.output(worker)
