"""``hpsearch delete``."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from hpsearch.core.trial import State
from hpsearch.errors import NotFoundError
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call, Outcome


@pytest.fixture
def quiet(filled: MongoStore) -> MongoStore:
    """The search with an attachment, and nobody at work on it."""
    filled.attach("search", "model", b"weights", tid=2)
    filled.cancel("search", {State.RUNNING})
    return filled


def is_there(store: MongoStore) -> bool:
    try:
        store.experiment("search")
    except NotFoundError:
        return False
    return True


def test_with_yes_everything_goes_and_what_went_is_told(quiet: MongoStore, call: Call):
    outcome = call("delete", "search", "--yes")
    assert (outcome.code, outcome.out) == (0, "")
    assert "7 trials (1 pending, 3 done, 1 failed, 2 cancelled) and 1 attachment." in outcome.err
    assert not is_there(quiet)
    assert list(quiet.trials("search")) == []
    assert quiet.n_attachments("search") == 0


def test_where_nobody_can_be_asked_nothing_goes(quiet: MongoStore, shell: Call):
    outcome = shell("delete", "search")
    assert outcome.code == 2
    assert "there is no terminal to ask on: add --yes" in outcome.err
    assert is_there(quiet)


@pytest.mark.parametrize(("answer", "code", "is_kept"), [("y", 0, False), ("n", 1, True), ("", 1, True)])
def test_on_a_terminal_only_a_yes_deletes(answer: str, code: int, is_kept: bool, quiet: MongoStore, uri: str):
    outcome = on_a_terminal(uri, answer, "delete", "search")
    assert "7 trials (1 pending, 3 done, 1 failed, 2 cancelled) and 1 attachment" in outcome.err
    assert (outcome.code, is_there(quiet)) == (code, is_kept)


def test_a_search_that_workers_evaluate_goes_only_by_force(filled: MongoStore, call: Call):
    refused = call("delete", "search", "--yes")
    assert refused.code == 2
    assert "workers evaluate 1 trial of it" in refused.err
    assert is_there(filled)

    assert call("delete", "search", "--yes", "--force").code == 0
    assert not is_there(filled)


def test_a_search_that_is_led_goes_only_by_force(quiet: MongoStore, call: Call):
    quiet.lead("search", "a coordinator", 60)
    refused = call("delete", "search", "--yes")
    assert refused.code == 2
    assert "a coordinator leads it" in refused.err
    assert is_there(quiet)

    assert call("delete", "search", "--yes", "--force").code == 0
    assert not is_there(quiet)


def test_what_a_deletion_that_was_cut_short_left_goes_too(quiet: MongoStore, call: Call):
    quiet._database["experiments"].delete_one({"_id": "search"})
    assert call("delete", "search", "--yes").code == 0
    assert list(quiet.trials("search")) == []


def test_no_search_begins_with_what_a_deletion_that_was_cut_short_left(quiet: MongoStore, shell: Call):
    """The trials would count towards its budget, and it would learn from them."""
    quiet._database["experiments"].delete_one({"_id": "search"})
    refused = shell("run", "search.py", "--max-evals", "1", "--workers", "0")
    assert refused.code == 78
    assert "trials of a former search 'search', whose deletion was interrupted" in refused.err
    assert not is_there(quiet)


def test_a_name_that_is_not_there_is_told_with_the_one_that_was_meant(filled: MongoStore, call: Call):
    outcome = call("delete", "serch", "--yes")
    assert outcome.code == 4
    assert "Did you mean 'search'?" in outcome.err


def on_a_terminal(uri: str, answer: str, *arguments: str) -> Outcome:
    """Run ``hpsearch ARGUMENTS`` with a terminal to ask on, and type an answer there."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "hpsearch", *arguments],
            env={**os.environ, "HPSEARCH_STORE": uri},
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return Outcome(done.returncode, done.stdout, done.stderr)
