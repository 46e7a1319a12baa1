"""What the registry says of workers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hpsearch.fleet import Worker, WorkerState, has_left_idle, is_alive

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
def test_a_worker_takes_trials_while_it_is_seen_and_is_not_leaving(state, expire_at, expected):
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
def test_a_worker_has_left_idle_if_it_said_good_bye_since_then_without_a_result(changes, expected):
    left = replace(worker(WorkerState.STOPPED), seen_at=NOW)
    assert has_left_idle(replace(left, **changes), NOW) is expected
    assert has_left_idle(replace(left, **changes), None) is (expected or "seen_at" in changes)


def test_a_worker_without_keys_serves_any_experiment_and_another_only_its_own():
    assert worker().serves("a")
    assert worker(exp_keys=("a", "b")).serves("a")
    assert not worker(exp_keys=("b",)).serves("a")


def test_a_trial_names_its_worker_by_name_host_and_process():
    holder = worker().holder
    assert (holder.name, holder.host, holder.pid) == ("w", "h", 7)
