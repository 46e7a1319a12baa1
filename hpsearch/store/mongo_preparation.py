"""Giving a MongoDB database its collections, validators and indexes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from hpsearch.errors import StorePermissionError
from hpsearch.store.documents import Document
from hpsearch.store.mongo_connection import Connection
from hpsearch.store.mongo_errors import NAMESPACE_EXISTS
from hpsearch.store.schema import INDEXES, VALIDATORS

log = logging.getLogger(__name__)


def prepare_database(connection: Connection, database: Database[Document]) -> None:
    """Create collections, validators and indexes where they are missing; repeatable.

    A user who may not is taken to work on a database that somebody prepared.
    """
    try:
        for name in VALIDATORS:
            connection.call(prepare_collection, database, name)
    except StorePermissionError as error:
        log.info("the database is used as it is: %s", error, extra={"event": "not_prepared"})


def prepare_collection(database: Database[Document], name: str) -> None:
    """Create a collection, or give it the validator and the indexes that it lacks; repeatable.

    Raises
    ------
    pymongo.errors.PyMongoError
        As the driver raises it: the caller retries and translates.
    """
    present = next(iter(database.list_collections(filter={"name": name})), None)
    if present is None:
        _create(database, name)
    elif _validator(present) != VALIDATORS[name]:
        database.command("collMod", name, validator=VALIDATORS[name])
    for index in INDEXES[name]:
        database[name].create_index(list(index.keys), name=index.name, **index.options)


def _create(database: Database[Document], name: str) -> None:
    try:
        database.command("create", name, validator=VALIDATORS[name])
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:  # another coordinator was faster
            raise


def _validator(listed: Mapping[str, Any]) -> dict[str, Any] | None:
    options: dict[str, Any] = listed.get("options", {})
    return options.get("validator")
