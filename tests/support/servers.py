"""MongoDB servers that tests may break."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from hpsearch.mongod import find_mongod
from tests.support.waiting import wait_until

ALREADY_INITIALIZED = 23


class Server:
    """A mongod of one's own, on a fixed port of this machine.

    ``options`` are mongod's, ``uri_options`` those that a client needs to talk to it, ``environment`` holds
    variables of its process.
    """

    def __init__(self, folder: Path, *options: str, uri_options: str = "") -> None:
        self.folder = folder
        self.options = options
        self.uri_options = uri_options
        self.port = free_port()
        self.environment: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/" + (f"?{self.uri_options}" if self.uri_options else "")

    def start(self) -> None:
        """Start, or start again on the same data, and return once it takes writes."""
        process = self.launch()
        deadline = time.monotonic() + 120
        with self.client() as client:
            while not self._is_writable(client):
                assert process.poll() is None, "mongod ended at once"
                assert time.monotonic() < deadline, "mongod did not become writable"

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process, and do not wait for it."""
        self.folder.mkdir(exist_ok=True)
        command = mongod_command(self.folder, self.port, *self.options)
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return self.process

    def freeze(self) -> None:
        """Stop it as SIGSTOP does, and return once it answers no more."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        status = Path(f"/proc/{self.process.pid}/stat")
        wait_until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T", "the stop of mongod")

    def kill(self) -> None:
        """End it as kill -9 does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def client(self) -> MongoClient[dict[str, Any]]:
        return MongoClient(self.uri, directConnection=True, serverSelectionTimeoutMS=300)

    def _is_writable(self, client: MongoClient[dict[str, Any]]) -> bool:
        try:
            if "--replSet" in self.options:
                member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
                with suppress(OperationFailure):  # initiated already
                    client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


def mongod_command(data: Path, port: int, *options: str) -> list[str]:
    """Return the command of a small server, on a port of this machine."""
    return [
        str(find_mongod()), "--dbpath", str(data), "--port", str(port),
        "--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25",
        "--wiredTigerEngineConfigString", "log=(file_max=16MB)",
        "--setParameter", "diagnosticDataCollectionEnabled=false", *options,
    ]  # fmt: skip


def free_port() -> int:
    """Return a port that also stays free while its server is down.

    The system gives none of these to a connection, nor to who asks for any port, so that the only
    risk is another process that draws the same number in the same moment.
    """
    while True:
        port = 15_000 + secrets.randbelow(17_000)  # which no seed of a test affects
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
