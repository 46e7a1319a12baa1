"""Waiting for a change."""

from __future__ import annotations

import threading
import time

from hpsearch.core.trial import State
from tests.integration.store.contract.results import DONE


def test_what_moved_before_a_wait_ended_wakes_nobody_again(bench, store):
    """In a large fleet trials move more often than the coordinator looks; it must not fall behind."""
    bench.insert(60)
    store.wait_for_change(bench.exp_key, 0.01)
    for _ in range(60):
        bench.claim()

    n_woken = 0
    while _is_woken(store, bench.exp_key, 0.3):
        n_woken += 1

    assert n_woken < 30


def _is_woken(store, exp_key, timeout_s):
    """Wait; return whether that ended before its time."""
    started = time.monotonic()
    store.wait_for_change(exp_key, timeout_s)
    return time.monotonic() - started < timeout_s


def test_a_wait_ends_when_a_trial_moves(bench, store):
    bench.insert(1)
    trial = bench.claim()
    store.wait_for_change(bench.exp_key, 0.01)  # a first wait may return at once
    woken = threading.Event()

    def wait() -> None:
        deadline = time.monotonic() + 20
        while store.trial(bench.exp_key, 0).state is not State.DONE and time.monotonic() < deadline:
            store.wait_for_change(bench.exp_key, 10)
        woken.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    store.finish(trial, DONE)

    assert woken.wait(5)
    waiter.join()


def test_a_wait_is_over_after_its_timeout(bench, store):
    store.wait_for_change(bench.exp_key, 0.01)
    started = time.monotonic()

    store.wait_for_change(bench.exp_key, 0.2)

    assert time.monotonic() - started < 2
