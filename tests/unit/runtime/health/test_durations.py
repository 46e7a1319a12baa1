"""Histograms of durations."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.runtime.health.durations import Durations

SECONDS = st.floats(0, 1e6)


@given(st.lists(SECONDS), st.lists(SECONDS, min_size=1, unique=True).map(sorted))
def test_each_bucket_counts_durations_up_to_its_bound_and_the_last_all(
    times: list[float], bounds_s: list[Any]
) -> None:
    durations = Durations(bounds_s)
    for seconds in times:
        durations.add(seconds)

    counted = durations.counted()

    assert counted.counts == (*(sum(t <= bound for t in times) for bound in bounds_s), len(times))
    assert counted.sum_s == pytest.approx(sum(times))


def test_a_block_is_recorded_also_if_it_raises() -> None:
    now = iter([10.0, 10.5, 20.0, 22.0])
    durations = Durations([1.0], clock=lambda: next(now))
    with durations.timed():
        pass
    with pytest.raises(ValueError, match="no luck"), durations.timed():
        raise ValueError("no luck")
    assert (durations.counted().counts, durations.counted().sum_s) == ((1, 2), 2.5)


def test_concurrent_threads_lose_no_count() -> None:
    durations = Durations([1.0])
    threads = [threading.Thread(target=lambda: [durations.add(0.5) for _ in range(2000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert durations.counted().counts == (8000, 8000)
