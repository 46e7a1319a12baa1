"""What the tests of the coordinator share."""

from __future__ import annotations

import pytest

from tests.integration.coordination.fake_clock_store import Scene


@pytest.fixture
def scene() -> Scene:
    return Scene()
