"""Reading many documents in calls that can each be repeated as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pymongo.collection import Collection

from hpsearch.store.documents.migration import Document
from hpsearch.store.mongo import queries
from hpsearch.store.mongo.connection import Connection

#: Documents in one call, so that it stays well within its time limit.
PAGE = 1_000


def pages(
    connection: Connection,
    collection: Collection[Document],
    wanted: queries.Filter,
    sort: str,
    *,
    limit: int | None = None,
    fields: Sequence[str] | None = None,
) -> Iterator[Document]:
    """Yield documents in pages, each of which is asked for again when it was cut short.

    Parameters
    ----------
    connection : Connection
        Carries each page over an outage.
    collection : Collection
        Where to read.
    wanted : dict
        Which documents.
    sort : str
        A key of ``queries.ORDERS``.
    limit : int, optional
        At most so many documents.
    fields : sequence of str, optional
        Only these fields of each, which must tell its place in the order.

    Raises
    ------
    StoreError
        As ``Connection.call`` does, at any page.
    """
    order = queries.ORDERS[sort]
    here, n_left = wanted, limit
    while n_left is None or n_left > 0:
        size = PAGE if n_left is None else min(PAGE, n_left)
        page = connection.call(read, collection, here, sort=order, limit=size, fields=fields)
        yield from page
        if len(page) < size:
            return
        here = {"$and": [wanted, queries.after(page[-1], sort)]}
        n_left = None if n_left is None else n_left - size


def read(
    collection: Collection[Document],
    wanted: queries.Filter,
    *,
    sort: list[tuple[str, int]] | None = None,
    limit: int = 0,
    fields: Sequence[str] | Mapping[str, int] | None = None,
) -> list[Document]:
    """Return all documents of a query at once; raises as the driver does."""
    return list(collection.find(wanted, fields, sort=sort, limit=limit, batch_size=limit))
