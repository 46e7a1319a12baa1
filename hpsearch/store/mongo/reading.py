"""Reading and inserting many documents in calls that can each be repeated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.errors import DUPLICATE_KEY

#: Documents in one call, so that it ends well within its time limit.
PAGE = 1_000


def pages(
    connection: Connection,
    collection: Collection[Document],
    wanted: queries.Filter,
    sort: str,
    *,
    limit: int | None = None,
    fields: Sequence[str] | Mapping[str, Any] | None = None,
) -> Iterator[Document]:
    """Yield documents, read in pages so that a long read survives an outage.

    Parameters
    ----------
    connection : Connection
        Repeats the call for a page during an outage.
    collection : Collection
        Where to read.
    wanted : dict
        Filter of the documents.
    sort : str
        A key of ``queries.ORDERS``.
    limit : int, optional
        The maximum number of documents; not negative.
    fields : sequence of str or mapping, optional
        Only these fields, which must include those of the order, or a projection of MongoDB.

    Raises
    ------
    StoreError
        As ``Connection.call`` does, at any page.
    """
    order = queries.ORDERS[sort]
    rest, n_left = wanted, limit
    while n_left is None or n_left > 0:
        size = PAGE if n_left is None else min(PAGE, n_left)
        page = connection.call(read, collection, rest, sort=order, limit=size, fields=fields)
        yield from page
        if len(page) < size:
            return
        rest = {"$and": [wanted, queries.after(page[-1], sort)]}
        n_left = None if n_left is None else n_left - size


def read(
    collection: Collection[Document],
    wanted: queries.Filter,
    *,
    sort: list[tuple[str, int]] | None = None,
    limit: int = 0,
    fields: Sequence[str] | Mapping[str, Any] | None = None,
) -> list[Document]:
    """Return all documents that match a filter; raises the driver's errors.

    Parameters
    ----------
    collection : Collection
        Where to read.
    wanted : dict
        Filter of the documents.
    sort : list of (str, int), optional
        Fields and directions of the order.
    limit : int
        The maximum number of documents; 0 for all.
    fields : sequence of str or mapping, optional
        The fields to read, or a projection of MongoDB; by default all.
    """
    return list(collection.find(wanted, fields, sort=sort, limit=limit, batch_size=limit))


def insert_missing(collection: Collection[Document], documents: list[Document]) -> None:
    """Insert documents, except those that an earlier call inserted whose answer was lost.

    Parameters
    ----------
    collection : Collection
        Where to write.
    documents : list of mapping
        The documents, with identifiers.
    """
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        refused = error.details["writeErrors"]
        if error.details.get("writeConcernErrors") or any(e["code"] != DUPLICATE_KEY for e in refused):
            raise
