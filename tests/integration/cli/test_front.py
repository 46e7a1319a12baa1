"""Searches with several objectives and limits on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.trial import Result, Trial
from hpsearch.space.tree import Space
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call, claimed
from tests.support.declared_outcomes import declared

OBJECTIVE = """
from hpsearch import hp

space = {"x": hp.uniform("x", 0, 1)}

def objective(config):
    x = config["x"]
    return {"losses": {"error": x, "ms": (1 - x) ** 2}, "constraints": {"slack": x - 0.9}, "size": 3}
"""

LOSSES = [(0.5, 1.0, -1.0), (0.1, 9.0, -1.0), (0.3, 5.0, 0.0), (0.0, 0.0, 2.5), (0.6, 8.0, -1.0)]


@pytest.fixture
def front(store: MongoStore) -> MongoStore:
    """A store with a search whose front consists of the trials 1, 2 and 0."""
    space = Space({"lr": hp.uniform("lr", 0, 1)})
    store.open_experiment(
        Experiment(
            exp_key="search",
            space=space.to_json(),
            space_fingerprint=space.fingerprint,
            objective=ObjectiveRef(kind="file", ref="search.py:objective"),
            outcomes=declared(["error:min", "ms:min"], ["gb <= 8"]),
        )
    )
    store.insert(
        [
            Trial(exp_key="search", tid=i, values={"lr": i / 10}, params={"lr": i / 10})
            for i in range(len(LOSSES))
        ]
    )
    for error, ms, amount in LOSSES:
        losses = {"error": error, "ms": ms}
        store.finish(claimed(store), Result(loss=None, losses=losses, violations={"gb": amount}))
    return store


def tids(call: Call, *arguments: str) -> list[int]:
    done = call("best", "search", *arguments, "--json")
    assert done.code == 0, done.err
    return [trial["tid"] for trial in json.loads(done.out)["front"]]


@pytest.mark.usefixtures("front")
def test_the_best_trials_are_the_front(call: Call) -> None:
    assert tids(call) == [1, 2, 0]
    assert tids(call, "--by", "ms") == [0, 2, 1]
    assert tids(call, "--knee") == [2]
    assert len(tids(call, "-n", "2")) == 2
    assert tids(call, "--where", "error >= 0.3") == [2, 0]
    table = call("best", "search")
    assert table.out.splitlines()[1].split()[:4] == ["1", "0.1", "9", "0"]
    assert "3 of 5 trials are on the front." in table.err
    assert call("best", "search", "--knee").out.startswith("trial 2  error 0.3, ms 5")
    assert "There is no objective 'size'" in call("best", "search", "--by", "size").err


@pytest.mark.usefixtures("front")
def test_lists_have_the_losses_and_the_violation(call: Call) -> None:
    assert call("trials", "search", "--where", "violation > 0", "--columns", "trial,error").out.split() == [
        "trial", "error", "3", "0",
    ]  # fmt: skip
    assert call("show", "search", "best").out.startswith("trial         2 of search")
    header, first = call("trials", "search", "--format", "csv").out.splitlines()[:2]
    assert header.startswith("tid,state,result.error,ms,violation,")
    assert first.startswith("0,done,0.5,1,0,")
    [row] = json.loads(call("status", "search", "--json").out)["status"]
    assert [trial["tid"] for trial in row["front"]] == [1, 2, 0]


def test_without_a_feasible_trial_the_least_violated_one_is_shown(call: Call, front: MongoStore) -> None:
    front.mark_invalid("search", [0, 1, 2, 4], "wrong")
    done = call("best", "search")
    assert done.code == 1
    assert "No trial of search keeps the limits." in done.err
    assert done.out.startswith("least violated, exceeds gb <= 8 by 2.5:\ntrial 3  error 0, ms 0\n")


def test_a_search_runs_until_its_condition_and_keeps_its_declarations(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: MongoStore
) -> None:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "search.py").write_text(OBJECTIVE)
    declaration = ["--objective", "error:min", "--objective", "ms:min", "--limit", "slack"]
    until = ["--until", "error <= 1 and ms <= 1", "--max-evals", "20"]
    done = call("run", "search.py", *declaration, *until)
    assert done.code == 0, done.err
    assert "a trial fulfils --until" in done.out
    assert "on the front." in done.out
    assert "new on the front" in done.err
    [first, *_] = store.trials("search")
    assert first.losses is not None
    assert first.violations == {"slack": pytest.approx(first.losses["error"] - 0.9)}
    refused = call("run", "search.py", "--limit", "slack", "--limit", "size <= 2")
    assert refused.code == 78
    assert "has the objectives error:min, ms:min with the limit slack <= 0; name one that" in refused.err
    assert "is an equality" in call("run", "search.py", "--limit", "size == 3").err
    assert "A loss threshold needs one objective" in call("run", "search.py", "--loss-threshold", "1").err
