"""A whole search over TLS, with every credential in a file: a password, or a certificate in its place."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pymongo import MongoClient

from hpsearch.core.trial import State
from tests.support.certificates import Authority
from tests.support.fleet import OBJECTIVE, Fleet, wait_for_exit
from tests.support.servers import Server

PASSWORD = "pa55/w@rd"


@dataclass
class Site:
    """A server that wants TLS and a user; each address lies in a file of its owner's."""

    fleet: Fleet  #: as the administrator, by the password
    port: int
    authority: Authority

    def file(self, name: str, user: str = "", **options: str) -> str:
        """Return the file with the address of a user."""
        settings = {"tls": "true", "tlsCAFile": str(self.authority.ca), **options}
        pairs = "&".join(f"{name}={quote(value, safe='/$')}" for name, value in settings.items())
        path = self.fleet.folder / name
        path.touch(0o600)
        path.write_text(f"mongodb://{user}127.0.0.1:{self.port}/hpsearch?{pairs}\n")
        return str(path)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    authority = Authority(tmp_path / "authority")
    keyfile = tmp_path / "keyfile"
    keyfile.touch(0o600)
    keyfile.write_text(base64.b64encode(os.urandom(96)).decode())
    server = Server(
        tmp_path / "db",
        *("--replSet", "rs0", "--keyFile", str(keyfile), "--tlsMode", "requireTLS"),
        *("--tlsCAFile", str(authority.ca), "--tlsAllowConnectionsWithoutCertificates"),
        *("--tlsCertificateKeyFile", str(authority.server("localhost", "127.0.0.1"))),
        uri_options=f"tls=true&tlsCAFile={authority.ca}",
    )
    server.start()
    with MongoClient[dict[str, Any]](server.uri, directConnection=True) as client:
        client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
    uri = server.uri.replace("://", f"://root:{quote(PASSWORD, safe='')}@")
    (tmp_path / "search.py").write_text(OBJECTIVE)
    (tmp_path / "calls").touch()
    made = Site(Fleet(tmp_path, uri), server.port, authority)
    yield made
    made.fleet.end()
    server.kill()


def test_a_fleet_connects_over_tls_with_password_or_certificate(site: Site) -> None:
    """Coordinator and queries come with a password, the worker with a certificate and its role alone."""
    fleet = site.fleet
    assert fleet.call("db", "init", "--users").returncode == 0
    certificate = site.authority.client("worker")
    by_password = site.file("by-password", user=f"root:{quote(PASSWORD, safe='')}@", authSource="admin")
    by_certificate = site.file(
        "by-certificate",
        tlsCertificateKeyFile=str(certificate),
        authMechanism="MONGODB-X509",
        authSource="$external",
    )
    unknown = fleet.call("status", "--store-file", by_certificate)
    assert unknown.returncode == 77
    assert "refuses this user: Could not find user" in unknown.stderr
    with MongoClient[dict[str, Any]](fleet.uri) as client:
        subject = unknown.stderr.split('"')[1]
        roles = [{"role": "hpsearch_worker", "db": "hpsearch"}]
        client["$external"].command("createUser", subject, roles=roles)

    worker = fleet.worker("--store-file", by_certificate, "--max-trials", "3", "--exp-key", "search")
    coordinator = fleet.start("coordinator", "search.py", "--max-evals", "3", "--store-file", by_password)
    assert wait_for_exit(coordinator) == 0, fleet.output(coordinator)
    assert wait_for_exit(worker) == 0, fleet.output(worker)
    assert [trial.state for trial in fleet.trials()] == [State.DONE] * 3
    best = fleet.call("best", "--format", "json", "--store-file", by_password)
    assert best.returncode == 0, best.stderr
    assert '"loss"' in best.stdout
    refused = fleet.call("coordinator", "search.py", "--exp-key", "other", "--store-file", by_certificate)
    assert refused.returncode == 77
    assert "the role hpsearch_coordinator" in refused.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("worker", "--burst"),
        pytest.param(("coordinator", "search.py"), marks=pytest.mark.long),
    ],
)
def test_every_command_reports_a_refused_certificate_at_once(site: Site, command: tuple[str, ...]) -> None:
    """In one sentence on stderr, with the exit code of a wrong set-up, and without the password."""
    stranger = Authority(site.fleet.folder / "stranger")
    user = f"root:{quote(PASSWORD, safe='')}@"
    store = site.file("distrusting", user=user, authSource="admin", tlsCAFile=str(stranger.ca))

    done = site.fleet.call(*command, "--store-file", store)

    assert done.returncode == 78, done.stderr
    [line] = done.stderr.splitlines()
    assert line.startswith(f"hpsearch: The certificate of MongoDB at 127.0.0.1:{site.port} is not accepted")
    assert quote(PASSWORD, safe="") not in line
