"""The store on a real mongod fulfils the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.database import Database

from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.testing import DurabilityContract, StoreContract, StoreDriver
from tests.support.servers import Server
from tests.support.store_driver import mongo_driver


class TestMongoStore(StoreContract):
    """On the shared server."""

    @pytest.fixture
    def store_driver(self, mongo_store: MongoStore, raw_database: Database[dict[str, Any]]) -> StoreDriver:
        return mongo_driver(mongo_store, raw=raw_database)


class TestMongoDurability(DurabilityContract):
    """On a separate server, which is killed with SIGKILL."""

    @pytest.fixture
    def store_driver(self, killable_server: Server) -> Iterator[StoreDriver]:
        store = connected(killable_server)
        yield mongo_driver(store)
        store.close()

    @pytest.fixture
    def crash(self, killable_server: Server) -> Iterator[Callable[[], MongoStore]]:
        opened = []

        def restart() -> MongoStore:
            killable_server.kill()
            killable_server.start()
            opened.append(connected(killable_server))
            return opened[-1]

        yield restart
        for store in opened:
            store.close()


def connected(server: Server) -> MongoStore:
    store = MongoStore.connect(server.uri, database="durable", patience=Patience(120))
    store.prepare()
    return store
