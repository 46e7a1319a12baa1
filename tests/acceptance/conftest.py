"""A fleet on a server of its own that a test may kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch import mongod
from tests.support.fleet import OBJECTIVE, Fleet
from tests.support.objectives import TrialQueue, open_queue


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """A folder with a search, and a MongoDB that nobody else uses."""
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))
    (tmp_path / "search.py").write_text(OBJECTIVE)
    (tmp_path / "calls").touch()
    with mongod.private_mongod() as server:
        started = Fleet(tmp_path, server.uri)
        yield started
        started.end()


@pytest.fixture
def queue(tmp_path: Path, mongo_uri: str, database: str) -> Iterator[TrialQueue]:
    """On the server of all tests."""
    head, _, options = mongo_uri.partition("?")
    uri = f"{head.rpartition('/')[0]}/{database}?{options}"
    opened = open_queue(tmp_path, uri)
    yield opened
    opened.store.close()
    opened.fleet.end()
