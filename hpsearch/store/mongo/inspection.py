"""Inspecting a database for ``hpsearch db check``, without changing anything."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from hpsearch.core.trial import State
from hpsearch.core.worker import WorkerState
from hpsearch.store.documents.layout_migration import SCHEMA, Document
from hpsearch.store.mongo import experiment_queries, queries, schema
from hpsearch.store.mongo.connection import DATABASE, Connection
from hpsearch.store.mongo.database_state import (
    Clock,
    DatabaseState,
    Disk,
    DocumentCount,
    Member,
    OrphanReport,
    Topology,
)
from hpsearch.store.mongo.errors import TOO_SLOW, UNAUTHORIZED
from hpsearch.store.mongo.gridfs import STORED
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.preparation import COLLECTIONS_AND_VIEWS, missing_parts
from hpsearch.store.mongo.roles import ROLES, missing_rights
from hpsearch.store.mongo.tls import unverified
from hpsearch.store.mongo.uri import uri_without_user

#: Milliseconds that the server may spend on one query.
_QUERY_MS = 5_000

#: Readings of the server's clock; the one with the shortest round trip counts.
_CLOCK_SAMPLES = 5

#: Longer than a coordinator's round or a fail-over takes to expire a lease.
_OVERDUE = timedelta(minutes=1)

#: Longer than any attachment takes to write.
_UPLOAD_LIMIT = timedelta(hours=1)

T = TypeVar("T")


def inspect(uri: str, patience: Patience) -> DatabaseState:
    """Inspect a database.

    Parameters
    ----------
    uri : str
        A MongoDB URI of any user.
    patience : Patience
        How long to repeat a call while MongoDB is away.

    Raises
    ------
    ConfigurationError, StorePermissionError, StoreUnavailableError
        As ``MongoStore.connect`` does. Missing rights of the user are no error.
    """
    connection = Connection(uri, patience)
    try:
        return connection.call(_Inspection(connection, uri).state)
    finally:
        connection.close()


class _Inspection:
    """One inspection; may be repeated."""

    def __init__(self, connection: Connection, uri: str) -> None:
        self._connection = connection
        self._client = connection.client
        self._database = connection.client.get_default_database(DATABASE)
        self._uri = uri

    def state(self) -> DatabaseState:
        """Inspect everything; raises the driver's errors."""
        client, name = self._client, self._database.name
        hello = client.admin.command("hello")
        access = client.admin.command("connectionStatus", showPrivileges=True)["authInfo"]
        user = next((user["user"] for user in access["authenticatedUsers"]), None)
        is_open = self._is_open()
        granted = access["authenticatedUserPrivileges"]
        # Without access control everyone may do everything.
        may_all = user is None and is_open is True
        return DatabaseState(
            hosts=self._connection.hosts,
            database=name,
            version=client.server_info()["version"],
            compatibility=_permitted(self._compatibility),
            topology=_topology(hello),
            members=_permitted(self._members) if "setName" in hello else None,
            n_members=len(hello.get("hosts", ())) or 1,
            write_concern=client.write_concern.document,
            clock=self._clock(),
            is_local=all(_is_loopback(host) for host, _ in client.nodes),
            is_encrypted=client.options.pool_options._ssl_context is not None,  # noqa: SLF001 - no public API
            unverified=unverified(self._uri),
            user=user,
            is_open=is_open,
            missing=_permitted(self._missing),
            extra_indexes=_permitted(self._extra_indexes),
            missing_rights={r.name: () if may_all else missing_rights(r, name, granted) for r in ROLES},
            disk=_permitted(self._disk),
            orphans=self._orphans(hello["localTime"]),
        )

    def _compatibility(self) -> str:
        answer = self._client.admin.command("getParameter", featureCompatibilityVersion=1)
        return str(answer["featureCompatibilityVersion"]["version"])

    def _members(self) -> tuple[Member, ...]:
        found = self._client.admin.command("replSetGetStatus")["members"]
        return tuple(Member(name=member["name"], state=member["stateStr"]) for member in found)

    def _clock(self) -> Clock:
        """Return the difference of the clocks, from the sample with the shortest round trip."""
        return min((self._clock_sample() for _ in range(_CLOCK_SAMPLES)), key=lambda clock: clock.error_s)

    def _clock_sample(self) -> Clock:
        started_at, started_s = time.time(), time.monotonic()
        server = self._client.admin.command("hello")["localTime"]
        half_s = (time.monotonic() - started_s) / 2
        return Clock(ahead_s=started_at + half_s - _seconds(server), error_s=half_s)

    def _is_open(self) -> bool | None:
        """Whether the trials can be read without credentials; None if the server does not answer."""
        try:
            with MongoClient[Document](uri_without_user(self._uri), serverSelectionTimeoutMS=2_000) as client:
                client[self._database.name][schema.TRIALS].find_one({}, {"_id": 1})
        except OperationFailure:
            return False
        except PyMongoError:
            return None
        return True

    def _missing(self) -> tuple[str, ...]:
        return tuple(text for name in COLLECTIONS_AND_VIEWS for text in missing_parts(self._database, name))

    def _extra_indexes(self) -> tuple[str, ...]:
        return tuple(
            f"{name}.{index}"
            for name, ours in schema.INDEXES.items()
            for index in sorted(self._database[name].index_information())
            if index not in {"_id_", *(known.name for known in ours)}
        )

    def _disk(self) -> Disk | None:
        answer = self._database.command("dbStats")
        total = int(answer.get("fsTotalSize", 0))
        return Disk(free_bytes=total - int(answer["fsUsedSize"]), total_bytes=total) if total else None

    def _orphans(self, now: datetime) -> OrphanReport:
        def count(collection: str, condition: Mapping[str, Any]) -> DocumentCount | None:
            return _permitted(lambda: self._count(collection, condition))

        known = _permitted(lambda: self._database[schema.EXPERIMENTS].distinct("_id", maxTimeMS=_QUERY_MS))
        return OrphanReport(
            invalid={name: count(name, {"$nor": [rule]}) for name, rule in schema.VALIDATORS.items()},
            newer=count(schema.EXPERIMENTS, {"schema": {"$gt": SCHEMA}}),
            orphan_trials=_permitted(lambda: self._without(known, schema.TRIALS, "exp_key")),
            orphan_files=_permitted(lambda: self._without(known, schema.FILES, "metadata.exp_key")),
            broken_uploads=count(
                schema.FILES,
                {"metadata.state": {"$ne": STORED}, "uploadDate": {"$lt": now - _UPLOAD_LIMIT}},
            ),
            overdue=count(
                schema.TRIALS, {"state": State.RUNNING.value, "lease_until": {"$lt": now - _OVERDUE}}
            ),
            long_leases=_sum(
                count(schema.EXPERIMENTS, experiment_queries.any_led_too_long()),
                count(schema.TRIALS, queries.any_too_long()),
            ),
            leaderless=_permitted(self._leaderless),
        )

    def _leaderless(self) -> DocumentCount:
        """Count the experiments that idle workers serve and no coordinator has led for a minute."""
        workers = self._database[schema.WORKERS].find(
            {**experiment_queries.ALIVE_WORKERS, "state": WorkerState.IDLE.value},
            {"exp_keys": 1},
            max_time_ms=_QUERY_MS,
        )
        served = [worker.get("exp_keys") for worker in workers]
        if not served:
            return DocumentCount(n=0)
        named = {key for keys in served if isinstance(keys, list) for key in keys}
        chosen = {} if [] in served else {"_id": {"$in": sorted(named, key=str)}}
        return self._count(
            schema.EXPERIMENTS, {**experiment_queries.unled_for(_OVERDUE.total_seconds()), **chosen}
        )

    def _count(self, collection: str, condition: Mapping[str, Any]) -> DocumentCount:
        found = self._database[collection]
        n = found.count_documents(condition, maxTimeMS=_QUERY_MS)
        example = found.find_one(condition, {"_id": 1}, max_time_ms=_QUERY_MS) if n else None
        return DocumentCount(n=n, example=str(example["_id"]) if example else None)

    def _without(
        self, experiments: Iterable[Any] | None, collection: str, field: str
    ) -> DocumentCount | None:
        """Count the documents of experiments that are not in the database."""
        if experiments is None:
            return None
        named = self._database[collection].distinct(field, maxTimeMS=_QUERY_MS)
        missing = [name for name in named if name not in set(experiments)]
        return self._count(collection, {field: {"$in": missing}}) if missing else DocumentCount(n=0)


def _sum(*parts: DocumentCount | None) -> DocumentCount | None:
    """Add counts of several collections; None if one of them is unknown."""
    seen = [part for part in parts if part is not None]
    if len(seen) < len(parts):
        return None
    return DocumentCount(n=sum(p.n for p in seen), example=next((p.example for p in seen if p.example), None))


def _permitted(query: Callable[[], T]) -> T | None:
    """Return the result of a query; None if the user may not run it or it takes too long."""
    try:
        return query()
    except OperationFailure as error:
        if error.code in {UNAUTHORIZED, TOO_SLOW}:
            return None
        raise


def _topology(hello: Mapping[str, Any]) -> Topology:
    if hello.get("msg") == "isdbgrid":
        return Topology.SHARDED
    return Topology.REPLICA_SET if "setName" in hello else Topology.STANDALONE


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a host name or the path of a socket
        return host == "localhost" or host.startswith("/")


def _seconds(date: datetime) -> float:
    """Return a date of the server, which is naive UTC, in seconds since 1970."""
    return date.replace(tzinfo=UTC).timestamp()
