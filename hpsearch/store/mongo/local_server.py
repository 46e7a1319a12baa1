"""Making a freshly started MongoDB server usable: replica set, administrator, address.

It talks to one server, by its port on this machine, before that can take part in a search.
Every function may be repeated after a crash at any instant.
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

#: Seconds between two looks at a server that is about to be ready, and milliseconds that a call may take.
_POLL_S, _CALL_TIMEOUT_MS = 0.02, 5_000

#: The user that MongoDB's servers are to each other; its password is what their key files hold.
_MEMBER = "__system"

Client = MongoClient[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServer:
    """A single-member replica set on this machine, and its administrator."""

    port: int  #: TCP port on the loopback address
    replica_set: str  #: name of the set
    user: str  #: name of the administrator
    password: str = field(repr=False)  #: the administrator's
    key: str = field(repr=False)  #: what its key file holds

    @property
    def address(self) -> str:
        """Host and port, as the member is known in its replica set."""
        return f"{LOOPBACK}:{self.port}"


def make_ready(server: LocalServer, timeout_s: float) -> None:
    """Bring a server to the point where its administrator can read and write.

    A new server gets its replica set and its administrator; an old one that now
    listens on another port has its member's address corrected.

    Parameters
    ----------
    server : LocalServer
        A mongod that listens on its port and was started with ``--replSet`` and ``--keyFile``,
        and best with ``enableLocalhostAuthBypass=false``: then nobody else can come first.
    timeout_s : float
        Seconds to wait for the server to become primary.

    Raises
    ------
    StorePermissionError
        If the server has an administrator with another name or password.
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
    """Tell whether the server accepts the administrator's name and password."""
    with _connection(server) as client:
        try:
            client.admin.command("ping")
        except OperationFailure as error:
            if error.code == AUTHENTICATION_FAILED:
                return False
            raise
        return True


def initiate(server: LocalServer) -> None:
    """Make the server a replica set of one, unless it is one already."""
    config = {"_id": server.replica_set, "members": [{"_id": 0, "host": server.address}]}
    with _connection(server, as_member=True) as client:
        try:
            client.admin.command("replSetInitiate", config)
        except OperationFailure as error:
            if error.code != ALREADY_INITIALIZED:
                raise


def create_administrator(server: LocalServer) -> None:
    """Create the first user."""
    with _connection(server, as_member=True) as client:
        client.admin.command("createUser", server.user, pwd=server.password, roles=["root"])


def correct_address(server: LocalServer, timeout_s: float) -> None:
    """Give the only member its present address; a set that holds an old one has no primary."""
    deadline = time.monotonic() + timeout_s
    with _connection(server) as client:
        config = client.local["system.replset"].find_one()
        if config is None or config["members"][0]["host"] == server.address:
            return
        config["members"][0]["host"] = server.address
        config["version"] += 1
        while True:
            try:
                # Forced, because only a primary takes an ordinary change.
                client.admin.command("replSetReconfig", config, force=True)
            except OperationFailure as error:
                # Right after its start the server has yet to read the old configuration.
                if error.code != NOT_YET_INITIALIZED or time.monotonic() >= deadline:
                    raise
                time.sleep(_POLL_S)
            else:
                return


def wait_primary(server: LocalServer, timeout_s: float) -> None:
    """Return once the server accepts writes.

    Raises
    ------
    StoreUnavailableError
        If it does not within ``timeout_s`` seconds.
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
    """Connect to this one server; no driver error leaves the block.

    As the administrator, or as a member of the replica set, which whoever holds the key file is.
    Either way the server proves, too, that it knows the password, and so is no stranger's.
    """
    client: Client = MongoClient(
        LOOPBACK,
        server.port,
        directConnection=True,
        serverSelectionTimeoutMS=_CALL_TIMEOUT_MS,
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
            f"The MongoDB server at {server.address} has another administrator than {server.user!r}, "
            "or another password."
        ) from error
    except PyMongoError as error:
        raise StoreUnavailableError(
            f"The MongoDB server at {server.address} cannot be reached: {error}."
        ) from error
