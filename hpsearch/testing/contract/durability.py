"""Guarantee 10: acknowledged writes survive a crash of the store's server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hpsearch.core.trial import State
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import DONE, StoreDriver, StoreTests

#: Writes before the crash; each is acknowledged right before or long before it.
_N_TRIALS = 20


class DurabilityContract(StoreTests):
    """Guarantee 10: after a crash, everything that was acknowledged is still there."""

    @pytest.fixture
    def crash(self) -> Callable[[], TrialStore]:
        """Return a function that kills the store's server, restarts it, and returns a store connected to it.

        Kill it without warning, with SIGKILL for instance; an orderly shutdown proves nothing.
        """
        raise NotImplementedError

    def test_acknowledged_writes_survive_a_crash(
        self, store_driver: StoreDriver, store: TrialStore, crash: Callable[[], TrialStore]
    ) -> None:
        experiment = store.open_experiment(store_driver.experiment())
        store_driver.insert(_N_TRIALS)
        claimed = [store_driver.claim() for _ in range(_N_TRIALS)]
        store.attach(store_driver.exp_key, "model", b"weights", tid=0, attempt=1)
        for trial in claimed:
            store.finish(trial, DONE)

        after = crash()

        assert after.experiment(store_driver.exp_key) == experiment
        finished = after.finished(store_driver.exp_key, range(_N_TRIALS))
        assert [(trial.state, trial.loss) for trial in finished] == [(State.DONE, DONE.loss)] * _N_TRIALS
        assert after.attachment(store_driver.exp_key, "model", tid=0) == b"weights"

    def test_a_store_continues_after_a_crash(
        self, store_driver: StoreDriver, store: TrialStore, crash: Callable[[], TrialStore]
    ) -> None:
        store_driver.insert(1)
        trial = store_driver.claim()
        crash()

        store.finish(trial, DONE)  # repeated by the store until its server is back

        assert store_driver.read(trial).state is State.DONE
