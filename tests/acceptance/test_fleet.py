"""``hpsearch fleet`` on three hosts: servers of OpenSSH on loopback, each with a home of its own."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.fleet import Fleet
from tests.support.servers import free_port
from tests.support.waiting import wait_until

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        SSHD is None or shutil.which("ssh") is None, reason="OpenSSH's server is not installed"
    ),
]


@dataclass
class Hosts:
    """Hosts a, b and c, and the configuration of ssh that finds them; nothing listens at d."""

    config: Path
    homes: dict[str, Path]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where a server that root starts gives up its rights
    key, authorized = tmp_path / "key", tmp_path / "authorized_keys"
    for path in (key, tmp_path / "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    shutil.copy(key.with_suffix(".pub"), authorized)
    ports = {name: free_port() for name in "abcd"}
    homes = {name: tmp_path / f"home-{name}" for name in "abc"}
    config, known = tmp_path / "ssh_config", tmp_path / "known_hosts"
    public = (tmp_path / "host_key.pub").read_text()
    known.write_text("".join(f"[127.0.0.1]:{port} {public}" for port in ports.values()))
    config.write_text(
        f"Host *\nUser {getpass.getuser()}\nHostName 127.0.0.1\nIdentityFile {key}\nIdentitiesOnly yes\n"
        f"UserKnownHostsFile {known}\nGlobalKnownHostsFile /dev/null\n"
        + "".join(f"Host {name}\nPort {port}\n" for name, port in ports.items())
    )
    servers = []
    for name, home in homes.items():
        home.mkdir()
        settings = tmp_path / f"sshd-{name}"
        settings.write_text(
            f"Port {ports[name]}\nListenAddress 127.0.0.1\nHostKey {tmp_path / 'host_key'}\nPidFile none\n"
            f"AuthorizedKeysFile {authorized}\nStrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\n"
            f"SetEnv HOME={home}\n"
        )
        with (tmp_path / f"sshd-{name}.log").open("w") as log:
            servers.append(subprocess.Popen([SSHD, "-D", "-e", "-f", settings], stderr=log))
    try:
        for name in homes:
            wait_until(
                lambda name=name: subprocess.run(["ssh", "-F", config, name, "true"]).returncode == 0, name
            )
        yield Hosts(config, homes)
    finally:
        for server in servers:
            server.terminate()
            server.wait()
        for home in homes.values():
            for path in home.glob(".hpsearch/fleet/*/*.pid"):
                os.kill(int(path.read_text()), signal.SIGKILL)


def fleet_file(hosts: Hosts, folder: Path, names: str) -> str:
    path = folder / "lab.toml"
    tables = "".join(f'[[host]]\naddress = "{name}"\nworkers = {2 if name == "a" else 1}\n' for name in names)
    command = json.dumps([sys.executable, "-m", "hpsearch"])
    path.write_text(f'command = {command}\nssh = ["-F", "{hosts.config}"]\n{tables}')
    return str(path)


def workers(fleet: Fleet, *arguments: str, code: int = 0) -> dict[tuple[str, int], dict[str, Any]]:
    done = fleet.call("fleet", *arguments, "--format", "json")
    assert done.returncode == code, done.stderr
    return {(row["host"], row["worker"]): row for row in json.loads(done.stdout)["fleet"]}


def states(rows: dict[tuple[str, int], dict[str, Any]]) -> set[str]:
    return {row["state"] for row in rows.values()}


def test_workers_are_started_watched_and_drained(fleet: Fleet, hosts: Hosts, tmp_path: Path) -> None:
    path = fleet_file(hosts, tmp_path, "abc")
    started = workers(fleet, "start", path)
    assert set(started) == {("a", 1), ("a", 2), ("b", 1), ("c", 1)}
    assert states(started) == {"started"}
    store = MongoStore.connect(fleet.uri, patience=Patience(120))
    try:
        wait_until(lambda: store.n_workers() == 4, "four workers")
    finally:
        store.close()

    # A second start changes nothing.
    again = workers(fleet, "start", path)
    assert states(again) == {"running"}
    assert {key: row["pid"] for key, row in again.items()} == {
        key: row["pid"] for key, row in started.items()
    }

    # The URI is in a file that only its owner can read, and on no command line.
    for home in hosts.homes.values():
        file = home / ".hpsearch" / "fleet" / "lab" / "store"
        assert file.read_text().strip() == fleet.uri
        assert file.stat().st_mode & 0o777 == 0o600
    for row in again.values():
        assert fleet.uri.encode() not in Path(f"/proc/{row['pid']}/cmdline").read_bytes()

    # A worker that died is started again, and no other.
    os.kill(again["a", 2]["pid"], signal.SIGKILL)
    wait_until(lambda: workers(fleet, "status", path)["a", 2]["state"] == "ended", "its end")
    third = workers(fleet, "start", path)
    assert {key for key, row in third.items() if row["state"] == "started"} == {("a", 2)}

    # A host that cannot be reached does not stop the others.
    done = fleet.call("fleet", "status", fleet_file(hosts, tmp_path, "abcd"), "--format", "json")
    assert done.returncode == 69
    assert done.stderr.startswith("d cannot be reached: ")
    assert done.stderr.count("\n") == 1
    assert states({(r["host"], r["worker"]): r for r in json.loads(done.stdout)["fleet"]}) == {"running"}

    path = fleet_file(hosts, tmp_path, "abc")
    said = fleet.call("fleet", "logs", path, "--lines", "2")
    assert {line[:2] for line in said.stdout.splitlines()} == {"a:", "b:", "c:"}

    assert states(workers(fleet, "stop", path, "--wait", "3m")) == {"stopped"}
    assert workers(fleet, "status", path) == {}
    assert not list(hosts.homes["a"].glob(".hpsearch/fleet/lab/store"))
