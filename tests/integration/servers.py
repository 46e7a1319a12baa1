"""MongoDB servers that tests may break, and a wire that loses answers."""

from __future__ import annotations

import random
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from hpsearch.mongod import find_mongod

ALREADY_INITIALIZED = 23


class Server:
    """A mongod of one's own, without authentication, on a fixed port of this machine."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Start, or start again on the same data, and return once it takes writes."""
        process = self.launch()
        deadline = time.monotonic() + 30
        with self.client() as client:
            while not self._is_writable(client):
                assert process.poll() is None, "mongod ended at once"
                assert time.monotonic() < deadline, "mongod did not become writable"

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process, and do not wait for it."""
        self.folder.mkdir(exist_ok=True)
        command = [
            str(find_mongod()), "--dbpath", str(self.folder), "--port", str(self.port),
            "--bind_ip", "127.0.0.1", "--wiredTigerCacheSizeGB", "0.25",
            "--wiredTigerEngineConfigString", "log=(file_max=16MB)", *self.options,
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self.process

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


class LossyWire:
    """A TCP proxy that delivers a command, then loses the answer and the connection."""

    def __init__(self, port: int) -> None:
        self.target = port
        self.n_lost = 0  #: answers that were lost so far
        self._command = b""
        self._n_to_lose = 0
        self._lock = threading.Lock()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, command: str, times: int = 1) -> None:
        """Lose the answers to the next so many commands of a name."""
        self._command, self._n_to_lose, self.n_lost = command.encode(), times, 0

    def close(self) -> None:
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                doomed = threading.Event()
                for source, sink, is_question in ((client, server, True), (server, client, False)):
                    threading.Thread(
                        target=self._pump, args=(source, sink, doomed, is_question), daemon=True
                    ).start()

    def _pump(self, source: socket.socket, sink: socket.socket, doomed: threading.Event, is_question: bool):
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if is_question and self._takes(data):
                    doomed.set()
                if not is_question and doomed.is_set():
                    break  # the server has done its work, and nobody hears of it
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _takes(self, data: bytes) -> bool:
        with self._lock:
            if not self._n_to_lose or self._command not in data:
                return False
            self._n_to_lose -= 1
            self.n_lost += 1
            return True


def free_port() -> int:
    """Return a port that also stays free while its server is down.

    The system gives none of these to a connection, nor to who asks for any port, so that the only
    risk is another test that draws the same number in the same moment.
    """
    while True:
        port = random.randrange(15_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
