"""How long an idle worker waits between two looks at the queue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch_worker.loop import longest_wait


@given(st.integers(0, 10**6))
def test_a_fleet_of_any_size_looks_at_most_as_often_as_two_hundred_workers_a_second(n_workers):
    assert n_workers / longest_wait(n_workers) <= max(200, n_workers / 15) * (1 + 1e-9)


@pytest.mark.parametrize(("n_workers", "longest_s"), [(1, 1.5), (300, 1.5), (1000, 5.0), (100_000, 15.0)])
def test_a_small_fleet_does_not_wait_for_the_sake_of_a_large_one(n_workers, longest_s):
    assert longest_wait(n_workers) == pytest.approx(longest_s)
