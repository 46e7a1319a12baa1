"""Making a newly started MongoDB server on this machine usable: replica set, administrator, address.

Every function may be repeated after a crash at any point.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from hpsearch.errors import StorePermissionError, StoreUnavailableError
from hpsearch.store.mongo.errors import (
    ALREADY_INITIALIZED,
    AUTHENTICATION_FAILED,
    NOT_YET_INITIALIZED,
    UNAUTHORIZED,
    USER_EXISTS,
)

LOOPBACK = "127.0.0.1"

#: Seconds between two polls of a server that is starting.
_POLL_S = 0.02

#: Milliseconds to find the server, and for a call: the first calls of a new one take long on a busy machine.
_CONNECT_TIMEOUT_MS, _CALL_TIMEOUT_MS = 5_000, 30_000

#: The user as which members of a replica set authenticate to each other, with the key as password.
_MEMBER = "__system"

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A single-member replica set on this machine, and its administrator."""

    port: int  #: TCP port on the loopback address
    replica_set: str  #: name of the replica set
    user: str  #: name of the administrator
    password: str = field(repr=False)  #: password of the administrator
    key: str = field(repr=False)  #: content of its key file

    @property
    def address(self) -> str:
        """Host and port of the member in its replica set."""
        return f"{LOOPBACK}:{self.port}"


def make_ready(server: LocalServer, timeout_s: float) -> None:
    """Prepare a server so that its administrator can read and write.

    A new server gets a replica set and an administrator; for an existing one that listens on
    another port now, the address of its member is corrected.

    Parameters
    ----------
    server : LocalServer
        A running mongod, started with ``--replSet`` and ``--keyFile``, and preferably with
        ``enableLocalhostAuthBypass=false``, so that no one else can create the administrator.
    timeout_s : float
        Seconds to wait until the server is primary; positive.

    Raises
    ------
    StorePermissionError
        If the administrator has another name or password.
    StoreUnavailableError
        If it does not answer, or does not become primary in time.
    """
    deadline = time.monotonic() + timeout_s
    if not knows_administrator(server):
        initiate(server)
        wait_primary(server, deadline - time.monotonic())
        create_administrator(server)
    correct_address(server, deadline - time.monotonic())
    wait_primary(server, deadline - time.monotonic())


def knows_administrator(server: LocalServer) -> bool:
    """Return whether the server accepts the administrator's name and password."""
    with _connection(server) as client:
        try:
            client.admin.command("ping")
        except OperationFailure as error:
            if error.code == AUTHENTICATION_FAILED:
                return False
            raise
        return True


def initiate(server: LocalServer) -> None:
    """Make the server a replica set of one member, unless it already is."""
    config = {"_id": server.replica_set, "members": [{"_id": 0, "host": server.address}]}
    with _connection(server, as_member=True) as client:
        try:
            client.admin.command("replSetInitiate", config)
        except OperationFailure as error:
            if error.code != ALREADY_INITIALIZED:
                raise


def create_administrator(server: LocalServer) -> None:
    """Create the administrator."""
    with _connection(server, as_member=True) as client:
        client.admin.command("createUser", server.user, pwd=server.password, roles=["root"])


def correct_address(server: LocalServer, timeout_s: float) -> None:
    """Set the address of the only member; a replica set with an old address has no primary.

    Parameters
    ----------
    server : LocalServer
        The server.
    timeout_s : float
        Seconds; positive.
    """
    deadline = time.monotonic() + timeout_s
    with _connection(server) as client:
        config = client.local["system.replset"].find_one()
        if config is None or config["members"][0]["host"] == server.address:
            return
        config["members"][0]["host"] = server.address
        config["version"] += 1
        while True:
            try:
                # Forced, because only a primary accepts an ordinary change.
                client.admin.command("replSetReconfig", config, force=True)
            except OperationFailure as error:
                # The server has just started and not read its configuration yet.
                if error.code != NOT_YET_INITIALIZED or time.monotonic() >= deadline:
                    raise
                time.sleep(_POLL_S)
            else:
                return


def wait_primary(server: LocalServer, timeout_s: float) -> None:
    """Wait until the server accepts writes.

    Parameters
    ----------
    server : LocalServer
        The server.
    timeout_s : float
        Seconds; positive.

    Raises
    ------
    StoreUnavailableError
        If the timeout expires.
    """
    deadline = time.monotonic() + timeout_s
    with _connection(server, as_member=True) as client:
        while not client.admin.command("hello").get("isWritablePrimary"):
            if time.monotonic() >= deadline:
                raise StoreUnavailableError(
                    f"The MongoDB server at {server.address} did not become primary in time."
                )
            time.sleep(_POLL_S)


@contextmanager
def _connection(server: LocalServer, *, as_member: bool = False) -> Iterator[Client]:
    """Connect to the server, and translate the driver's errors.

    Connects as the administrator or, with the key file, as a member of the replica set. Either way the
    server, too, proves that it knows the password, so that it cannot be another user's server.
    """
    client: Client = MongoClient(
        LOOPBACK,
        server.port,
        directConnection=True,
        serverSelectionTimeoutMS=_CONNECT_TIMEOUT_MS,
        timeoutMS=_CALL_TIMEOUT_MS,
        appname="hpsearch-admin",
        username=_MEMBER if as_member else server.user,
        password=server.key if as_member else server.password,
        authSource="local" if as_member else "admin",
        authMechanism="SCRAM-SHA-256",
    )
    try:
        with client:
            yield client
    except OperationFailure as error:
        if error.code not in {UNAUTHORIZED, AUTHENTICATION_FAILED, USER_EXISTS}:
            raise StoreUnavailableError(f"The MongoDB server at {server.address} failed: {error}.") from error
        raise StorePermissionError(
            f"The MongoDB server at {server.address} has another administrator than {server.user!r} "
            "or another password."
        ) from error
    except PyMongoError as error:
        raise StoreUnavailableError(
            f"The MongoDB server at {server.address} cannot be reached: {error}."
        ) from error
