"""Fixtures for tests of the coordinator."""

from __future__ import annotations

import pytest

from tests.support.fake_clock_store import FakeClockStore


@pytest.fixture
def store() -> FakeClockStore:
    return FakeClockStore()
