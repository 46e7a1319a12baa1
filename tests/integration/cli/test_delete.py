"""``hpsearch delete``."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.trial import State
from hpsearch.errors import NotFoundError
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call, Outcome


@pytest.fixture
def quiet(filled: MongoStore) -> MongoStore:
    """A search with an attachment, without coordinator and running trials."""
    filled.attach("search", "model", b"weights", tid=2)
    filled.cancel("search", {State.RUNNING})
    return filled


def exists(store: MongoStore) -> bool:
    try:
        store.experiment("search")
    except NotFoundError:
        return False
    return True


def test_yes_deletes_everything_and_prints_what_was_deleted(quiet: MongoStore, call: Call) -> None:
    outcome = call("delete", "search", "--yes")
    assert (outcome.code, outcome.out) == (0, "")
    assert "7 trials (1 pending, 3 done, 1 failed, 2 cancelled) and 1 attachment." in outcome.err
    assert not exists(quiet)
    assert list(quiet.trials("search")) == []
    assert quiet.n_attachments("search") == 0


def test_without_a_terminal_and_yes_nothing_is_deleted(quiet: MongoStore, shell: Call) -> None:
    outcome = shell("delete", "search")
    assert outcome.code == 2
    assert "there is no terminal to ask on: add --yes" in outcome.err
    assert exists(quiet)


@pytest.mark.parametrize(("answer", "code", "is_kept"), [("y", 0, False), ("n", 1, True), ("", 1, True)])
def test_on_a_terminal_only_the_answer_yes_deletes(
    answer: str, code: int, is_kept: bool, quiet: MongoStore, uri: str
) -> None:
    outcome = on_a_terminal(uri, answer, "delete", "search")
    assert "7 trials (1 pending, 3 done, 1 failed, 2 cancelled) and 1 attachment" in outcome.err
    assert (outcome.code, exists(quiet)) == (code, is_kept)


def test_a_search_with_running_trials_is_only_deleted_with_force(filled: MongoStore, call: Call) -> None:
    refused = call("delete", "search", "--yes")
    assert refused.code == 2
    assert "workers evaluate 1 trial of it" in refused.err
    assert exists(filled)

    assert call("delete", "search", "--yes", "--force").code == 0
    assert not exists(filled)


def test_a_search_with_a_coordinator_is_only_deleted_with_force(quiet: MongoStore, call: Call) -> None:
    quiet.lead("search", "a coordinator", 60)
    refused = call("delete", "search", "--yes")
    assert refused.code == 2
    assert "a coordinator leads it" in refused.err
    assert exists(quiet)

    assert call("delete", "search", "--yes", "--force").code == 0
    assert not exists(quiet)


def test_a_second_deletion_completes_an_interrupted_one(
    quiet: MongoStore, documents: Any, call: Call
) -> None:
    documents["experiments"].delete_one({"_id": "search"})
    assert call("delete", "search", "--yes").code == 0
    assert list(quiet.trials("search")) == []


def test_a_new_search_refuses_trials_of_an_interrupted_deletion(
    quiet: MongoStore, documents: Any, call: Call, folder: Path
) -> None:
    """Its trials would count towards the budget, and the algorithm would learn from them."""
    documents["experiments"].delete_one({"_id": "search"})
    refused = call("run", str(folder / "search.py"), "--max-evals", "1", "--workers", "0")
    assert refused.code == 78
    assert "trials of a former search 'search', whose deletion was interrupted" in refused.err
    assert not exists(quiet)


def test_an_unknown_name_is_reported_with_a_similar_one(filled: MongoStore, call: Call) -> None:
    outcome = call("delete", "serch", "--yes")
    assert outcome.code == 4
    assert "Did you mean 'search'?" in outcome.err


def on_a_terminal(uri: str, answer: str, *arguments: str) -> Outcome:
    """Run ``hpsearch ARGUMENTS`` on a terminal, and type an answer."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "hpsearch", *arguments],
            env={**os.environ, "HPSEARCH_STORE": uri},
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=200,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return Outcome(done.returncode, done.stdout, done.stderr)
