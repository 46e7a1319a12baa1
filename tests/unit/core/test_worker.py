"""Workers in the registry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.worker import Worker, WorkerState, free_slots, has_left_idle, has_valid_entry, is_alive

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON, PAST = NOW + timedelta(seconds=1), NOW - timedelta(seconds=1)


def worker(
    state: WorkerState = WorkerState.IDLE,
    expire_at: datetime | None = SOON,
    exp_keys: tuple[str, ...] = (),
) -> Worker:
    return Worker(name="w", host="h", pid=7, state=state, expire_at=expire_at, exp_keys=exp_keys)


@pytest.mark.parametrize(
    ("state", "expire_at", "expected"),
    [
        (WorkerState.IDLE, SOON, True),
        (WorkerState.BUSY, SOON, True),
        (WorkerState.DRAINING, SOON, False),
        (WorkerState.STOPPED, SOON, False),
        (WorkerState.BUSY, NOW, False),
        (WorkerState.BUSY, PAST, False),
        (WorkerState.IDLE, None, False),
    ],
)
def test_a_worker_is_alive_while_its_entry_is_valid_and_it_is_not_draining(
    state: Any, expire_at: Any, expected: bool
) -> None:
    assert is_alive(worker(state, expire_at), NOW) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"seen_at": SOON}, True),
        ({"seen_at": PAST}, False),
        ({"seen_at": None}, False),
        ({"n_done": 1}, False),
        ({"n_failed": 1}, False),
        ({"state": WorkerState.DRAINING}, False),
        ({"state": WorkerState.IDLE}, False),
    ],
)
def test_a_worker_has_left_idle_if_it_stopped_since_then_without_a_result(
    changes: dict[str, Any], expected: bool
) -> None:
    left = replace(worker(WorkerState.STOPPED), seen_at=NOW)
    assert has_left_idle(replace(left, **changes), NOW) is expected
    assert has_left_idle(replace(left, **changes), None) is (expected or "seen_at" in changes)


def test_a_worker_serves_its_experiments_or_all_if_it_has_none() -> None:
    assert worker().serves("a")
    assert worker(exp_keys=("a", "b")).serves("a")
    assert not worker(exp_keys=("b",)).serves("a")


def test_the_holder_of_a_trial_has_name_host_and_pid() -> None:
    holder = worker().holder
    assert (holder.name, holder.host, holder.pid) == ("w", "h", 7)


BUSY = WorkerState.BUSY


@given(st.integers(0, 20), st.integers(0, 40), st.sampled_from([BUSY, WorkerState.IDLE]))
def test_free_slots_of_one_search_are_those_it_does_not_use(
    n_workers: int, n_running: int, state: Any
) -> None:
    for exp_keys, rivals in (((), {"a": 3}), (("a",), {"a": 1, "b": 5}), ((), {})):
        fleet = [replace(worker(state, exp_keys=exp_keys), slots=2)] * n_workers
        assert free_slots(fleet, "a", rivals, n_running) == 2 * n_workers - n_running


@pytest.mark.parametrize(
    ("n_workers", "rivals", "n_running", "expected"),
    [
        (8, dict.fromkeys("abcdefghij", 1), 0, 1),  # 0.8 of a worker
        (8, dict.fromkeys("abcdefghij", 1), 1, 0),
        (8, {"a": 3, "b": 1}, 0, 6),
        (8, {"a": 3, "b": 1}, 4, 2),
        (8, {"a": 0, "b": 1}, 0, 0),
        (8, {"a": 0, "b": 0}, 0, 4),
    ],
)
def test_busy_workers_of_several_searches_are_shared_by_priority(
    n_workers: int, rivals: Any, n_running: int, expected: int
) -> None:
    assert free_slots([worker(BUSY)] * n_workers, "a", rivals, n_running) == expected


def test_idle_workers_are_free_for_every_search_once() -> None:
    rivals = dict.fromkeys("abcd", 1)
    fleet = [worker()] * 3 + [worker(BUSY)] * 5
    assert free_slots(fleet, "a", rivals, 2) == 3
    assert free_slots(fleet, "a", rivals, 7) == 1  # of eight; the registry is some seconds old


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9), min_size=1), st.integers(0, 30))
def test_searches_together_keep_no_more_than_one_trial_each_beyond_the_fleet(
    priorities: Any, n_workers: int
) -> None:
    due = [free_slots([worker(BUSY)] * n_workers, key, priorities, 0) for key in priorities]
    assert n_workers <= sum(due) <= n_workers + len(priorities)


@given(seen_s=st.floats(-1e6, 1e6), ttl_s=st.floats(0.001, 1e5))
def test_no_entry_is_valid_for_longer_than_twice_its_duration(seen_s: float, ttl_s: float) -> None:
    """Whatever the store's clock was when it was written."""
    seen_at = NOW + timedelta(seconds=seen_s)
    seen = replace(worker(), seen_at=seen_at, expire_at=seen_at + timedelta(seconds=ttl_s))
    good_s = [
        s for s in range(-2_000_000, 2_000_000, 50_000) if has_valid_entry(seen, NOW + timedelta(seconds=s))
    ]
    assert not good_s or max(good_s) - min(good_s) <= 2 * ttl_s
    assert has_valid_entry(seen, seen_at)
