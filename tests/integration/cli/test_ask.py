"""``hpsearch ask``, ``tell``, ``heartbeat`` and ``should-stop``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call


@pytest.fixture
def space(folder: Path) -> str:
    """The options with which a search begins."""
    return str(folder / "search.py")


def asked(call: Call, *arguments: str) -> dict[str, Any]:
    outcome = call("ask", "s", *arguments)
    assert outcome.code == 0, outcome.err
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def held(trial: dict[str, Any]) -> tuple[str, ...]:
    """The arguments that name a trial."""
    return ("s", str(trial["tid"]), "--owner", trial["owner"])


def test_a_program_asks_and_tells_until_the_budget_is_spent(
    call: Call, store: MongoStore, space: str, tmp_path: Path
) -> None:
    begin = ("--space", space, "--max-evals", "3", "--algo", "random", "--seed", "1")
    first, second, third = (asked(call, *begin) for _ in range(3))
    assert [trial["tid"] for trial in (first, second, third)] == [0, 1, 2]
    assert first["config"].keys() == {"x", "kind"}
    assert first["params"]["kind"] in {"a", "b"}
    busy = call("ask", "s", *begin, "--timeout", "0.01")
    assert (busy.code, busy.err) == (75, "All open trials of s are running.\n")

    assert call("tell", *held(first), "--loss", "0.5").code == 0
    file = tmp_path / "result.json"
    file.write_text('{"loss": 0.25, "accuracy": 0.75}')
    assert call("tell", *held(second), "--result", str(file)).code == 0
    assert call("tell", *held(third), "--failed", "it diverged").code == 0

    spent = call("ask", "s", *begin)
    assert (spent.code, spent.err) == (3, "s has ended: its budget is spent.\n")
    done = list(store.trials("s"))
    assert [trial.loss for trial in done] == [0.5, 0.25, None]
    assert done[1].result["accuracy"] == 0.75
    assert done[2].error.message == "it diverged"
    assert store.experiment("s").state is ExperimentState.DONE


def test_a_trial_is_renewed_reported_and_given_back(call: Call, store: MongoStore, space: str) -> None:
    trial = asked(call, "--space", space, "--lease", "1h")
    assert call("heartbeat", *held(trial), "--report", "1", "0.5", "--report", "2", "0.4").code == 0
    assert call("should-stop", *held(trial)).code == 1
    stored = store.trial("s", 0)
    assert [(report.step, report.value) for report in stored.reports] == [(1, 0.5), (2, 0.4)]
    assert (stored.lease_until - stored.heartbeat_at).total_seconds() == 3600

    assert call("tell", *held(trial), "--give-back").code == 0
    assert store.trial("s", 0).state is State.PENDING
    again = asked(call)
    assert (again["tid"], again["attempt"]) == (0, 2)
    assert call("should-stop", *held(trial)).code == 0
    late = call("tell", *held(trial), "--loss", "1")
    assert late.code == 4
    assert "The lease on trial s/000000 was lost" in late.err
    assert call("tell", *held(again), "--loss", "2").code == 0
    assert call("tell", *held(again), "--loss", "2").code == 0  # the answer to the first may have been lost


def test_a_cancelled_trial_should_stop(call: Call, space: str) -> None:
    trial = asked(call, "--space", space)
    call("cancel", "s", "0")
    assert call("should-stop", *held(trial)).code == 0
    assert call("heartbeat", *held(trial)).code == 4


def test_a_paused_or_stopped_search_has_no_trial(call: Call, space: str) -> None:
    call("tell", *held(asked(call, "--space", space)), "--give-back")
    call("pause", "s")
    paused = call("ask", "s", "--timeout", "0.01")
    assert (paused.code, paused.err) == (6, "s is paused; go on with: hpsearch resume s\n")
    call("stop", "s")
    assert (call("ask", "s").code, call("ask", "s", "--space", space).code) == (5, 5)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("ask", "missing"), 4, "There is no search 'missing'; give a space to begin it."),
        (("ask", "search", "--max-evals", "3"), 78, "are set by the command that began it"),
        (("tell", "search", "5", "--owner", "x"), 2, "Give one of --loss, --result"),
        (("tell", "search", "5", "--owner", "x", "--loss", "1"), 4, "was lost"),
        (("tell", "search", "99", "--owner", "x", "--loss", "1"), 4, "There is no trial search/000099."),
        (("tell", "search", "5", "--loss", "1"), 2, "Missing option '--owner'"),
    ],
)
def test_what_cannot_be_asked_or_told_is_refused(
    arguments: tuple[str, ...], code: int, words: str, filled: MongoStore, call: Call
) -> None:
    outcome = call(*arguments)
    assert outcome.code == code
    assert words in outcome.err


def test_what_is_no_result_is_refused(call: Call, space: str, tmp_path: Path) -> None:
    trial, file = asked(call, "--space", space), tmp_path / "result.json"
    for text, code in (("loss: 1", 2), ('{"accuracy": 1}', 65)):
        file.write_text(text)
        assert call("tell", *held(trial), "--result", str(file)).code == code
    assert call("tell", *held(trial), "--loss", "1").code == 0
