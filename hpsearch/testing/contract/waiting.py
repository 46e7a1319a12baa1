"""Waiting for a change."""

from __future__ import annotations

import threading
import time

import pytest

from hpsearch.core.trial import State
from hpsearch.store.protocol import TrialStore
from hpsearch.testing.contract.driver import DONE, StoreDriver, StoreTests


class WaitingContract(StoreTests):
    """A wait ends on a change or after its timeout."""

    def test_changes_before_a_wait_ended_do_not_wake_the_next_wait(
        self, store_driver: StoreDriver, store: TrialStore
    ) -> None:
        """In a large fleet trials change more often than the coordinator polls; it must not fall behind."""
        store_driver.insert(60)
        store.wait_for_change(store_driver.exp_key, 0.01)
        for _ in range(60):
            store_driver.claim()

        n_woken = 0
        while _is_woken(store, store_driver.exp_key, 0.3):
            n_woken += 1

        assert n_woken < 30

    @pytest.mark.parametrize("is_of_any", [False, True], ids=["of the experiment", "of any experiment"])
    def test_a_wait_ends_when_a_trial_changes_state(
        self, store_driver: StoreDriver, store: TrialStore, is_of_any: bool
    ) -> None:
        watched = None if is_of_any else store_driver.exp_key
        store_driver.insert(1)
        trial = store_driver.claim()
        store.wait_for_change(watched, 0.01)  # a first wait may return at once
        woken = threading.Event()

        def wait() -> None:
            deadline = time.monotonic() + 20
            while (
                store.trial(store_driver.exp_key, 0).state is not State.DONE and time.monotonic() < deadline
            ):
                store.wait_for_change(watched, 10)
            woken.set()

        waiter = threading.Thread(target=wait)
        waiter.start()
        store.finish(trial, DONE)

        assert woken.wait(5)
        waiter.join()

    def test_a_wait_ends_after_its_timeout(self, store_driver: StoreDriver, store: TrialStore) -> None:
        store.wait_for_change(store_driver.exp_key, 0.01)
        started = time.monotonic()

        store.wait_for_change(store_driver.exp_key, 0.2)

        assert time.monotonic() - started < 2


def _is_woken(store: TrialStore, exp_key: str, timeout_s: float) -> bool:
    """Wait; return whether the wait ended before its timeout."""
    started = time.monotonic()
    store.wait_for_change(exp_key, timeout_s)
    return time.monotonic() - started < timeout_s
