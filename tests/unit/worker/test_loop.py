"""How long an idle worker waits between two polls of the queue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch_worker.loop import max_wait, min_wait


@given(st.integers(0, 10**6))
def test_a_fleet_of_up_to_a_thousand_polls_at_most_a_hundred_times_a_second(n_workers: int) -> None:
    assert n_workers / max_wait(n_workers) <= max(100, n_workers / 10) * (1 + 1e-9)


@given(st.integers(1, 10**4), st.floats(0.001, 0.5))
def test_at_most_one_in_twenty_workers_polls_at_a_time_however_slow_the_server_is(
    n_workers: int, look_s: float
) -> None:
    n_asking = n_workers * look_s / (look_s + min_wait(look_s))
    assert n_asking <= n_workers / 20


@pytest.mark.parametrize(("n_workers", "longest_s"), [(1, 1.5), (150, 1.5), (1000, 10.0), (100_000, 10.0)])
def test_a_small_fleet_polls_at_its_own_rate(n_workers: int, longest_s: float) -> None:
    assert max_wait(n_workers) == pytest.approx(longest_s)
