"""A replica set of three on this machine, whose members can be broken in every way.

Users need a password: ``ROOT`` for the campaign itself.
"""

from __future__ import annotations

import secrets
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from tests.support import small_disk
from tests.support.movable_clock import MovableClock
from tests.support.servers import free_port, mongod_command
from tests.support.supervisor import Post, Supervisor, send

Client = MongoClient[dict[str, Any]]

_SET = "faults"
_DISK_MB = 400
_ALREADY_INITIALIZED = 23
#: The name that hpsearch gives to its connections; fail points hit no others.
_APP = "hpsearch"


#: The administrator.
ROOT: Mapping[str, Any] = {"username": "root", "password": secrets.token_hex(8)}


class Member:
    """One mongod, on a fixed port, with a clock of its own.

    Parameters
    ----------
    folder : Path
        Its own; made here.
    key : Path
        The file by which the members know each other.
    library : Path, optional
        What moves its clock.
    has_disk : bool
        Whether it has a small disk of its own.
    environment : mapping
        Of its process.
    """

    def __init__(
        self,
        folder: Path,
        key: Path,
        library: Path | None,
        *,
        has_disk: bool,
        environment: Mapping[str, str],
    ) -> None:
        self.port = free_port()
        self.data = folder / "data"
        self._n_failed_before = 0
        self._has_disk = has_disk
        folder.mkdir()
        self.clock = MovableClock(library, folder / "clock-offset")
        if has_disk:
            small_disk.mount(self.data, _DISK_MB)
        else:
            self.data.mkdir()
        command = mongod_command(
            self.data, self.port, "--replSet", _SET, "--oplogSize", "64", "--syncdelay", "15",
            "--setParameter", "enableTestCommands=1", "--keyFile", str(key),
            "--setParameter", "scramSHA256IterationCount=5000",
        )  # fmt: skip
        everything = {**environment, **self.clock.environment}
        self.post = Post(folder.name, command, folder, folder / "mongod.log", everything)

    def client(self, *, is_known: bool = True) -> Client:
        """Return a client of this member alone, which gives up soon; of a new one, without a name."""
        return MongoClient(
            f"mongodb://127.0.0.1:{self.port}/",
            directConnection=True,
            serverSelectionTimeoutMS=1_000,
            socketTimeoutMS=5_000,
            appname="campaign",
            **(ROOT if is_known else {}),
        )

    def command(self, name: str, value: Any = 1, **options: Any) -> dict[str, Any]:
        """Run a command for administrators; raises ``PyMongoError``."""
        with self.client() as client:
            return client.admin.command(name, value, **options)

    def state(self) -> str:
        """Return what this member is in its set, ``DOWN`` if it does not say."""
        try:
            answer = self.command("replSetGetStatus")
        except PyMongoError:
            return "DOWN"
        return next((str(m["stateStr"]) for m in answer["members"] if m.get("self")), "DOWN")

    def freeze(self, *, is_frozen: bool) -> None:
        """Stop the process where it is, or let it go on."""
        if (pid := self.post.pid) is not None:
            send(pid, signal.SIGSTOP if is_frozen else signal.SIGCONT)

    def fail(self, commands: Sequence[str], how: Mapping[str, Any], times: int) -> None:
        """Let the next so many commands of some names fail, if they come from hpsearch."""
        data = {"failCommands": list(commands), "appName": _APP, **how}
        answer = self.command("configureFailPoint", "failCommand", mode={"times": times}, data=data)
        self._n_failed_before = int(answer["count"])  # since the server was started

    def n_failed(self) -> int:
        """Return how often the fail point was met, and turn it off; less than 0 after a restart."""
        answer = self.command("configureFailPoint", "failCommand", mode="off")
        return int(answer["count"]) - self._n_failed_before

    def fill_disk(self) -> None:
        """Take all space, and have the server notice."""
        self.post.may_die = True
        small_disk.fill(self.data)
        with suppress(PyMongoError):
            self.command("fsync")

    def free_disk(self) -> None:
        """Give the space back; the server is started again until it stays."""
        small_disk.free(self.data)

    def connections(self) -> list[str]:
        """Return the connections of hpsearch to this member."""
        pipeline: list[dict[str, Any]] = [
            {"$currentOp": {"allUsers": True, "idleConnections": True, "idleCursors": True}},
            {"$match": {"appName": _APP}},
        ]
        with self.client() as client:
            found = list(client.admin.aggregate(pipeline))
        return [
            f"connection {op.get('connectionId')} of {op.get('client')} to port {self.port}" for op in found
        ]

    def end_commands(self) -> None:
        """End what fail points hold up, by a clock that was set back, for clients that have left."""
        pipeline: list[dict[str, Any]] = [
            {"$currentOp": {"allUsers": True}},
            {"$match": {"appName": _APP, "active": True}},
        ]
        with self.client() as client:
            for op in client.admin.aggregate(pipeline):
                client.admin.command("killOp", op=op["opid"])

    def close(self) -> None:
        """Remove its disk; the process has ended."""
        if self._has_disk:
            small_disk.unmount(self.data)


class Cluster:
    """Three members, of which one takes writes.

    Parameters
    ----------
    folder : Path
        Where their data and logs lie.
    supervisor : Supervisor
        Who starts them again.
    library : Path, optional
        What moves their clocks.
    has_disks : bool
        Whether each has a small disk of its own.
    environment : mapping
        Of their processes.
    """

    def __init__(
        self,
        folder: Path,
        supervisor: Supervisor,
        library: Path | None,
        *,
        has_disks: bool,
        environment: Mapping[str, str],
    ) -> None:
        key = folder / "key"
        key.touch(mode=0o600)
        key.write_text(secrets.token_hex(32))
        self.members = [
            Member(folder / f"mongod-{i}", key, library, has_disk=has_disks, environment=environment)
            for i in range(3)
        ]
        for member in self.members:
            supervisor.take_on(member.post)

    def initiate(self, timeout_s: float) -> None:
        """Make them a replica set, and return once it takes writes."""
        hosts = [{"_id": i, "host": f"127.0.0.1:{m.port}"} for i, m in enumerate(self.members)]
        settings = {"electionTimeoutMillis": 3_000, "heartbeatIntervalMillis": 500}
        config = {"_id": _SET, "members": hosts, "settings": settings}
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                self._found(config)
            except PyMongoError:  # some are only starting
                time.sleep(0.2)
            else:
                break
        if not self.wait_for_health(timeout_s):
            raise SystemExit(f"The replica set did not come up within {timeout_s:.0f} s.")

    def _found(self, config: Mapping[str, Any]) -> None:
        """Make the set, and its administrator, as this machine may while there is none; repeatable."""
        with self.members[0].client(is_known=False) as client:
            try:
                client.admin.command("replSetInitiate", config)
            except OperationFailure as error:
                if error.code != _ALREADY_INITIALIZED:
                    raise
            client.admin.command("createUser", ROOT["username"], pwd=ROOT["password"], roles=["root"])

    def uri(self) -> str:
        """Return the URI of the administrator."""
        user = f"{ROOT['username']}:{ROOT['password']}"
        return f"mongodb://{user}@{self.hosts()}/hpsearch?replicaSet={_SET}&authSource=admin"

    def hosts(self, ports: Sequence[int] | None = None) -> str:
        """Return the hosts of a URI by the members' ports, or by those of a proxy."""
        return ",".join(f"127.0.0.1:{port}" for port in ports or self.ports())

    def ports(self) -> list[int]:
        """Return the ports of the members."""
        return [member.port for member in self.members]

    def client(self) -> Client:
        """Return a client of the set, which gives up soon."""
        return MongoClient(
            self.uri(),
            serverSelectionTimeoutMS=3_000,
            socketTimeoutMS=5_000,
            heartbeatFrequencyMS=1_000,
            readConcernLevel="majority",
            appname="campaign",
        )

    def primary(self) -> Member | None:
        """Return the member that takes writes, if one does."""
        for member in self.members:
            with suppress(PyMongoError):
                if member.command("hello")["isWritablePrimary"]:
                    return member
        return None

    def secondaries(self) -> list[Member]:
        """Return the members that follow."""
        return [member for member in self.members if member.state() == "SECONDARY"]

    def wait_for_health(self, timeout_s: float) -> bool:
        """Return once one member leads and two follow, or False after the timeout."""
        deadline = time.monotonic() + timeout_s
        while sorted(m.state() for m in self.members) != ["PRIMARY", "SECONDARY", "SECONDARY"]:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def step_down(self) -> None:
        """Have the primary give up its role; it may return in ten seconds."""
        primary = self.primary()
        if primary is not None:
            with suppress(AutoReconnect):  # it hangs up
                primary.command("replSetStepDown", 10, secondaryCatchUpPeriodSecs=5, force=True)

    def end_commands(self) -> None:
        """End what fail points hold up in any member."""
        for member in self.members:
            member.end_commands()

    def connections(self) -> list[str]:
        """Return the connections of hpsearch to all members."""
        return [name for member in self.members for name in member.connections()]

    def close(self) -> None:
        """Remove the disks; the processes have ended."""
        for member in self.members:
            member.close()
