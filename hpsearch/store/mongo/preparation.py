"""Creating the collections, validators, indexes and views of a MongoDB database."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from pymongo.database import Database
from pymongo.errors import OperationFailure

from hpsearch.errors import StorePermissionError
from hpsearch.runtime.events import Event
from hpsearch.store.documents.layout_migration import Document
from hpsearch.store.mongo.connection import Connection
from hpsearch.store.mongo.errors import NAMESPACE_EXISTS
from hpsearch.store.mongo.schema import INDEXES, VALIDATORS, Index
from hpsearch.store.mongo.views import VIEWS, View

log = logging.getLogger(__name__)

#: Names of all collections, and of the views of them.
COLLECTIONS_AND_VIEWS = (*VALIDATORS, *VIEWS)


def prepare_database(connection: Connection, database: Database[Document]) -> None:
    """Create missing collections, validators, indexes and views.

    A user without the right to do so is assumed to use a database that is already prepared.

    Parameters
    ----------
    connection : Connection
        Repeats calls during an outage.
    database : Database
        The database to prepare.
    """
    try:
        for name in COLLECTIONS_AND_VIEWS:
            connection.call(prepare, database, name)
    except StorePermissionError as error:
        log.info("using the database as it is: %s", error, extra=Event.NOT_PREPARED.of())


def prepare(database: Database[Document], name: str) -> None:
    """Create a view, or a collection, or the validator and the indexes that the collection lacks.

    Parameters
    ----------
    database : Database
        The database to prepare.
    name : str
        One of ``COLLECTIONS_AND_VIEWS``.

    Raises
    ------
    pymongo.errors.PyMongoError
        Any error of the driver: the caller repeats the call and translates errors.
    """
    present = _listed(database, name)
    if name in VIEWS:
        _prepare_view(database, name, present)
        return
    if present is None:
        _create(database, name, _wanted_options(name))
    elif _present_options(present) != _wanted_options(name):
        database.command("collMod", name, **_wanted_options(name))
    # Only missing ones: a coordinator has the right to list indexes, but not to create them.
    present_indexes = database[name].index_information()
    for index in INDEXES[name]:
        if not _exists(index, present_indexes):
            database[name].create_index(list(index.keys), name=index.name, **index.options)


def missing_parts(database: Database[Document], name: str) -> list[str]:
    """Describe what ``prepare`` would create; raises as it does.

    Parameters
    ----------
    database : Database
        The database to prepare.
    name : str
        One of ``COLLECTIONS_AND_VIEWS``.
    """
    present = _listed(database, name)
    if name in VIEWS:
        return [] if _is_settled(present, VIEWS[name]) else [f"view {name}"]
    if present is None:
        return [f"collection {name}", *(f"index {name}.{index.name}" for index in INDEXES[name])]
    validator = [] if _present_options(present) == _wanted_options(name) else [f"validator of {name}"]
    indexes = database[name].index_information()
    return validator + [f"index {name}.{i.name}" for i in INDEXES[name] if not _exists(i, indexes)]


def _listed(database: Database[Document], name: str) -> Mapping[str, Any] | None:
    """Return a collection or view as MongoDB lists it; None if there is none."""
    return next(iter(database.list_collections(filter={"name": name})), None)


def _prepare_view(database: Database[Document], name: str, present: Mapping[str, Any] | None) -> None:
    view = VIEWS[name]
    if present is None:
        _create(database, name, _view_options(view))
    elif not _is_settled(present, view):
        database.command("collMod", name, **_view_options(view))


def _is_settled(present: Mapping[str, Any] | None, view: View) -> bool:
    """Whether a view exists as wanted, or its name belongs to a collection of the user."""
    if present is None:
        return False
    is_view: bool = present["type"] == "view"
    return not is_view or present["options"] == _view_options(view)


def _view_options(view: View) -> dict[str, Any]:
    return {"viewOn": view.source, "pipeline": view.pipeline}


def _create(database: Database[Document], name: str, options: Mapping[str, Any]) -> None:
    try:
        database.command("create", name, **options)
    except OperationFailure as error:
        if error.code != NAMESPACE_EXISTS:  # another process created it
            raise


def _wanted_options(name: str) -> dict[str, Any]:
    """Return the validation options of a collection.

    Documents that already violate the rules may still be updated.
    """
    return {"validator": VALIDATORS[name], "validationLevel": "moderate"}


def _present_options(listed: Mapping[str, Any]) -> dict[str, Any]:
    options: dict[str, Any] = listed.get("options", {})
    return {name: options.get(name) for name in ("validator", "validationLevel")}


def _exists(index: Index, present: Mapping[str, Any]) -> bool:
    """Whether an index exists with the same keys and options."""
    found = present.get(index.name)
    if found is None:
        return False
    options = {name: value for name, value in found.items() if name not in {"key", "v", "ns"}}
    return tuple(map(tuple, found["key"])) == index.keys and options == index.options
