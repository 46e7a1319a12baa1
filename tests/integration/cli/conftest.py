"""Commands as a user calls them, and a database with trials in every state."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from hpsearch import hp
from hpsearch.cli import run
from hpsearch.core.experiment import Budget, Experiment, ObjectiveRef
from hpsearch.core.trial import Failure, FailureKind, Result, State, Trial
from hpsearch.space.tree import Space
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import WORKER, Call, Outcome, calls_in_this_process, claimed

OBJECTIVE = """
import time
from hpsearch import hp

space = {"x": hp.uniform("x", -5, 5), "kind": hp.choice("kind", ["a", "b"])}

def objective(config):
    return config["x"] ** 2

def failing(config):
    raise ValueError(f"no luck with {config['kind']}")

def slow(config):
    time.sleep(600)
"""


@pytest.fixture
def uri(mongo_uri: str, database: str) -> str:
    """URI of a new database."""
    return mongo_uri.replace("/hpsearch?", f"/{database}?")


@pytest.fixture
def store(uri: str) -> Iterator[MongoStore]:
    opened = MongoStore.connect(uri, patience=Patience(120))
    yield opened
    opened.close()


@pytest.fixture
def call(uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Call]:
    """Call ``hpsearch ARGUMENTS`` in this process."""
    with calls_in_this_process(uri, monkeypatch, capsys) as called:
        yield called


@pytest.fixture
def no_start_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a time limit count at once, in tests without workers."""
    monkeypatch.setattr(run, "START_GRACE_S", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder with an objective."""
    (tmp_path / "search.py").write_text(OBJECTIVE)
    return tmp_path


@pytest.fixture
def shell(uri: str, folder: Path) -> Call:
    """Run ``hpsearch ARGUMENTS`` in a new process in the user's folder."""

    def run(*arguments: str, **environment: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, "-m", "hpsearch", *arguments],
            cwd=folder,
            env={**os.environ, "HPSEARCH_STORE": uri, "HPSEARCH_HOME": str(folder / "home"), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=200,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def filled(store: MongoStore) -> MongoStore:
    """A store with a worker and a search with trials in every state.

    By number: cancelled, done, done (the best), failed, done with an infinite loss,
    running, pending.
    """
    space = Space({"lr": hp.uniform("lr", 0, 1), "kind": hp.choice("kind", ["adam", "sgd"])})
    store.open_experiment(
        Experiment(
            exp_key="search",
            space=space.to_json(),
            space_fingerprint=space.fingerprint,
            objective=ObjectiveRef(kind="file", ref="search.py:objective"),
            budget=Budget(max_evals=40),
        )
    )
    store.insert([trial(0)])
    store.cancel("search", {State.PENDING})
    store.insert([trial(tid) for tid in range(1, 7)])
    error = Failure(
        kind=FailureKind.EXCEPTION, type="ValueError", message="no luck", traceback="Traceback\n  no luck\n"
    )
    for result in (
        Result(loss=0.5, result={"loss": 0.5, "accuracy": float("nan")}, duration_s=1.0),
        Result(loss=0.25, result={"loss": 0.25}, duration_s=1.0),
        Result(loss=None, error=error, duration_s=1.0),
        Result(loss=float("inf"), duration_s=1.0),
    ):
        store.finish(claimed(store), result)
    claimed(store)
    store.record_worker(WORKER, 60)
    return store


@pytest.fixture
def documents(uri: str, filled: MongoStore) -> Iterator[Database[dict[str, Any]]]:
    """The database of ``filled``, for tests that edit documents by hand."""
    filled.prepare()
    with MongoClient[dict[str, Any]](uri) as client:
        yield client.get_default_database()


def trial(tid: int) -> Trial:
    values = {"lr": tid / 10, "kind": tid % 2}
    return Trial(
        exp_key="search", tid=tid, values=values, params={"lr": tid / 10, "kind": ("adam", "sgd")[tid % 2]}
    )
