"""The rate at which trials finish."""

from __future__ import annotations

import pytest

from hpsearch.coordination.throughput import FinishRate


def test_a_rate_per_hour_survives_long_trials() -> None:
    now = 0.0
    rate = FinishRate(lambda: now)
    for _ in range(9):
        now += 600
        rate.add(1)
    assert rate.per_hour() is None
    now += 600
    rate.add(1)
    assert rate.per_hour() == pytest.approx(6)
    now += 500
    assert rate.per_s() == 0
    assert rate.per_hour() == pytest.approx(36000 / 6500)


def test_only_the_last_trials_count() -> None:
    now = 0.0
    rate = FinishRate(lambda: now)
    for i in range(100):
        now += 60 if i < 50 else 6
        rate.add(1)
    assert rate.per_hour() == pytest.approx(600)
