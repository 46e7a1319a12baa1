"""Store drivers on MongoDB, whose clock is shifted by moving the stored times."""

from __future__ import annotations

from typing import Any

from pymongo.database import Database

from hpsearch.store.mongo.store import MongoStore
from hpsearch.testing import StoreDriver


def mongo_driver(
    store: MongoStore, exp_key: str | None = None, raw: Database[dict[str, Any]] | None = None
) -> StoreDriver:
    """Return a driver of an experiment; shifting its clock needs the database as the MongoDB driver's."""

    def shift(exp_key: str, seconds: float) -> None:
        assert raw is not None, "shifting the clock needs the raw database"
        shift_times(raw, exp_key, seconds)

    driver = StoreDriver(store=store, shift_clock_of=shift)
    return driver if exp_key is None else driver.beside(exp_key)


def shift_times(raw: Database[dict[str, Any]], exp_key: str, seconds: float) -> None:
    """Move the leases of an experiment, and the registry entry of its name, back by some seconds."""
    places = (
        ("trials", "exp_key", "lease_until"),
        ("experiments", "_id", "coordinator.lease_until"),
        ("workers", "_id", "seen_at"),
        ("workers", "_id", "expire_at"),
    )
    for collection, key, field in places:
        moved = {"$add": [f"${field}", -1000 * seconds]}
        raw[collection].update_many({key: exp_key, field: {"$type": "date"}}, [{"$set": {field: moved}}])
