"""Reading a search runs no function of its stored space, unless it is trusted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.trial import Result, Trial
from hpsearch.core.worker import Worker
from hpsearch.hyperopt import fmin, rand, space_eval
from hpsearch.hyperopt.mongo.jobs import MongoJobs
from hpsearch.hyperopt.mongoexp import MongoTrials
from hpsearch.space.expression import call
from tests.support.importable_objectives import fussy, square
from tests.support.thread_worker import ThreadWorker

MODULE = "noted_by_reading"
THREAD_WORKER = Worker(name="w", host="h", pid=1)


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file in which a module records its import and its calls."""
    noted = tmp_path / "noted"
    noted.touch()
    (tmp_path / f"{MODULE}.py").write_text(
        f"def note(word):\n    open({str(noted)!r}, 'a').write(word)\n    return word\nnote('imported')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield noted
    sys.modules.pop(MODULE, None)


@pytest.fixture
def search(jobs: MongoJobs) -> MongoJobs:
    """A database with one trial and a manipulated space."""
    reference = {"import": f"{MODULE}:note"}
    space = {
        "schema": 1,
        "parameters": [
            {"label": "x", "distribution": {"name": "uniform", "low": 0.0, "high": 1.0}},
            {"label": "c", "distribution": {"name": "choice"}, "options": [reference, 1]},
        ],
        "operations": [
            {"name": "call", "args": [reference, "called"]},
            {"name": "getattr", "args": [reference, "__globals__"]},
            {"name": "max", "args": [{"tuple": ["1", "2"]}], "keywords": [["key", reference]]},
            {"name": "add", "args": [{"operation": 0}, {"parameter": "x"}]},
        ],
        "root": {
            "dict": [
                *[[f"operation {i}", {"operation": i}] for i in range(4)],
                ["f", {"parameter": "c"}],
                ["x", {"parameter": "x"}],
                [reference, 1],
            ]
        },
    }
    opened = jobs.store.open_experiment(
        Experiment(
            exp_key="read",
            space=space,
            space_fingerprint="f",
            objective=ObjectiveRef(kind="import", ref=f"{MODULE}:note"),
        )
    )
    waiting = Trial(exp_key="read", exp_created_at=opened.created_at, tid=0, values={"x": 0.5, "c": 0})
    jobs.store.insert([waiting])
    claimed = jobs.store.claim(THREAD_WORKER, "token", ["read"])
    assert claimed is not None
    jobs.store.finish(claimed, Result(loss=0.5, result={"loss": 0.5, "status": "ok"}, duration_s=1.0))
    return jobs


SHOWN = {
    "operation 0": f"{MODULE}:note('called')",
    "operation 1": f"getattr({MODULE}:note, '__globals__')",
    "operation 2": f"max(('1', '2'), key={MODULE}:note)",
    "f": f"{MODULE}:note",
    "x": 0.5,
    f"{MODULE}:note": 1,
}


def test_reading_imports_and_calls_nothing(search: MongoJobs, noted: Path) -> None:
    """Functions, and the results of their calls, are shown as text."""
    trials = MongoTrials(search, exp_key="read")
    assert trials.best_params == {"x": 0.5, "c": "note"}
    config = trials.best_config
    assert {key: config[key] for key in SHOWN} == SHOWN
    assert config["operation 3"].startswith("add(")
    assert space_eval(trials.space, trials.argmin) == config
    assert space_eval(trials.space.expression, trials.argmin) == config
    assert (len(trials), trials.losses(), trials.best_trial["tid"]) == (1, [0.5], 0)
    frame = pytest.importorskip("pandas") and trials.to_frame()
    assert list(frame["x"]) == [0.5]
    assert trials.view("read").best_config == config
    assert noted.read_text() == ""
    assert MODULE not in sys.modules


def test_inserting_trials_imports_and_calls_nothing(search: MongoJobs, noted: Path) -> None:
    trials = MongoTrials(search, exp_key="read")
    trials.refresh()
    (tid,) = trials.new_trial_ids(1)
    misc = {"tid": tid, "cmd": None, "idxs": {"x": [tid], "c": [tid]}, "vals": {"x": [0.25], "c": [1]}}
    trials.insert_trial_docs(trials.new_trial_docs([tid], [None], [{"status": "new"}], [misc]))
    assert search.store.trial("read", tid).values == {"x": 0.25, "c": 1}
    assert noted.read_text() == ""


def test_only_a_trusted_space_and_the_scripts_own_call_functions(jobs: MongoJobs) -> None:
    """After ``fmin`` the space of the script is used."""
    x = hp.uniform("x", 0, 1)
    space = {"x": x, "f": hp.choice("f", [fussy]), "made": call(square, {"x": 2 + 0 * x})}
    searched = MongoTrials(jobs, exp_key="live")
    with ThreadWorker(jobs.store):
        fmin(square, space, rand.suggest, 2, trials=searched, rstate=1, show_progressbar=False)

    live = {"x": searched.argmin["x"], "f": fussy, "made": 4.0}
    assert searched.best_config == live == space_eval(space, searched.argmin)
    reader = MongoTrials(jobs, exp_key="live")
    home = "tests.support.importable_objectives"
    assert reader.best_config == {**live, "f": f"{home}:fussy", "made": f"{home}:square({{'x': 2.0}})"}
    assert space_eval(reader.space, reader.argmin, trust_space=True) == live
    trusted = MongoTrials(jobs, exp_key="live", trust_space=True)
    assert trusted.best_config == trusted.view("live").best_config == live
