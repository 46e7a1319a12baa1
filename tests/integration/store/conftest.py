"""One database for all tests of a session, which use separate experiments."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore


@pytest.fixture(scope="session")
def mongo_store(mongo_uri: str) -> Iterator[MongoStore]:
    """A prepared store."""
    store = MongoStore.connect(mongo_uri, database=f"contract_{uuid.uuid4().hex[:8]}", patience=Patience(120))
    store.prepare()
    yield store
    store.close()


@pytest.fixture(scope="session")
def raw_database(mongo_uri: str, mongo_store: MongoStore) -> Iterator[Database[dict[str, Any]]]:
    """The database of ``mongo_store``, as the MongoDB driver's."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client[mongo_store.database]
