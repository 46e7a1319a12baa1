"""Databases and collections of whichever client a connection has at present.

The driver's objects belong to one client for ever, and a client to one user and password. When
those are changed under a process that is at work, its connection makes a new client; what is
handed out here then goes on with that one.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import ismethod
from typing import Any, cast

from pymongo import MongoClient, ReadPreference
from pymongo.database import Database

from hpsearch.store.documents.migration import Document

Client = MongoClient[Document]


def current_database(client: Callable[[], Client], name: str) -> Database[Document]:
    """Return a database of the present client, for calls; its collections are of the present client, too.

    Parameters
    ----------
    client : callable
        Returns the present client.
    name : str
        Name of the database.

    Raises
    ------
    pymongo.errors.InvalidName
        If it cannot be one.
    """

    def found(client: Client) -> Any:
        # Reads follow writes: all of them go to the primary, whatever the URI prefers.
        return client.get_database(name, read_preference=ReadPreference.PRIMARY)

    found(client())
    return cast("Database[Document]", _Current(client, found))


class _Current:
    """A database or a collection: each call finds that of the present client.

    Parameters
    ----------
    client : callable
        Returns the present client.
    find : callable
        Returns the driver's object of a client.
    """

    def __init__(self, client: Callable[[], Client], find: Callable[[Client], Any]) -> None:
        self._client = client
        self._find = find
        self._known: tuple[Client, Any] | None = None

    def __getitem__(self, name: str) -> _Current:
        return _Current(self._client, lambda client: self._find(client)[name])

    def with_options(self, **options: Any) -> _Current:
        return _Current(self._client, lambda client: self._find(client).with_options(**options))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._now(), name)
        if not ismethod(found):
            return found

        def call(*args: Any, **fields: Any) -> Any:
            # Another client may have taken over since the method was looked up, or first called.
            return getattr(self._now(), name)(*args, **fields)

        return call

    def _now(self) -> Any:
        client, known = self._client(), self._known
        if known is None or known[0] is not client:
            known = self._known = client, self._find(client)
        return known[1]
