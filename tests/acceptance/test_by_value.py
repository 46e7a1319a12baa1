"""Objectives that come by value, and attachments, with real workers on a real MongoDB."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.trial import FailureKind, State
from hpsearch.objective.by_value.envelope import MAX_ENVELOPE_BYTES, pack
from tests.support.command_line import Call
from tests.support.fleet import wait_for_exit
from tests.support.objectives import TrialQueue
from tests.support.payloads import SECRET, Sealed, made, send
from tests.support.waiting import wait_until


def signed(**elsewhere: str) -> Sealed:
    """Return what signs an objective for another destination."""
    return lambda there: pack(len, replace(there, **elsewhere), SECRET.encode())


COUNTS = made("""
import os, hpsearch
FACTOR, calls = 10, []

class Model:
    def loss(self, x): return FACTOR * x

def objective(config):
    calls.append(1)
    trial = hpsearch.current_trial()
    return {"loss": Model().loss(config["x"]), "calls": len(calls), "values": dict(trial.values),
            "secret": os.environ.get("HPSEARCH_SECRET")}
""")


@pytest.mark.parametrize("isolation", ["--isolate", "--no-isolate"])
def test_a_function_of_a_script_is_evaluated_on_workers_without_the_script(
    queue: TrialQueue, isolation: str
) -> None:
    """It is unpickled once for all trials, and the secret is not in its environment."""
    key = send(queue, COUNTS, 3)

    assert wait_for_exit(queue.fleet.worker("--burst", isolation, HPSEARCH_SECRET=SECRET)) == 0

    trials = [queue.trial(key, tid) for tid in range(3)]
    assert [trial.loss for trial in trials] == [0.0, 10.0, 20.0]
    assert [trial.result["calls"] for trial in trials] == [1, 2, 3]
    assert trials[2].result["values"] == {"x": 2.0}
    assert {trial.result["secret"] for trial in trials} == {None}


@pytest.mark.long
def test_the_secret_can_be_read_from_a_file(queue: TrialQueue) -> None:
    file = queue.fleet.folder / "secret"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    key = send(queue, COUNTS)

    assert wait_for_exit(queue.fleet.worker("--burst", "--secret-file", str(file))) == 0
    assert queue.states(key) == ["done"]

    file.chmod(0o644)
    worker = queue.fleet.worker("--burst", HPSEARCH_SECRET_FILE=str(file))
    assert wait_for_exit(worker) == 78
    assert "accessible to other users (mode 644)" in queue.fleet.output(worker)


@pytest.mark.parametrize(
    ("secret", "sealed", "problem"),
    [
        ({}, None, "no secret to check its signature with"),
        ({"HPSEARCH_SECRET": "not what it was signed with"}, None, "wrong signature"),
        pytest.param(
            {"HPSEARCH_SECRET": SECRET},
            lambda there: b"\x80\x04.",
            "is not signed",
            marks=pytest.mark.long,
        ),
        pytest.param(
            {"HPSEARCH_SECRET": SECRET},
            signed(exp_key="other"),
            "signed for another experiment",
            marks=pytest.mark.long,
        ),
        pytest.param(
            {"HPSEARCH_SECRET": SECRET},
            signed(database="other"),
            "signed for another database",
            marks=pytest.mark.long,
        ),
        pytest.param(
            {"HPSEARCH_SECRET": SECRET},
            signed(nonce="earlier"),
            "signed for another search of this name",
            marks=pytest.mark.long,
        ),
        pytest.param(
            {"HPSEARCH_SECRET": SECRET},
            lambda there: signed()(there)[:-1],
            "wrong signature",
            marks=pytest.mark.long,
        ),
        pytest.param(
            {"HPSEARCH_SECRET": SECRET},
            lambda there: bytes(MAX_ENVELOPE_BYTES + 1),
            "bytes, more than",
            marks=pytest.mark.long,
        ),
    ],
    ids=[
        "no secret",
        "another secret",
        "unsigned",
        "of another experiment",
        "of another database",
        "of an earlier search",
        "truncated",
        "oversized",
    ],
)
def test_an_unverified_objective_is_not_run_and_its_trials_stay_pending(
    queue: TrialQueue, secret: dict[str, Any], sealed: Any, problem: str
) -> None:
    key = send(queue, COUNTS, sealed=sealed)
    worker = queue.fleet.worker(**{**secret, "PATH": os.environ["PATH"]})
    wait_until(lambda: "not serving sent" in queue.fleet.output(worker), "the refusal")
    other = queue.submit("quick", 1)

    wait_until(lambda: queue.states(other) == ["done"], "another experiment")

    assert problem in queue.fleet.output(worker)
    trial = queue.trial(key)
    assert (trial.state, trial.attempt) == (State.PENDING, 0)
    assert not any(value in queue.fleet.output(worker) for value in secret.values())


@pytest.mark.long
def test_a_missing_module_is_named_with_the_remedy(queue: TrialQueue) -> None:
    module = queue.fleet.folder / "only_here" / "helpers_of_script.py"
    module.parent.mkdir()
    module.write_text("def loss(x): return x")
    objective = made(
        f"import sys; sys.path.insert(0, {str(module.parent)!r})\n"
        "from helpers_of_script import loss\ndef objective(config): return loss(config['x'])"
    )
    key = send(queue, objective)

    worker = queue.fleet.worker("--exp-key", key, HPSEARCH_SECRET=SECRET)

    assert wait_for_exit(worker) == 65
    assert "needs the module 'helpers_of_script': install it on this worker" in queue.fleet.output(worker)
    assert queue.states(key) == ["pending"]
    (queue.fleet.folder / module.name).write_text(module.read_text())
    assert wait_for_exit(queue.fleet.worker("--burst", "--no-isolate", HPSEARCH_SECRET=SECRET)) == 0
    assert queue.states(key) == ["done"]


def test_a_recreated_experiment_is_evaluated_by_its_new_objective(queue: TrialQueue) -> None:
    """Under the same name, by the same worker, which has unpickled the old one."""
    worker = queue.fleet.worker(HPSEARCH_SECRET=SECRET)
    for factor in (1, 2):
        key = send(queue, made(f"def objective(config): return {factor}.0"))
        wait_until(lambda: queue.states("sent") == ["done"], "the trial")
        assert queue.trial(key).loss == factor
        queue.store.delete_experiment(key)
    assert worker.poll() is None


# Attachments


ATTACHES = made("""
import hpsearch, os, time
from pathlib import Path

def objective(config):
    trial = hpsearch.current_trial()
    trial.attach("checkpoint", b"old")
    trial.attach("checkpoint", b"c" * 400_000)
    match int(config["x"]):
        case 1:
            raise ValueError("after the checkpoint")
        case 2:
            os._exit(3)
        case 3:
            time.sleep(600)
    return {"loss": 0.5, "attachments": {"model": b"weights", "bad": 3}}
""")


@pytest.mark.parametrize("isolation", ["--isolate", pytest.param("--no-isolate", marks=pytest.mark.long)])
def test_attachments_are_stored_before_the_trial_is_done(
    queue: TrialQueue, call: Call, isolation: str
) -> None:
    key = send(queue, ATTACHES)

    assert wait_for_exit(queue.fleet.worker("--burst", isolation, HPSEARCH_SECRET=SECRET)) == 0

    trial = queue.trial(key)
    assert (trial.loss, set(trial.result)) == (0.5, {"loss", "status"})
    assert trial.error is not None
    assert trial.error.kind is FailureKind.UNSTORABLE
    assert "'bad' is 3 (int), not bytes" in trial.error.message
    assert queue.store.attachments(key, tid=0) == ["checkpoint", "model"]
    assert queue.store.attachment(key, "checkpoint", tid=0) == b"c" * 400_000
    assert "attachments   checkpoint, model" in call("show", key, "0").out


@pytest.mark.long
def test_a_failed_trial_keeps_what_it_attached_before(queue: TrialQueue) -> None:
    """Whether it raised, ended its process, or took too long."""
    key = send(queue, ATTACHES, 4)

    assert wait_for_exit(queue.fleet.worker("--burst", "--trial-timeout", "3s", HPSEARCH_SECRET=SECRET)) == 0

    assert queue.states(key) == ["done", "failed", "failed", "failed"]
    for tid in (1, 2, 3):
        assert queue.store.attachment(key, "checkpoint", tid=tid) == b"c" * 400_000


WAITS = made("""
import hpsearch, time
from pathlib import Path

def objective(config):
    trial = hpsearch.current_trial()
    trial.attach(f"of attempt {trial.attempt}", b"x")
    Path("started").touch()
    while not Path("go_on").exists():
        time.sleep(0.01)
    return 0.0
""")


def test_a_released_trial_keeps_only_the_attachments_of_its_last_attempt(
    queue: TrialQueue,
) -> None:
    key = send(queue, WAITS)
    first = queue.fleet.start("worker", "--drain-timeout", "0s", HPSEARCH_SECRET=SECRET)
    queue.wait_for_file("started")
    first.terminate()
    assert wait_for_exit(first) == 0
    assert queue.states(key) == ["pending"]
    queue.touch("go_on")

    assert wait_for_exit(queue.fleet.worker("--burst", HPSEARCH_SECRET=SECRET)) == 0

    assert queue.store.attachments(key, tid=0) == ["of attempt 2"]
