"""Starting, sharing and stopping the private server, with real processes."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient, WriteConcern
from pymongo.errors import OperationFailure

from hpsearch.errors import ConfigurationError
from hpsearch.mongod import ephemeral_mongod, find_mongod, private_mongod, start_pinned, status, stop
from hpsearch.mongod.directory import Directory
from tests.support.waiting import wait_until

USER = """
import sys
from pathlib import Path
from hpsearch.mongod import private_mongod
with private_mongod(Path(sys.argv[1])) as server:
    print(server.uri, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Yield the folder of a server; stop what the test left running."""
    path = tmp_path / "private"
    yield path
    wait_until(lambda: stop(path))  # the keeper may hold the users' lock for the instant in which it looks
    wait_until(lambda: not processes_of(path))


def processes_of(folder: Path) -> dict[int, str]:
    """Return the command lines of the server and the keeper of a folder, by process number."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            command = (process / "cmdline").read_text().replace("\0", " ")
            if f"--dbpath {folder}" in command or f"hpsearch.mongod.auto_stop {folder}" in command:
                found[int(process.name)] = command
    return found


def has_keeper(folder: Path) -> bool:
    """Return whether a keeper holds its lock; a killed one releases it after it left the process list."""
    lock = Directory(folder).lock_as_keeper()
    if lock is None:
        return True
    lock.close()
    return False


def pid_of(folder: Path) -> int:
    """Return the process number of the running server."""
    pid = status(folder).pid
    assert pid is not None
    return pid


@contextmanager
def user_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Run another process that uses the server until its input ends."""
    command = [sys.executable, "-c", USER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def uri_from(process: subprocess.Popen[str]) -> str:
    """Wait for the URI that a user process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def note(uri: str, value: str) -> None:
    """Write a document with a majority of one, as the store does."""
    with MongoClient[dict[str, Any]](uri) as client:
        notes = client.test.get_collection("notes", write_concern=WriteConcern("majority"))
        notes.insert_one({"_id": value})


def notes(uri: str) -> list[str]:
    """Read what ``note`` wrote."""
    with MongoClient[dict[str, Any]](uri) as client:
        return [document["_id"] for document in client.test.notes.find().sort("_id")]


def test_new_server_is_a_primary_on_the_loopback_address_only(folder: Path) -> None:
    with private_mongod(folder) as server, MongoClient[dict[str, Any]](server.uri) as client:
        hello = client.admin.command("hello")
        options = client.admin.command("getCmdLineOpts")["parsed"]

    assert hello["isWritablePrimary"]
    assert hello["setName"] == "hpsearch"
    assert options["net"]["bindIp"] == "127.0.0.1"


def test_no_password_and_a_wrong_one_are_refused(folder: Path) -> None:
    """Other local users can connect to the port, but cannot log in."""
    with private_mongod(folder) as server:
        address = urlsplit(server.uri).netloc.split("@")[1]
        for login in ("", "hpsearch:guess@"):
            with (
                MongoClient[dict[str, Any]](f"mongodb://{login}{address}") as client,
                pytest.raises(OperationFailure) as refusal,
            ):
                client.test.notes.find_one()
            assert refusal.value.code in {13, 18}


def test_other_users_can_read_nothing_in_the_folder(folder: Path) -> None:
    with private_mongod(folder):
        open_to_others = [path for path in [folder, *folder.rglob("*")] if path.stat().st_mode & 0o077]

    assert open_to_others == []


def test_password_is_in_neither_the_process_list_nor_the_log(folder: Path) -> None:
    with private_mongod(folder) as server:
        password = urlsplit(server.uri).password
        commands = processes_of(folder).values()

        assert len(commands) == 2
        assert password
        assert not any(password in command for command in commands)
        assert password not in (folder / "mongod.log").read_text()
        assert (folder / "keeper.log").read_text() == ""


def test_server_and_keeper_inherit_neither_settings_nor_secrets(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They run for days, and need neither the secret nor the address of another database."""
    settings = {
        "HPSEARCH_SECRET": "sixteen bytes or more",
        "HPSEARCH_SECRET_FILE": "/secret",
        "HPSEARCH_STORE": "mongodb://me:password@elsewhere/",
        "HPSEARCH_STORE_FILE": "/store",
        "HPSEARCH_MONGO_WORKER_MONGO": "mongo://me:password@elsewhere/db/jobs",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)

    with private_mongod(folder):
        processes = processes_of(folder)
        assert len(processes) == 2
        for pid in processes:
            environment = Path(f"/proc/{pid}/environ").read_text()
            assert "PATH=" in environment
            assert "HPSEARCH_" not in environment


def test_terminal_signals_do_not_reach_the_server(folder: Path) -> None:
    """Ctrl-C goes to the session of the terminal; the server has its own session."""
    with private_mongod(folder):
        sessions = {os.getsid(pid) for pid in processes_of(folder)}

    assert os.getsid(0) not in sessions


def test_next_start_reuses_data_and_port(folder: Path) -> None:
    with private_mongod(folder) as server:
        first = server.uri
        note(first, "kept")
    wait_until(lambda: status(folder).pid is None)

    with private_mongod(folder) as server:
        assert server.uri == first
        assert notes(server.uri) == ["kept"]


def test_port_in_use_is_replaced_and_data_are_kept(folder: Path) -> None:
    """The member's address in the replica set must follow the port."""
    with private_mongod(folder) as server:
        note(server.uri, "kept")
        address = urlsplit(server.uri).netloc.split("@")[1]
    wait_until(lambda: status(folder).pid is None)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken_address = f"127.0.0.1:{taken.getsockname()[1]}"
        # The server's last port may still be closing, so store one that is certainly in use.
        (folder / "uri").write_text(server.uri.replace(address, taken_address))
        with private_mongod(folder) as server:
            assert urlsplit(server.uri).netloc.split("@")[1] not in {address, taken_address}
            assert notes(server.uri) == ["kept"]


def test_concurrent_processes_share_one_server(folder: Path) -> None:
    with user_process(folder) as one, user_process(folder) as two, user_process(folder) as three:
        uris = {uri_from(process) for process in (one, two, three)}
        commands = processes_of(folder)

    assert len(uris) == 1
    assert uris != {""}
    assert len(commands) == 2  # one server, one keeper


def test_server_stops_after_its_last_user(folder: Path) -> None:
    with private_mongod(folder):
        with private_mongod(folder):
            pid = pid_of(folder)
        assert status(folder).has_users
        assert pid_of(folder) == pid

    wait_until(lambda: not processes_of(folder))


def test_killed_process_is_no_longer_a_user(folder: Path) -> None:
    with user_process(folder) as user:
        uri_from(user)
        assert status(folder).has_users
        user.kill()
        user.wait()

    wait_until(lambda: not processes_of(folder))


@pytest.mark.parametrize("order", ['"$@" && kill -9 $PPID', '"$@" & kill -9 $PPID'], ids=["after", "in"])
def test_killed_starter_leaves_nothing_running(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    """Whether killed during or after the server's start, it leaves only a usable folder."""
    deadly = tmp_path / "mongod"
    deadly.write_text(f"#!/bin/sh\n{find_mongod()} {order}\n")
    deadly.chmod(0o700)
    monkeypatch.setenv("HPSEARCH_MONGOD", str(deadly))

    with user_process(folder) as user:
        assert user.wait() == -signal.SIGKILL

    wait_until(lambda: not processes_of(folder))
    monkeypatch.delenv("HPSEARCH_MONGOD")
    with private_mongod(folder) as server:
        note(server.uri, "usable")


def test_killed_server_restarts_with_its_data(folder: Path) -> None:
    with private_mongod(folder) as server:
        note(server.uri, "acknowledged")
        os.kill(pid_of(folder), signal.SIGKILL)
        wait_until(lambda: status(folder).pid is None)

        with private_mongod(folder) as again:
            assert again.uri == server.uri
            assert notes(again.uri) == ["acknowledged"]


def test_leaving_replaces_a_killed_keeper(folder: Path) -> None:
    with private_mongod(folder):
        (keeper,) = processes_of(folder).keys() - {pid_of(folder)}
        os.kill(keeper, signal.SIGKILL)
        wait_until(lambda: not has_keeper(folder))

    wait_until(lambda: not processes_of(folder))


def test_pinned_server_runs_without_users_until_it_is_stopped(folder: Path) -> None:
    uri = start_pinned(folder)
    with private_mongod(folder) as server:
        assert server.uri == uri
    wait_until(lambda: len(processes_of(folder)) == 1)  # the keeper went, the server stayed

    assert status(folder).is_pinned
    assert status(folder).uri == uri
    assert stop(folder)
    assert status(folder).pid is None


def test_stop_leaves_a_server_in_use_running(folder: Path) -> None:
    """A running search keeps its database; the server stops after it."""
    start_pinned(folder)
    with private_mongod(folder):
        assert not stop(folder)
        assert status(folder).pid is not None

    wait_until(lambda: not processes_of(folder))


def test_pin_does_not_outlive_its_server(folder: Path) -> None:
    """After a crash, the search that restarts the server also stops it."""
    start_pinned(folder)
    os.kill(pid_of(folder), signal.SIGKILL)
    wait_until(lambda: status(folder).pid is None)

    with private_mongod(folder):
        assert not status(folder).is_pinned
    wait_until(lambda: not processes_of(folder))


def test_ephemeral_server_leaves_no_trace() -> None:
    with ephemeral_mongod() as server, MongoClient[dict[str, Any]](server.uri) as client:
        storage = client.admin.command("getCmdLineOpts")["parsed"]["storage"]
        folder = Path(storage["dbPath"]).parent
        assert folder.exists()

    wait_until(lambda: not folder.exists())
    wait_until(lambda: not processes_of(folder))


def test_missing_password_is_an_error_with_a_remedy(folder: Path) -> None:
    with private_mongod(folder):
        pass
    wait_until(lambda: status(folder).pid is None)
    (folder / "uri").unlink()

    with pytest.raises(ConfigurationError, match="restore that file, or move"):
        private_mongod(folder)


def test_corrupt_data_are_an_error_with_the_log(folder: Path) -> None:
    with private_mongod(folder):
        pass
    wait_until(lambda: status(folder).pid is None)
    (folder / "data" / "WiredTiger.turtle").write_text("garbage")

    with pytest.raises(ConfigurationError, match=r"mongod\.log, ends:\n.*WiredTiger"):
        private_mongod(folder)


def test_folder_in_use_by_another_server_is_refused(folder: Path) -> None:
    """The data of a mongod that was started by hand, or on another machine, are not touched."""
    with private_mongod(folder):
        pass
    wait_until(lambda: status(folder).pid is None)
    with (folder / "data" / "mongod.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match="Another mongod uses"):
            private_mongod(folder)
