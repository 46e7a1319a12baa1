"""Fleets on the shared server and on private ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch import mongod
from tests.support.command_line import Call, calls_in_this_process
from tests.support.fleet import OBJECTIVE, Fleet
from tests.support.objectives import TrialQueue, open_queue
from tests.support.uris import url_of


@pytest.fixture
def uri(mongo_uri: str, database: str) -> str:
    """Address of a database on the shared server."""
    return url_of(mongo_uri, database)


@pytest.fixture
def call(uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Call ``hpsearch ARGUMENTS`` in this process, where a test is about other processes."""
    with calls_in_this_process(uri, monkeypatch, capsys) as called:
        yield called


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a search."""
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))
    (tmp_path / "search.py").write_text(OBJECTIVE)
    (tmp_path / "calls").touch()
    return tmp_path


@pytest.fixture
def fleet(folder: Path, uri: str) -> Iterator[Fleet]:
    """A fleet on the shared server."""
    started = Fleet(folder, uri)
    yield started
    started.end()


@pytest.fixture
def fleet_with_server(folder: Path) -> Iterator[Fleet]:
    """A fleet on a private server, which the test may kill."""
    with mongod.private_mongod() as server:
        started = Fleet(folder, server.uri)
        yield started
        started.end()


@pytest.fixture
def queue(tmp_path: Path, uri: str) -> Iterator[TrialQueue]:
    """Trials in a database on the shared server."""
    opened = open_queue(tmp_path, uri)
    yield opened
    opened.store.close()
    opened.fleet.end()
