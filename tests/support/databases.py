"""Databases that tests use in turn: MongoDB takes ten times as long to create one as to empty it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database

from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.schema import VALIDATORS
from hpsearch.store.mongo.store import MongoStore


class Databases:
    """The prepared databases of one server.

    Parameters
    ----------
    uri : str
        Address of the server.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._client = MongoClient[dict[str, Any]](uri)
        self._free: list[str] = []

    @contextmanager
    def lend(self) -> Iterator[str]:
        """Lend a database that has its collections, indexes and views, and no document; yield its name."""
        name = self._free.pop() if self._free else self._prepared()
        database = self._client[name]
        before = structure(database)
        yield name
        if structure(database) == before:
            for collection in VALIDATORS:
                database[collection].delete_many({})
            self._free.append(name)
        else:
            self._client.drop_database(name)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _prepared(self) -> str:
        name = f"lent_{uuid.uuid4().hex[:12]}"
        store = MongoStore.connect(self._uri, database=name, patience=Patience(120))
        store.prepare()
        store.close()
        return name


def structure(database: Database[dict[str, Any]]) -> dict[str, Any]:
    """Return what a database has beside its documents: collections, views, indexes, users and roles."""
    return {
        "collections": {listed["name"]: listed for listed in database.list_collections()},
        "indexes": {name: database[name].index_information() for name in VALIDATORS},
        "users": database.command("usersInfo")["users"],
        "roles": database.command("rolesInfo")["roles"],
    }
