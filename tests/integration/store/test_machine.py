"""The store on a real mongod does what the model says, whatever is called in which order."""

from __future__ import annotations

import uuid

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test as run

from hpsearch.store.mongo.store import MongoStore
from tests.support.store_driver import age_leases
from tests.support.store_machine import StoreMachine, World


class MongoWorld:
    """An experiment on a server whose clock nobody can move: leases are moved the other way instead."""

    def __init__(self, store: MongoStore) -> None:
        self.store = store
        self.exp_key = f"machine-{uuid.uuid4().hex[:8]}"

    def advance(self, seconds: float) -> None:
        age_leases(self.store, self.exp_key, seconds)


def test_mongodb_does_as_the_model_says(mongo_store: MongoStore) -> None:
    """Over any sequence of calls, stale and repeated ones among them, and with leases that run out."""

    class MongoMachine(StoreMachine):
        @staticmethod
        def new_world() -> World:
            return MongoWorld(mongo_store)

    slow = [HealthCheck.too_slow]
    run(
        MongoMachine,
        settings=settings(max_examples=8, stateful_step_count=30, suppress_health_check=slow),
    )
