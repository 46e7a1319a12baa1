"""What the tests of the contract need from a store, and the steps that they share."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.trial import Failure, FailureKind, Result, Trial
from hpsearch.core.worker import Worker
from hpsearch.store.protocol import TrialStore

#: The worker that claims trials.
WORKER = Worker(name="anna", host="machine", pid=4711)

#: When the imported trials were created and finished.
IMPORTED_AT = datetime(2026, 1, 1, tzinfo=UTC)

DONE = Result(loss=1.0, result={"loss": 1.0, "status": "ok"}, duration_s=2.5)
FAILED = Result(loss=None, error=Failure(kind=FailureKind.EXCEPTION, message="boom", type="ValueError"))

#: Seconds to wait for the store's clock to pass a moment.
_CLOCK_TIMEOUT_S = 5.0


class NothingToClaimError(AssertionError):
    """A test expected a pending trial."""


def _unused_name() -> str:
    return f"exp-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True, kw_only=True)
class StoreDriver:
    """A store under test, and one experiment in it that no other test uses."""

    store: TrialStore
    #: Called with the name of an experiment and a number of seconds: makes at least the leases of that
    #: experiment, and the registry entry of the worker with its name, look as if the store's clock had moved
    #: on by so much; back if negative.
    shift_clock_of: Callable[[str, float], None]
    exp_key: str = field(default_factory=_unused_name)

    def beside(self, exp_key: str) -> StoreDriver:
        """Return the driver of another experiment in the same store."""
        return replace(self, exp_key=exp_key)

    def experiment(self, **fields: Any) -> Experiment:
        """Return the experiment, not stored yet."""
        known: dict[str, Any] = {
            "exp_key": self.exp_key,
            "space": {"parameters": [{"label": "x", "low": 0}]},
            "space_fingerprint": "f00d",
            "objective": ObjectiveRef(kind="import", ref="search:objective"),
        }
        return Experiment(**{**known, **fields})

    def trial(self, tid: int, **fields: Any) -> Trial:
        """Return a trial of the experiment, not stored yet.

        Parameters
        ----------
        tid : int
            Its number.
        **fields
            Other fields of ``Trial``.
        """
        return Trial(exp_key=self.exp_key, tid=tid, **{"values": {"x": tid / 2}, **fields})

    def insert(self, n: int = 1, **fields: Any) -> list[Trial]:
        """Store trials, and return them as they were passed to the store.

        Parameters
        ----------
        n : int
            How many, with numbers from 0.
        **fields
            Other fields of each ``Trial``.
        """
        trials = [self.trial(tid, **fields) for tid in range(n)]
        self.store.insert(trials)
        return trials

    def token(self) -> str:
        """Return a new token for a claim."""
        return uuid.uuid4().hex

    def claim(self, token: str | None = None) -> Trial:
        """Claim the next trial; raises ``NothingToClaimError``."""
        owner = f"{self.exp_key}:{token}" if token else self.token()
        trial = self.store.claim(WORKER, owner, [self.exp_key])
        if trial is None:
            raise NothingToClaimError
        return trial

    def read(self, trial: Trial) -> Trial:
        """Return the trial as it is stored now."""
        return self.store.trial(self.exp_key, trial.tid)

    def read_attachments(self) -> dict[str, bytes]:
        """Return the attachments of the first trial, by name."""
        names = self.store.attachments(self.exp_key, tid=0)
        return {name: self.store.attachment(self.exp_key, name, tid=0) for name in names}

    def shift_clock(self, seconds: float) -> None:
        """Move the store's clock on for this experiment; back if negative."""
        self.shift_clock_of(self.exp_key, seconds)

    def wait_past(self, moment: datetime | None) -> None:
        """Return once the store's clock has passed a moment."""
        assert moment is not None
        deadline = time.monotonic() + _CLOCK_TIMEOUT_S
        while self.store.now() <= moment:
            assert time.monotonic() < deadline, "the store's clock does not move"

    def expire_lease(self, trial: Trial) -> Trial:
        """Wait until the lease of a claimed trial is over, expire it, and return the trial as stored."""
        self.wait_past(self.read(trial).lease_until)
        assert self.store.expire(self.exp_key) == 1
        return self.read(trial)


class StoreTests:
    """Tests of one store; a subclass defines the fixture ``store_driver``."""

    @pytest.fixture
    def store_driver(self) -> Iterator[StoreDriver] | StoreDriver:
        """Make the store to test."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture store_driver")

    @pytest.fixture
    def store(self, store_driver: StoreDriver) -> TrialStore:
        """Return the store to test."""
        return store_driver.store
