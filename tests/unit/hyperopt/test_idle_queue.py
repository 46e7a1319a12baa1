"""The warning about trials that are never evaluated."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.hyperopt.engine.idle_queue import IdleQueue


@pytest.mark.parametrize(
    ("counts", "n_warnings"),
    [
        ([(2, 0)] * 3, 0),  # 10 s since the first look
        ([(2, 0)] * 20, 1),
        ([(2, 1)] * 20, 0),
        ([(0, 0)] * 20, 0),
        ([(2, 0), (1, 0)] * 10, 0),
    ],
)
def test_trials_that_none_evaluates_are_reported_once(
    counts: Any, n_warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    times = iter(range(0, 10_000, 5))
    queue = IdleQueue(lambda: next(times))
    for n_new, n_running in counts:
        queue.check(n_new, n_running)
    assert [vars(record)["event"] for record in caplog.records] == ["none_evaluated"] * n_warnings
