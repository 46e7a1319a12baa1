"""The MongoDB scripts of the compose file, run by the Mongo shell on a real server.

The image's first start is replayed by hand: a server without access control that the
administrator and ``create-user`` are made on, then the one that serves.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from hpsearch.mongod import find_mongod

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
CREATE_USER: str = COMPOSE["configs"]["create-user"]["content"]
HEALTH_CHECK: str = COMPOSE["services"]["mongo"]["healthcheck"]["test"][-1]
CREATE_ROOT = 'db.getSiblingDB("admin").createUser({user: "root", pwd: "r00t", roles: ["root"]});'
ENVIRONMENT = {"MONGO_INITDB_ROOT_PASSWORD": "r00t", "HPSEARCH_PASSWORD": "secret"}


class Server:
    """A server in a folder of the test, on a port of its own."""

    def __init__(self, folder: Path, mongosh: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self._folder = folder
        self._mongosh = mongosh

    def start(self, *options: str) -> None:
        host, port = self.address.split(":")
        command = [str(find_mongod()), "--fork", "--dbpath", str(self._folder)]
        command += ["--logpath", str(self._folder / "log")]
        subprocess.run(
            [*command, "--bind_ip", host, "--port", port, "--nounixsocket", *options],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        lock = self._folder / "mongod.lock"
        if pid := lock.read_text().strip():
            os.kill(int(pid), signal.SIGTERM)
        while lock.read_text():
            time.sleep(0.02)

    def shell(self, script: str) -> int:
        command = [str(self._mongosh), "--quiet", "--norc", f"mongodb://{self.address}/", "--eval", script]
        return subprocess.run(
            command, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.DEVNULL
        ).returncode


@pytest.fixture
def server(tmp_path: Path, mongosh: Path) -> Iterator[Server]:
    """Yield a server as the image leaves it when it is ready to serve."""
    key_file = tmp_path / "key"
    key_file.write_text("0123456789abcdef")
    key_file.chmod(0o400)
    server = Server(tmp_path, mongosh)
    server.start()
    try:
        assert server.shell(CREATE_ROOT + CREATE_USER) == 0
        server.stop()
        server.start("--replSet", "hpsearch", "--keyFile", str(key_file))
        yield server
    finally:
        server.stop()


@pytest.mark.long
def test_health_check_makes_the_set_and_the_user_owns_one_database(server: Server) -> None:
    check = HEALTH_CHECK.replace("mongo:27017", server.address)
    deadline = time.monotonic() + 60
    while server.shell(check) != 0:
        assert time.monotonic() < deadline, "the set never became healthy"

    login = f"mongodb://hpsearch:secret@{server.address}"
    with MongoClient[dict[str, Any]](f"{login}/hpsearch?replicaSet=hpsearch&authSource=admin") as client:
        client.hpsearch.trials.insert_one({"_id": "a/000000"})
        with pytest.raises(OperationFailure):
            client.other.trials.insert_one({"_id": "a/000000"})
