"""The stores that must keep the contract."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from hpsearch.store.memory.store import MemoryStore
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.protocol import TrialStore
from tests.support.store_driver import ManualClock, StoreDriver


@pytest.fixture(scope="session")
def mongo_store(mongo_uri: str) -> Iterator[MongoStore]:
    """One database for the whole contract: its tests keep apart by their experiments."""
    database = f"contract_{uuid.uuid4().hex[:8]}"
    store = MongoStore.connect(mongo_uri, database=database, patience=Patience(20))
    store.prepare()
    yield store
    store.close()


@pytest.fixture(params=["memory", "mongo"])
def store_driver(request: pytest.FixtureRequest) -> StoreDriver:
    """Yield each kind of store with an experiment that no other test uses."""
    exp_key = f"exp-{uuid.uuid4().hex[:8]}"
    if request.param == "memory":
        clock = ManualClock()
        return StoreDriver(MemoryStore(clock), exp_key, clock)
    return StoreDriver(request.getfixturevalue("mongo_store"), exp_key)


@pytest.fixture
def store(store_driver: StoreDriver) -> TrialStore:
    return store_driver.store
