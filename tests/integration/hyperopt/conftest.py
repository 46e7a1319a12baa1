"""Databases for ``MongoTrials``: in memory, which is fast, and on a real server."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator

import pytest

from hpsearch.hyperopt.mongo.jobs import MongoJobs
from hpsearch.store.memory.store import MemoryStore
from hpsearch.store.mongo.patience import Patience
from tests.support.uris import url_of

SECRET = "a secret of at least sixteen bytes"


@pytest.fixture(params=["memory", "mongodb"])
def jobs(request: pytest.FixtureRequest) -> Iterator[MongoJobs]:
    """An empty database."""
    if request.param == "memory":
        yield MongoJobs(MemoryStore(), Patience(30))
        return
    uri, database = request.getfixturevalue("mongo_uri"), request.getfixturevalue("database")
    opened = MongoJobs.new_from_connection_str(url_of(uri, database))
    yield opened
    opened.store.close()


@pytest.fixture(scope="session")
def hyperopt_python() -> str:
    """The path of a Python with Hyperopt 0.3.0."""
    python = os.environ.get("HYPEROPT_PYTHON")
    if python is None and importlib.util.find_spec("hyperopt") is None:
        text = "Hyperopt is not installed here; install it, or name a Python that has it in HYPEROPT_PYTHON"
        pytest.fail(text) if os.environ.get("CI") else pytest.skip(text)
    return python or sys.executable


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A secret for this process and its workers."""
    monkeypatch.setenv("HPSEARCH_SECRET", SECRET)
    return SECRET.encode()
