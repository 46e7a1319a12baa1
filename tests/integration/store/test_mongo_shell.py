"""The views, and the functions of ``scripts/hpsearch.mongosh.js`` in the real Mongo shell."""

from __future__ import annotations

import json
import math
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from hpsearch.core.experiment import Budget, Experiment, ExperimentState, ObjectiveRef
from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.trial import Failure, FailureKind, Holder, Report, Result, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.mongo.views import VIEWS
from tests.support.declared_outcomes import declared
from tests.support.documentation import REPOSITORY

HELPERS = REPOSITORY / "scripts" / "hpsearch.mongosh.js"
PAGE = (REPOSITORY / "docs" / "mongo-shell.md").read_text()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ANNA = Worker(name="anna", host="machine", pid=1, exp_keys=("nested",))


#: Losses and the amount of the limit; the front consists of the trials 3, 1 and 0.
FRONT = [
    (2, 0.5, 3, 0),
    (2, 0.75, 5, -1),
    (2, 0.5, 4, -1),
    (1, 0.5, 9, 0),
    (0, 1, 0, 0.5),
    (0, math.inf, math.inf, 0),
]


@pytest.fixture(scope="module")
def searches(mongo_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """A nested search with trials of every kind, an empty one, and a large one."""
    store = MongoStore.connect(mongo_uri, database=f"shell_{uuid.uuid4().hex[:8]}", patience=Patience(120))
    for key in ("maximised", "large", "empty"):
        goal = Goal(metric="accuracy", maximize=True) if key == "maximised" else LOSS
        store.open_experiment(replace(experiment(key), goal=goal))
    store.insert([ended("maximised", 0, loss=-0.75)])
    store.insert([ended("large", tid, loss=float(3000 - tid)) for tid in range(3000)])
    store.open_experiment(
        replace(experiment("front"), outcomes=declared(["a.b:min", "accuracy:max", "ms:min"], ["gb <= 8"]))
    )
    store.insert([with_losses(tid, *numbers) for tid, numbers in enumerate(FRONT)])
    store.open_experiment(experiment("nested"))
    store.insert(
        [
            ended("nested", 0, loss=0.5),
            replace(ended("nested", 1, loss=0.25), params={"model": "mlp", "a.b$": None}),
            replace(ended("nested", 2), error=Failure(kind=FailureKind.NAN, message="The loss is NaN.")),
            replace(ended("nested", 3), error=out_of_memory()),
            replace(ended("nested", 4), error=out_of_memory()),
            ended("nested", 5, loss=float("inf")),
            ended("nested", 6, loss=0.125),
            *(Trial(exp_key="nested", tid=tid, values={}, params={"model": "svc"}) for tid in (7, 8)),
        ]
    )
    store.mark_invalid("nested", [6], "wrong data")
    store.record_worker(ANNA, 600)
    running = store.claim(ANNA, "token", ["nested"])
    store.report(running, [Report(step=1, value=0.75)])
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client[store.database]
    store.close()


def experiment(key: str) -> Experiment:
    return Experiment(
        exp_key=key,
        space={},
        space_fingerprint="0",
        objective=ObjectiveRef(kind="file", ref="search.py:objective"),
        budget=Budget(max_evals=20),
    )


def ended(key: str, tid: int, loss: float | None = None) -> Trial:
    """Return a trial that has ended; failed if it has no loss."""
    return Trial(
        exp_key=key,
        tid=tid,
        values={"model": 0},
        params={"model": "linear"},
        state=State.FAILED if loss is None else State.DONE,
        loss=loss,
        worker=Holder(name="bert", host="other", pid=2),
        created_at=NOW,
        claimed_at=NOW,
        finished_at=NOW,
        duration_s=2.0,
    )


def with_losses(tid: int, first: float, accuracy: float, ms: float, amount: float) -> Trial:
    losses = {"a.b": first, "accuracy": accuracy, "ms": ms}
    done = replace(ended("front", tid), state=State.DONE, losses=losses, violations={"gb": amount})
    return replace(done, params={"lr": tid})


def out_of_memory() -> Failure:
    return Failure(kind=FailureKind.EXCEPTION, type="MemoryError", message="no <memory> left")


def test_the_views_show_each_kind_of_trial_under_readable_names(searches: Database[dict[str, Any]]) -> None:
    def found(view: str, **condition: Any) -> list[dict[str, Any]]:
        return list(searches[view].find(condition))

    best = found("best", search="nested")
    assert [(t["trial"], t["loss"], t["worker"]) for t in best] == [
        (1, 0.25, "bert"),
        (0, 0.5, "bert"),
        (5, float("inf"), "bert"),
    ]
    assert best[0]["params"] == {"model": "mlp", "a.b$": None}
    failures = found("failures", search="nested")
    assert sorted((t["trial"], t["kind"], t["host"]) for t in failures) == [
        (2, "nan", "other"),
        (3, "exception", "other"),
        (4, "exception", "other"),
    ]
    [running] = found("in_progress")
    assert (running["search"], running["trial"], running["worker"]) == ("nested", 7, "anna")
    assert running["last_report"]["value"] == 0.75
    assert 0 <= running["running_s"] < 600
    [worker] = found("fleet")
    assert (worker["worker"], worker["running"]) == ("anna", ["nested/000007"])
    listed = {one["search"]: one for one in found("searches")}
    assert listed["nested"]["trials"] == {
        "pending": 1, "running": 1, "done": 4, "failed": 3, "pruned": 0, "cancelled": 0,
    }  # fmt: skip
    assert listed["nested"]["best"]["trial"] == 1
    assert "best" not in listed["empty"]
    assert sum(listed["empty"]["trials"].values()) == 0
    assert listed["large"]["best"]["loss"] == 1.0


@pytest.mark.parametrize("view", VIEWS)
def test_every_field_of_a_view_is_described(view: str) -> None:
    [line] = re.findall(rf"^\| `{view}` \|.*", PAGE, re.MULTILINE)
    fields = VIEWS[view].pipeline[-1]["$project"]
    assert {name for name in fields if name != "_id" and f"`{name}`" not in line} == set()


def test_the_views_read_only_what_they_return(searches: Database[dict[str, Any]]) -> None:
    """A name that the view gives a field does not cost the index, and neither does the join."""

    def examined(view: str, condition: dict[str, Any], limit: int) -> int:
        command = {"find": view, "filter": condition, "limit": limit}
        plan = searches.command({"explain": command, "verbosity": "executionStats"})
        return max(map(int, re.findall(r"'totalDocsExamined': (?:Int64\()?(\d+)", str(plan))))

    assert examined("best", {"search": "large"}, 10) <= 10
    assert examined("failures", {"search": "large"}, 10) == 0
    assert examined("in_progress", {}, 10) == 1
    assert examined("fleet", {}, 10) == 1
    assert examined("searches", {"search": "large"}, 1) == 1


def test_a_collection_of_the_user_with_the_name_of_a_view_stays(mongo_uri: str) -> None:
    name = f"shell_{uuid.uuid4().hex[:8]}"
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client[name]["best"].insert_one({"_id": "mine"})
        store = MongoStore.connect(mongo_uri, database=name, patience=Patience(120))
        store.prepare()
        assert client[name]["best"].find_one() == {"_id": "mine"}
        client[name].drop_collection("searches")
        client[name].create_collection("searches", viewOn="trials", pipeline=[])
        store.prepare()
        assert list(client[name]["searches"].find()) == []
        [listed] = client[name].list_collections(filter={"name": "searches"})
        assert listed["options"]["viewOn"] == "experiments"
        store.close()
        client.drop_database(name)


#: What a person types, and what is then printed, as JSON.
QUERIES = {
    "best": 'hp.best("nested")',
    "params": 'hp.best("nested").params.model',
    "top": 'hp.top("nested", 2).map((t) => t.trial)',
    "failures": 'hp.failures("nested")',
    "running": 'hp.running("nested")',
    "workers": "hp.workers()",
    "status": 'hp.status("nested")',
    "newest": "hp.status().search",
    "trial": 'hp.trial("nested", 3).error.type',
    "front": 'hp.front("front")',
    "empty": '[hp.best("empty"), hp.top("empty"), hp.failures("empty"), hp.status("empty").best]',
    "maximised": '[hp.best("maximised").accuracy, hp.status("maximised").best.accuracy]',
    "large": 'hp.top("large", 3).map((t) => t.loss)',
    "searches": "hp.searches().map((s) => s.search).sort()",
    "unknown": '(() => { try { hp.best("nestd") } catch (error) { return error.message } })()',
}


def test_the_helpers_answer_in_the_mongo_shell(
    searches: Database[dict[str, Any]], mongo_uri: str, mongosh: Path
) -> None:
    """One start of the shell answers every query; then the watched search ends under its eyes."""
    asked = [f"print({json.dumps(name)} + '=' + EJSON.stringify({query}))" for name, query in QUERIES.items()]
    watched = [f'hp.watch("{key}", 0.1)' for key in ("nested", "empty")]
    program = ";\n".join([f"load({json.dumps(str(HELPERS))})", "hp.help()", *asked, *watched])
    uri = mongo_uri.replace("/hpsearch?", f"/{searches.name}?")
    process = subprocess.Popen(
        [mongosh, "--quiet", "--norc", uri, "--eval", program],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith("nested: 7/20 finished"):
            finish_running(mongo_uri, searches.name)
    assert process.wait(60) == 0, lines
    answers = {
        name: json.loads(text) for name, _, text in (line.partition("=") for line in lines) if name in QUERIES
    }
    assert set(answers) == set(QUERIES), lines
    assert answers["best"]["trial"] == 1
    assert answers["params"] == "mlp"
    assert answers["top"] == [1, 0]
    assert [(f["reason"], f["n"], f["hosts"]) for f in answers["failures"]] == [
        ("MemoryError", 2, ["other"]),
        ("nan", 1, ["other"]),
    ]
    assert [(r["trial"], r["last_report"]["value"]) for r in answers["running"]] == [(7, 0.75)]
    assert [(w["worker"], w["running"]) for w in answers["workers"]] == [("anna", ["nested/000007"])]
    assert answers["status"]["trials"] == {"pending": 1, "running": 1, "done": 4, "failed": 3}
    assert (answers["status"]["n_workers"], answers["status"]["has_coordinator"]) == (1, False)
    assert answers["newest"] == "nested"
    assert answers["trial"] == "MemoryError"
    assert [trial["trial"] for trial in answers["front"]] == [3, 1, 0]
    assert answers["front"][0] == {"trial": 3, "a.b": 1, "accuracy": 0.5, "ms": 9, "params": {"lr": 3}}
    assert answers["empty"] == [None, [], [], None]
    assert answers["maximised"] == [0.75, 0.75]
    assert answers["large"] == [1, 2, 3]
    assert answers["searches"] == ["empty", "front", "large", "maximised", "nested"]
    assert 'no search named "nestd"' in answers["unknown"]
    assert "nested" in answers["unknown"]
    text = "\n".join(lines)
    assert (
        "nested: 7/20 finished: 1 pending, 1 running, 4 done, 3 failed; best loss 0.25 (trial 1); 1 worker\n"
        in text
    )
    assert (
        "nested: 8/20 finished: 1 pending, 5 done, 3 failed; best loss 0.0625 (trial 7); 1 worker; done\n"
        in text
    )
    assert "empty: 0/20 finished: no trials; no loss yet; 0 workers; done" in text


def finish_running(uri: str, database: str) -> None:
    store = MongoStore.connect(uri, database=database, patience=Patience(120))
    store.set_experiment_state("empty", ExperimentState.DONE, "max_evals")
    store.finish(store.trial("nested", 7), Result(loss=0.0625))
    store.set_experiment_state("nested", ExperimentState.DONE, "max_evals")
    store.close()


def test_every_helper_is_described() -> None:
    source = HELPERS.read_text()
    [exported] = re.findall(r"^  return \{(.*)\};$", source, re.MULTILINE)
    names = set(exported.split(", "))
    assert {name for name in names if f"`hp.{name}(" not in PAGE} == set()
    assert {name for name in names - {"help"} if f"hp.{name}(" not in source} == set()
