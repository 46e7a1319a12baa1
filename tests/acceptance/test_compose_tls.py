"""The fleet of scripts/deploy/compose without Docker: its scripts, its server's options, its users."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from pymongo import MongoClient
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from hpsearch.core.trial import State
from hpsearch.mongod import find_mongod
from tests.support.fleet import OBJECTIVE, Fleet, wait_for_exit
from tests.support.servers import free_port
from tests.support.waiting import wait_until

COMPOSE = Path(__file__).parents[2] / "scripts" / "deploy" / "compose"
MONGO: dict[str, Any] = yaml.safe_load((COMPOSE / "docker-compose.yml").read_text())["services"]["mongo"]
ROOT_PASSWORD = "r00t"

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="there is no openssl")


@dataclass
class Deployment:
    """What the compose file makes, in a folder and on a port of a test's own."""

    folder: Path
    port: int
    mongosh: Path

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets"

    def here(self, text: str) -> str:
        """Return a text of the compose file with the places of this deployment."""
        for inside, outside in {
            "/run/secrets": str(self.secrets),
            "/tmp/keyfile": str(self.folder / "keyfile"),
            "localhost:27017": f"localhost:{self.port}",
            "mongo:27017": f"localhost:{self.port}",
        }.items():
            text = text.replace(inside, outside)
        return text

    def script(self, name: str, *words: str, text: str = "") -> subprocess.CompletedProcess[str]:
        command = [str(COMPOSE / name), *words]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)

    def start_mongod(self) -> subprocess.Popen[bytes]:
        """Start what ``docker-entrypoint.sh`` is given."""
        words = self.here(MONGO["command"][0]).partition("docker-entrypoint.sh mongod ")[2].split()
        place = ["--dbpath", str(self.folder / "data"), "--port", str(self.port)]
        options = [word for word in words if word != "--bind_ip_all"]
        return subprocess.Popen(
            [str(find_mongod()), *place, "--bind_ip", "127.0.0.1", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def create_root(self) -> None:
        """Do what the image does at its first start; MongoDB allows it to whoever comes first."""
        members = f'[{{_id: 0, host: "localhost:{self.port}"}}]'
        root = f'{{user: "root", pwd: "{ROOT_PASSWORD}", roles: ["root"]}}'
        script = f"""
            rs.initiate({{_id: "hpsearch", members: {members}}});
            while (!db.hello().isWritablePrimary) sleep(50);
            db.getSiblingDB("admin").createUser({root});
        """
        assert self.shell(script) == 0

    def is_healthy(self) -> bool:
        return self.shell(self.here(MONGO["healthcheck"]["test"][-1])) == 0

    def shell(self, script: str) -> int:
        """Run a script as the health check runs its own."""
        words = [self.here(word) for word in MONGO["healthcheck"]["test"][2:-1]]
        return subprocess.run(
            [str(self.mongosh), *words, script],
            env={**os.environ, "MONGO_INITDB_ROOT_PASSWORD": ROOT_PASSWORD},
            stdout=subprocess.DEVNULL,
            timeout=60,
        ).returncode

    def uri(self, credentials: str, **options: str) -> str:
        given = "&".join(f"{name}={value}" for name, value in options.items())
        return f"mongodb://{credentials}localhost:{self.port}/hpsearch?replicaSet=hpsearch&{given}"

    @property
    def tls(self) -> dict[str, str]:
        return {
            "tls": "true",
            "tlsCAFile": str(self.secrets / "ca.pem"),
            "tlsCertificateKeyFile": str(self.secrets / "client.pem"),
        }

    def uri_of(self, role: str) -> str:
        """Return the URI as Compose reads it from the file of a role."""
        file = self.secrets / f"{role}.env"
        assert file.stat().st_mode & 0o777 == 0o600
        name, _, value = file.read_text().strip().partition("=")
        assert name == "HPSEARCH_STORE"
        return value


@pytest.fixture
def deployment(tmp_path: Path, mongosh: Path) -> Iterator[Deployment]:
    """A healthy server with users, as the header of the compose file says to make them."""
    made = Deployment(tmp_path, free_port(), mongosh)
    (tmp_path / "data").mkdir()
    (tmp_path / "keyfile").write_text("0123456789abcdef")
    (tmp_path / "keyfile").chmod(0o400)
    assert made.script("certificates", str(made.secrets)).returncode == 0
    process = made.start_mongod()
    try:
        wait_until(lambda: takes_connections(made.port), "the server")
        made.create_root()
        assert made.is_healthy()
        yield made
    finally:
        process.kill()
        process.wait()


@pytest.mark.long
def test_users_search_over_tls_and_all_others_are_refused(deployment: Deployment) -> None:
    root = deployment.uri(f"root:{ROOT_PASSWORD}@", authSource="admin", **deployment.tls)
    fleet = Fleet(deployment.folder, root)
    setup = fleet.call("db", "init", "--users")
    assert setup.returncode == 0, setup.stderr
    certificate = str(deployment.secrets / "client.pem")
    assert deployment.script("users", str(deployment.secrets), certificate, text=setup.stdout).returncode == 0

    (deployment.folder / "search.py").write_text(OBJECTIVE)
    (deployment.folder / "calls").touch()
    coordinator = fleet.start(
        "coordinator", "search.py", "--max-evals", "4", HPSEARCH_STORE=deployment.uri_of("coordinator")
    )
    worker = fleet.worker(HPSEARCH_STORE=deployment.uri_of("worker"))
    try:
        assert wait_for_exit(coordinator) == 0, fleet.output(coordinator)
        worker.terminate()
        assert wait_for_exit(worker) == 0, fleet.output(worker)
        assert [t.state for t in fleet.trials()] == [State.DONE] * 4
        assert_nobody_else_gets_in(deployment)
    finally:
        fleet.end()


def takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def assert_nobody_else_gets_in(deployment: Deployment) -> None:
    """Not without TLS, a certificate, or a user; and no client reaches the server of another authority."""
    assert deployment.script("certificates", str(deployment.folder / "other")).returncode == 0
    tls = deployment.tls
    without_certificate = {name: value for name, value in tls.items() if name != "tlsCertificateKeyFile"}
    of_another = {**tls, "tlsCAFile": str(deployment.folder / "other" / "ca.pem")}
    for options in ({}, without_certificate, of_another):
        with pytest.raises(ServerSelectionTimeoutError), client(deployment, options) as stranger:
            stranger.admin.command("ping")
    with (
        pytest.raises(OperationFailure, match="requires authentication"),
        client(deployment, tls) as user,
    ):
        user.hpsearch.trials.find_one()


def client(deployment: Deployment, options: dict[str, str]) -> MongoClient[dict[str, Any]]:
    return MongoClient(deployment.uri("", **options, serverSelectionTimeoutMS="1000"))
