"""``hpsearch logs`` and ``attachments``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch.core.trial import OUTPUT_NAME, Failure, FailureKind, Result
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call, Outcome, claimed

pytestmark = pytest.mark.usefixtures("filled")


def test_the_output_of_a_successful_trial_is_printed_without_control_characters(
    call: Call, store: MongoStore
) -> None:
    store.attach("search", OUTPUT_NAME, b"epoch 1\nepoch 2 \x1b[2J\n", tid=2)
    assert call("logs", "search", "2") == Outcome(0, "epoch 1\nepoch 2 \\x1b[2J\n", "")
    assert call("logs", "search", "best").out == call("logs", "search", "2").out


def test_the_output_of_a_failed_trial_is_that_of_its_error(call: Call, store: MongoStore) -> None:
    trial = claimed(store)
    store.attach("search", OUTPUT_NAME, b"older", tid=trial.tid, attempt=1)
    error = Failure(kind=FailureKind.EXIT, message="exit 1", log_tail="the end\n")
    store.finish(trial, Result(loss=None, error=error))
    assert call("logs", "search", str(trial.tid)).out == "the end\n"


@pytest.mark.parametrize(
    ("tid", "words"),
    [
        ("1", "Trial search/000001 has printed nothing, or nothing that was kept."),
        ("5", "Trial search/000005 has printed nothing so far"),
        ("6", "Trial search/000006 has not begun yet."),
        ("99", "There is no trial search/000099."),
    ],
)
def test_a_trial_without_output_is_explained(tid: str, words: str, call: Call) -> None:
    outcome = call("logs", "search", tid)
    assert (outcome.code, outcome.out) == (4, "")
    assert words in outcome.err


def test_following_prints_new_output_until_the_trial_ends(store: MongoStore, uri: str) -> None:
    trial = claimed(store)
    store.attach("search", OUTPUT_NAME, b"epoch 1\n", tid=trial.tid, attempt=1)
    process = subprocess.Popen(
        [sys.executable, "-m", "hpsearch", "logs", "search", str(trial.tid), "-f", "--every", "50ms"],
        env={**os.environ, "HPSEARCH_STORE": uri},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "epoch 1\n"
    store.attach("search", OUTPUT_NAME, b"epoch 1\nepoch 2\n", tid=trial.tid, attempt=1)
    assert process.stdout.readline() == "epoch 2\n"
    store.finish(trial, Result(loss=0.5))
    assert process.communicate(timeout=30)[0] == ""
    assert process.returncode == 0


def test_attachments_are_listed_without_the_output(call: Call, store: MongoStore) -> None:
    for name in ("model.bin", OUTPUT_NAME):
        store.attach("search", name, b"x", tid=2)
    assert call("attachments", "list", "search", "best", "--format", "csv").out == "tid,name\n2,model.bin\n"
    assert "attachments   model.bin\n" in call("show", "search", "2").out
    assert "Trial search/000001 has no attachments." in call("attachments", "list", "search", "1").err


def test_an_attachment_is_written_to_a_file_or_to_stdout(
    call: Call, store: MongoStore, uri: str, tmp_path: Path
) -> None:
    content = bytes(range(256))
    store.attach("search", "model.bin", content, tid=2)
    outcome = call("attachments", "get", "search", "best", "model.bin", "--output", str(tmp_path / "m"))
    assert (outcome.code, outcome.out) == (0, "")
    assert (tmp_path / "m").read_bytes() == content

    command = [sys.executable, "-m", "hpsearch", "attachments", "get", "search", "2", "model.bin"]
    done = subprocess.run(
        command, env={**os.environ, "HPSEARCH_STORE": uri}, capture_output=True, check=True, timeout=60
    )
    assert done.stdout == content


def test_an_attachment_that_does_not_exist_is_refused_with_those_that_do(
    call: Call, store: MongoStore, tmp_path: Path
) -> None:
    store.attach("search", "model.bin", b"x", tid=2)
    outcome = call("attachments", "get", "search", "2", "modle", "--output", str(tmp_path / "m"))
    assert outcome.code == 4
    assert "Trial search/000002 has no attachment 'modle'; it has 'model.bin'." in outcome.err
    outcome = call("attachments", "get", "search", "2", "model.bin", "--output", str(tmp_path / "no" / "m"))
    assert outcome.code == 78
    assert "cannot be written" in outcome.err
