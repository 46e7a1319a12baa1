"""Giving a MongoDB database its collections, validators and indexes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from hpsearch.errors import StorePermissionError
from hpsearch.runtime.events import Event
from hpsearch.store.documents.migration import Document
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.errors import NAMESPACE_EXISTS
from hpsearch.store.mongo.schema import INDEXES, VALIDATORS, Index

log = logging.getLogger(__name__)


def prepare_database(connection: Connection, database: Database[Document]) -> None:
    """Create collections, validators and indexes where they are missing; repeatable.

    A user who may not is taken to work on a database that somebody prepared.
    """
    try:
        for name in VALIDATORS:
            connection.call(prepare_collection, database, name)
    except StorePermissionError as error:
        log.info("the database is used as it is: %s", error, extra=Event.NOT_PREPARED.of())


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
    elif _validation(present) != _wanted(name):
        database.command("collMod", name, **_wanted(name))
    # Only what is missing: a coordinator has the right to look, not to create.
    present_indexes = database[name].index_information()
    for index in INDEXES[name]:
        if not _is_there(index, present_indexes):
            database[name].create_index(list(index.keys), name=index.name, **index.options)


def lacking(database: Database[Document], name: str) -> list[str]:
    """Return what ``prepare_collection`` would make, in words; raises as it does."""
    present = next(iter(database.list_collections(filter={"name": name})), None)
    if present is None:
        return [f"collection {name}", *(f"index {name}.{index.name}" for index in INDEXES[name])]
    validator = [] if _validation(present) == _wanted(name) else [f"validator of {name}"]
    indexes = database[name].index_information()
    return validator + [f"index {name}.{i.name}" for i in INDEXES[name] if not _is_there(i, indexes)]


def _create(database: Database[Document], name: str) -> None:
    try:
        database.command("create", name, **_wanted(name))
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:  # another coordinator was faster
            raise


def _wanted(name: str) -> dict[str, Any]:
    """Return how the documents of a collection are checked.

    One that breaks the rules already, since somebody altered it past them, may still be moved.
    """
    return {"validator": VALIDATORS[name], "validationLevel": "moderate"}


def _validation(listed: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = listed.get("options", {})
    return {name: options.get(name) for name in ("validator", "validationLevel")}


def _is_there(index: Index, present: Mapping[str, Any]) -> bool:
    """Whether an index is there as it should be; one of other keys is left to MongoDB to refuse."""
    found = present.get(index.name)
    if found is None:
        return False
    options = {name: value for name, value in found.items() if name not in {"key", "v", "ns"}}
    return tuple(map(tuple, found["key"])) == index.keys and options == index.options
