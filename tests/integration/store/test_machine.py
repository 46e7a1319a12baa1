"""The store on a real mongod behaves like the model, for calls in any order."""

from __future__ import annotations

import uuid
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test as run
from pymongo.database import Database

from hpsearch.store.mongo.store import MongoStore
from tests.support.store_driver import shift_times
from tests.support.store_machine import StoreMachine, World


class MongoWorld:
    """An experiment on a server whose clock cannot be set; its leases are moved instead."""

    def __init__(self, store: MongoStore, raw: Database[dict[str, Any]]) -> None:
        self.store = store
        self.raw = raw
        self.exp_key = f"machine-{uuid.uuid4().hex[:8]}"

    def advance(self, seconds: float) -> None:
        shift_times(self.raw, self.exp_key, seconds)


def test_mongodb_behaves_like_the_model(
    mongo_store: MongoStore, raw_database: Database[dict[str, Any]]
) -> None:
    """Over any sequence of calls, including stale and repeated ones, and expired leases."""

    class MongoMachine(StoreMachine):
        @staticmethod
        def new_world() -> World:
            return MongoWorld(mongo_store, raw_database)

    slow = [HealthCheck.too_slow]
    run(
        MongoMachine,
        settings=settings(max_examples=8, stateful_step_count=30, suppress_health_check=slow),
    )
