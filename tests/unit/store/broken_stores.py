"""Memory stores that each break one guarantee, with the part of the contract that covers it.

Not collected with the other tests: ``test_contract.py`` runs this file, and expects a failure in each class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hpsearch.core.experiment import Elapsed, Experiment
from hpsearch.core.trial import State, Trial
from hpsearch.core.worker import Worker
from hpsearch.store.checks import Content
from hpsearch.store.memory.store import MemoryStore
from hpsearch.store.protocol import Leadership, LeaseStatus, TrialSummary
from hpsearch.testing import StoreDriver
from hpsearch.testing.contract.attachments import AttachmentContract
from hpsearch.testing.contract.claims import ClaimContract
from hpsearch.testing.contract.deletion import DeletionContract
from hpsearch.testing.contract.durability import DurabilityContract
from hpsearch.testing.contract.experiments import ExperimentContract
from hpsearch.testing.contract.expiry import ExpiryContract
from hpsearch.testing.contract.holders import HolderContract
from hpsearch.testing.contract.insertion import InsertionContract
from hpsearch.testing.contract.leadership import LeadershipContract
from hpsearch.testing.contract.marks import MarkContract
from hpsearch.testing.contract.reading import ReadingContract
from hpsearch.testing.contract.summaries import SummaryContract
from hpsearch.testing.contract.workers import WorkerContract


def driver_of(kind: type[MemoryStore]) -> StoreDriver:
    offset = timedelta()

    def shift(_: str, seconds: float) -> None:
        nonlocal offset
        offset += timedelta(seconds=seconds)

    return StoreDriver(store=kind(lambda: datetime.now(UTC) + offset), shift_clock_of=shift)


class Overwriting(MemoryStore):
    def insert(self, trials: Sequence[Trial]) -> None:
        for trial in trials:
            if trial.tid in {known.tid for known in self.trials(trial.exp_key)}:
                continue
            super().insert([trial])


class TestOverwritingStore(InsertionContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Overwriting)


class Forgetful(MemoryStore):
    def claim(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Trial | None:
        trial = super().claim(worker, token + "x", exp_keys)
        return trial and replace(trial, owner=token)


class TestForgetfulStore(ClaimContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Forgetful)


class Trusting(MemoryStore):
    def renew(self, trial: Trial) -> LeaseStatus:
        super().renew(trial)
        return LeaseStatus.HELD


class TestTrustingStore(HolderContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Trusting)


class Patient(MemoryStore):
    def shorten_leases(self, exp_key: str) -> int:
        return 0


class TestPatientStore(ExpiryContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Patient)


class Partial(MemoryStore):
    def finished(self, exp_key: str, tids: Iterable[int]) -> list[Trial]:
        return [trial for trial in super().finished(exp_key, tids) if trial.state is not State.CANCELLED]


class TestPartialStore(ReadingContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Partial)


class Generous(MemoryStore):
    def lead(self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None = None) -> Leadership:
        return replace(super().lead(exp_key, owner, lease_s, elapsed), is_mine=True)


class TestGenerousStore(LeadershipContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Generous)


class Careless(MemoryStore):
    def open_experiment(self, experiment: Experiment, *, accepts_change: bool = False) -> Experiment:
        return super().open_experiment(experiment, accepts_change=True)


class TestCarelessStore(ExperimentContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Careless)


class Revealing(MemoryStore):
    def attach(
        self, exp_key: str, name: str, data: Content, *, tid: int | None = None, attempt: int = 0
    ) -> None:
        super().attach(exp_key, name, data, tid=tid)


class TestRevealingStore(AttachmentContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Revealing)


class Ruthless(MemoryStore):
    def delete_experiment(self, exp_key: str, *, unless_active: bool = False) -> int:
        return super().delete_experiment(exp_key)


class TestRuthlessStore(DeletionContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Ruthless)


class Forgiving(MemoryStore):
    def mark_invalid(self, exp_key: str, tids: Iterable[int], why: str | None) -> int:
        return 0


class TestForgivingStore(MarkContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Forgiving)


class Blind(MemoryStore):
    def summaries(self, exp_keys: Iterable[str]) -> Mapping[str, TrialSummary]:
        return {key: replace(summary, best=None) for key, summary in super().summaries(exp_keys).items()}


class TestBlindStore(SummaryContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Blind)


class Hoarding(MemoryStore):
    def record_worker(self, worker: Worker, ttl_s: float) -> None:
        super().record_worker(worker, max(ttl_s, 3600))


class TestHoardingStore(WorkerContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(Hoarding)


class TestVolatileStore(DurabilityContract):
    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        return driver_of(MemoryStore)

    @pytest.fixture
    def crash(self) -> Callable[[], MemoryStore]:
        return MemoryStore
