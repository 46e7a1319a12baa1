"""Measuring how much room searches take in MongoDB; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure

from hpsearch.store.documents.migration import Document
from hpsearch.store.mongo.connection import DATABASE, Connection
from hpsearch.store.mongo.errors import NAMESPACE_NOT_FOUND, UNAUTHORIZED
from hpsearch.store.mongo.gridfs import STORED
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.schema import EXPERIMENTS, FILES, TRIALS, VALIDATORS
from hpsearch.store.sizes import CollectionSize, ExperimentSize

_SIZES_OF_TRIALS: list[Mapping[str, Any]] = [
    {
        "$group": {
            "_id": "$exp_key",
            "n": {"$sum": 1},
            "bytes": {"$sum": {"$bsonSize": "$$ROOT"}},
            "largest": {"$max": {"$bsonSize": "$$ROOT"}},
        }
    }
]
_SIZES_OF_FILES: list[Mapping[str, Any]] = [
    {"$match": {"metadata.state": STORED}},
    {"$group": {"_id": "$metadata.exp_key", "n": {"$sum": 1}, "bytes": {"$sum": "$length"}}},
]


def measure(uri: str, patience: Patience) -> tuple[list[ExperimentSize], list[CollectionSize]]:
    """Return what each experiment takes, by name, and what each collection does.

    Raises
    ------
    ConfigurationError, StorePermissionError, StoreUnavailableError
        As ``MongoStore.connect`` does.
    """
    connection = Connection(uri, patience)
    try:
        client: MongoClient[Document] = connection.client
        database = client.get_default_database(DATABASE)
        experiments = connection.call(_experiments, database)
        return experiments, [connection.call(_collection, database, name) for name in VALIDATORS]
    finally:
        connection.close()


def _experiments(database: Database[Document]) -> list[ExperimentSize]:
    trials = {row["_id"]: row for row in database[TRIALS].aggregate(_SIZES_OF_TRIALS)}
    files = {row["_id"]: row for row in database[FILES].aggregate(_SIZES_OF_FILES)}
    keys = {document["_id"] for document in database[EXPERIMENTS].find({}, {"_id": 1})}
    return [
        ExperimentSize(
            exp_key=str(key),
            trials=trials.get(key, {}).get("n", 0),
            trial_bytes=trials.get(key, {}).get("bytes", 0),
            largest_bytes=trials.get(key, {}).get("largest", 0),
            attachments=files.get(key, {}).get("n", 0),
            attachment_bytes=files.get(key, {}).get("bytes", 0),
        )
        for key in sorted({*keys, *trials, *files}, key=str)
    ]


def _collection(database: Database[Document], name: str) -> CollectionSize:
    collection = database[name]
    try:
        stats = next(collection.aggregate([{"$collStats": {"storageStats": {}}}]))["storageStats"]
    except OperationFailure as error:
        if error.code not in {UNAUTHORIZED, NAMESPACE_NOT_FOUND}:
            raise
        stats = {}
    return CollectionSize(
        collection=name,
        documents=collection.estimated_document_count() if stats else collection.count_documents({}),
        disk_bytes=stats.get("storageSize"),
        index_bytes=stats.get("indexSizes"),
    )
