"""Databases and collections that follow a connection to its current client.

The objects of the driver belong to one client, and a client to one user and password. When the
credentials change while a process is running, its connection makes a new client; the proxies here
then use that one.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import ismethod
from typing import Any, cast

from pymongo import MongoClient, ReadPreference
from pymongo.database import Database

from hpsearch.store.documents.layout_migration import Document

Client = MongoClient[Document]


def current_database(client: Callable[[], Client], name: str) -> Database[Document]:
    """Return a proxy for a database; collections taken from it are proxies, too.

    Parameters
    ----------
    client : callable
        Returns the current client.
    name : str
        Name of the database.

    Raises
    ------
    pymongo.errors.InvalidName
        If the name is not valid.
    """

    def find(client: Client) -> Any:
        # Always from the primary, whatever the URI prefers, so that reads see earlier writes.
        return client.get_database(name, read_preference=ReadPreference.PRIMARY)

    find(client())
    return cast("Database[Document]", _Proxy(client, find))


class _Proxy:
    """A database or a collection of the current client.

    Parameters
    ----------
    client : callable
        Returns the current client.
    find : callable
        Returns the driver's object of a client.
    """

    def __init__(self, client: Callable[[], Client], find: Callable[[Client], Any]) -> None:
        self._client = client
        self._find = find
        self._cached: tuple[Client, Any] | None = None

    def __getitem__(self, name: str) -> _Proxy:
        return _Proxy(self._client, lambda client: self._find(client)[name])

    def with_options(self, **options: Any) -> _Proxy:
        return _Proxy(self._client, lambda client: self._find(client).with_options(**options))

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._current(), name)
        if not ismethod(attribute):
            return attribute

        def call(*args: Any, **fields: Any) -> Any:
            # Looked up at each call: the client may have changed since.
            return getattr(self._current(), name)(*args, **fields)

        return call

    def _current(self) -> Any:
        client, cached = self._client(), self._cached
        if cached is None or cached[0] is not client:
            cached = self._cached = client, self._find(client)
        return cached[1]
