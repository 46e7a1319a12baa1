"""A store with one experiment in it, and short names for what tests do there."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.trial import Trial
from hpsearch.core.worker import Worker
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.protocol import TrialStore

WORKER = Worker(name="anna", host="machine", pid=4711)
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class ManualClock:
    """A clock that tests move; it stands still otherwise."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


class NothingToClaimError(AssertionError):
    """A test expected a trial in the queue."""


@dataclass
class StoreDriver:
    """A store, an experiment in it, and the words of the tests."""

    store: TrialStore
    exp_key: str
    clock: ManualClock | None = None  #: of a memory store

    def token(self) -> str:
        return uuid.uuid4().hex

    def trial(self, tid: int, **fields: Any) -> Trial:
        return Trial(exp_key=self.exp_key, tid=tid, **{"values": {"x": tid / 2}, **fields})

    def insert(self, n: int = 1, **fields: Any) -> list[Trial]:
        trials = [self.trial(tid, **fields) for tid in range(n)]
        self.store.insert(trials)
        return trials

    def claim(self, token: str | None = None) -> Trial:
        owner = f"{self.exp_key}:{token}" if token else self.token()
        trial = self.store.claim(WORKER, owner, [self.exp_key])
        if trial is None:
            raise NothingToClaimError
        return trial

    def read(self, trial: Trial) -> Trial:
        return self.store.trial(self.exp_key, trial.tid)

    def attached(self) -> dict[str, bytes]:
        """Return what shows of the first trial's attachments, by name."""
        names = self.store.attachments(self.exp_key, tid=0)
        return {name: self.store.attachment(self.exp_key, name, tid=0) for name in names}

    def advance(self, seconds: float) -> None:
        """Let so much of the store's time pass for leases and workers; below 0, set its clock back."""
        if self.clock is not None:
            self.clock.now += timedelta(seconds=seconds)
        else:
            assert isinstance(self.store, MongoStore)
            age_leases(self.store, self.exp_key, seconds)

    def wait_past(self, moment: datetime | None) -> None:
        """Let the store's time pass a moment: by hand, or by waiting for a server's clock."""
        assert moment is not None
        if self.clock is not None:
            self.clock.now = max(self.clock.now, moment + timedelta(milliseconds=1))
        deadline = time.monotonic() + 5
        while self.store.now() <= moment:
            assert time.monotonic() < deadline, "the store's clock stands still"

    def expire_lease(self, trial: Trial) -> Trial:
        """Let the lease of a claimed trial run out, and return the trial as it is then."""
        self.wait_past(self.read(trial).lease_until)
        assert self.store.expire(self.exp_key) == 1
        return self.read(trial)

    def experiment(self, **fields: Any) -> Experiment:
        known: dict[str, Any] = {
            "exp_key": self.exp_key,
            "space": {"parameters": [{"label": "x", "low": 0}]},
            "space_fingerprint": "f00d",
            "objective": ObjectiveRef(kind="import", ref="search:objective"),
        }
        return Experiment(**{**known, **fields})


def age_leases(store: MongoStore, exp_key: str, seconds: float) -> None:
    """Move the leases of an experiment back, since nobody can move a server's clock.

    And what the registry has of a worker of its name.
    """
    places = (
        ("trials", "exp_key", "lease_until"),
        ("experiments", "_id", "coordinator.lease_until"),
        ("workers", "_id", "seen_at"),
        ("workers", "_id", "expire_at"),
    )
    for collection, key, field in places:
        aged = {"$add": [f"${field}", -1000 * seconds]}
        found = {key: exp_key, field: {"$type": "date"}}
        store._database[collection].update_many(found, [{"$set": {field: aged}}])
