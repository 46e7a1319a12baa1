"""No password and no secret leaves the places where it belongs, whatever goes wrong."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient

from hpsearch import mongod
from hpsearch.objective.by_value.envelope import pack
from tests.support.fleet import Fleet, start_process, wait_for_exit
from tests.support.objectives import TrialQueue, open_queue
from tests.support.payloads import made, send
from tests.support.waiting import wait_until

SECRET = "5ecret-that-the-fleet-shares"
WRONG = "5ecret-that-is-no-password"

OBJECTIVE = """
import os, time
from pathlib import Path
from hpsearch import hp

space = {"x": hp.uniform("x", 0, 100)}

def objective(config):
    Path(f"child-{os.getpid()}").touch()
    while not Path("go_on").exists():
        time.sleep(0.01)
    if config["x"] < 50:
        raise ValueError("no luck")
    return config["x"]
"""


@pytest.fixture
def queue(fleet_with_server: Fleet) -> Iterator[TrialQueue]:
    """A queue on the server of the fleet, whose processes know the secret."""
    opened = open_queue(fleet_with_server.folder, fleet_with_server.uri)
    (fleet_with_server.folder / "search.py").write_text(OBJECTIVE)
    yield opened
    opened.store.close()


@pytest.mark.long
def test_a_whole_search_shows_no_password_and_no_secret(
    queue: TrialQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in logs at the debug level, command lines, documents, errors, and evaluations' environments."""
    monkeypatch.setenv("HPSEARCH_SECRET", SECRET)
    monkeypatch.setenv("HPSEARCH_DEBUG", "1")
    fleet = queue.fleet
    folder = fleet.folder
    password = str(urlsplit(fleet.uri).password)
    objective = made(OBJECTIVE)
    send(queue, objective, sealed=lambda there: pack(objective, there, SECRET.encode()))
    some_fail = ("--max-evals", "4", "--seed", "0")
    searches = [
        fleet.start("coordinator", "search.py", "--exp-key", "far", *some_fail),
        fleet.start("run", "search.py", "--exp-key", "near", *some_fail, "--workers", "2"),
    ]
    workers = [fleet.worker("--exp-key", "far", "--name", "far"), mongo_worker(fleet, "--max-jobs", "1")]
    wait_until(lambda: len(list(folder.glob("child-*"))) == 4, "all workers to evaluate")

    surroundings = [commands_of(fleet), *(environment(int(p.name[6:])) for p in folder.glob("child-*"))]
    (folder / "go_on").touch()
    assert [wait_for_exit(search) for search in searches] == [0, 0], list(map(fleet.output, searches))
    assert wait_for_exit(workers[1]) == 0, fleet.output(workers[1])
    failure = queue.trial("sent").error
    assert failure is not None
    assert failure.message == "no luck"  # so what was sent by value was run
    answers = [fleet.call("doctor"), fleet.call("show", "far", "0"), *wrongly_addressed(fleet, password)]
    assert [answer.returncode for answer in answers[1:]] == [0, 77, 69]
    shown = [*surroundings, *documents(fleet.uri), *(answer.stdout + answer.stderr for answer in answers)]

    end_server(folder)
    wait_until(lambda: "is away" in fleet.output(workers[0]), "the worker to miss the server")
    fleet.end()
    shown += [file.read_text(errors="replace") for file in logs(folder)]
    assert len(shown) > 12
    for word in (password, SECRET, WRONG):
        assert [text for text in shown if word in text] == []


def mongo_worker(fleet: Fleet, *flags: str) -> Popen[str]:
    command = [sys.executable, "-m", "hpsearch.cli.mongo_worker", "--exp-key", "sent", *flags]
    return start_process(command, fleet.folder, fleet.environment(), fleet.processes)


def commands_of(fleet: Fleet) -> str:
    """Return the command lines of all processes that the folder's processes started, theirs included."""
    marker = f"CALLS={fleet.folder / 'calls'}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text())
        except OSError:  # it has ended, or is another user's
            continue
    assert sum("hpsearch_worker.child" in command for command in found) >= 4
    return "\n".join(found)


def environment(pid: int) -> str:
    """Return the environment that an evaluating process was started with."""
    text = Path(f"/proc/{pid}/environ").read_text()
    assert "HPSEARCH_DEBUG=1" in text
    return text


def wrongly_addressed(fleet: Fleet, password: str) -> Iterator[Any]:
    """Ask with a wrong password, then at a place where no server is."""
    parts = urlsplit(fleet.uri)
    for uri in (
        fleet.uri.replace(password, WRONG),
        fleet.uri.replace(f":{parts.port}/", ":1/"),
    ):
        yield Fleet(fleet.folder, uri).call("status")


def documents(uri: str) -> list[str]:
    with MongoClient[dict[str, Any]](uri) as client:
        database = client["hpsearch"]
        names = database.list_collection_names(filter={"type": "collection", "name": {"$ne": "system.views"}})
        return [repr(list(database[name].find())) for name in names]


def end_server(folder: Path) -> None:
    pid = mongod.status(folder / "home" / "mongod").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def logs(folder: Path) -> list[Path]:
    """Return what all processes wrote; the files of the server that hold its password are meant to."""
    private = {folder / "home" / "mongod" / name for name in ("uri", "keyfile", "data")}
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not private & {path, *path.parents} and path.suffix != ".pyc"
    ]
