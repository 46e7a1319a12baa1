"""``hpsearch import-hyperopt`` on jobs and files that Hyperopt 0.3.0 itself wrote."""

from __future__ import annotations

import importlib.util
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from bson.datetime_ms import DatetimeMS
from pymongo import MongoClient
from pymongo.uri_parser import parse_uri

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import FailureKind, State, Trial
from hpsearch.hyperopt import Trials, exceptions
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call

#: A search of Hyperopt 0.3.0 with pymongo 3.13, whose job 17 was then put back to new.
JOBS = Path(__file__).parent / "data" / "hyperopt_jobs.json"

#: The script of the search under Hyperopt.
SCRIPT = """
from hyperopt import hp

space = {
    "lr": hp.loguniform("lr", -7, 0),
    "units": hp.quniform("units", 16, 64, 16),
    "depth": hp.randint("depth", 5),
    "opt": hp.choice("opt", [{"name": "sgd", "momentum": hp.uniform("momentum", 0, 1)}, {"name": "adam"}]),
}
narrow = {**space, "depth": hp.randint("depth", 4)}

def objective(config):
    return config["lr"]
"""

#: The same with our name for its package.
OURS = SCRIPT.replace("from hyperopt ", "from hpsearch.hyperopt ")


#: The script of a user of MongoTrials.
MONGO_SCRIPT = """
import sys
from hyperopt import fmin, tpe
from hyperopt.mongoexp import MongoTrials
from train import space

def objective(config):
    return {"loss": config["lr"], "status": "ok"}

if __name__ == "__main__":
    trials = MongoTrials(sys.argv[1], exp_key="exp1")
    print(trials.best_trial["result"]["loss"], trials.trial_attachments(trials.best_trial)["model"])
    fmin(objective, space, algo=tpe.suggest, max_evals=20, trials=trials, show_progressbar=False)
    print(sum(doc["state"] in (2, 3) for doc in trials.trials) + 5)  # five raised, which trials do not show
"""


@pytest.fixture(autouse=True)
def hyperopt_not_imported() -> Iterator[None]:
    """Hide a Hyperopt that another test has imported, since commands here run in the process of the tests.

    Undo what the command does to this process: other tests must not find our modules as ``hyperopt``, and
    pickle ``Trials`` under its own name.
    """
    finders = list(sys.meta_path)
    kept = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "hyperopt"}
    renamed = [Trials, *(each for each in vars(exceptions).values() if isinstance(each, type))]
    modules = [each.__module__ for each in renamed]
    for name in kept:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "hyperopt"]:
        del sys.modules[name]
    sys.modules.update(kept)
    for each, module in zip(renamed, modules, strict=True):
        each.__module__ = module
    sys.meta_path[:] = finders


@pytest.fixture
def source(uri: str) -> Iterator[str]:
    """URI of Hyperopt's jobs, which are in the database of the store; no test changes them."""
    with MongoClient[dict[str, Any]](uri) as client:
        database = client.get_default_database()
        jobs = json_util.loads(JOBS.read_text())
        for name, documents in jobs.items():
            database[name].insert_many(documents)
        before = json_util.dumps([list(database[name].find()) for name in jobs])
        credentials = parse_uri(uri)
        host, port = credentials["nodelist"][0]
        user, password = credentials["username"], credentials["password"]
        yield f"mongo://{user}:{password}@{host}:{port}/{database.name}/jobs?authSource=admin"
        assert json_util.dumps([list(database[name].find()) for name in jobs]) == before


@pytest.fixture
def script(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the script into the user's folder, and change to it."""
    monkeypatch.chdir(folder)
    (folder / "train.py").write_text(SCRIPT)
    (folder / "ours.py").write_text(OURS)
    return folder


def by_origin(store: MongoStore, exp_key: str) -> dict[str, Trial]:
    return {trial.origin: trial for trial in store.trials(exp_key)}


def test_everything_that_hyperopt_stored_is_imported(
    shell: Call, store: MongoStore, source: str, script: Path
) -> None:
    done = shell("import-hyperopt", source, "--source-key", "exp1", "--space", "train.py:space")
    assert done.code == 0, done.err
    assert done.out == (
        "exp1: 15 of 15 jobs imported (2 pending, 4 done, 9 failed), 0 existed already; attachments: 4.\n"
    )
    trials = by_origin(store, "exp1")
    assert list(trials) == [f"hyperopt:{tid}" for tid in range(4, 19)]
    assert [trial.tid for trial in trials.values()] == list(range(15))
    best = trials["hyperopt:8"]
    assert (best.state, best.loss, best.result["curve"]) == (State.DONE, 0.003394577852029922, [1.0, 2.0])
    assert best.params["opt"] == "adam"
    assert best.finished_at is not None
    assert best.finished_at.isoformat() == "2026-11-21T09:05:59.569000+00:00"
    assert store.attachment("exp1", "model", tid=best.tid) == b"weights 1"
    raised, failed, nan = trials["hyperopt:7"].error, trials["hyperopt:5"].error, trials["hyperopt:18"].error
    assert raised is not None
    assert (raised.type, raised.message) == ("ValueError", "too deep")
    assert failed is not None
    assert failed.kind is FailureKind.REPORTED
    assert nan is not None
    assert nan.kind is FailureKind.NAN
    assert [o for o, t in trials.items() if t.state is State.PENDING] == ["hyperopt:16", "hyperopt:17"]


def test_run_continues_an_imported_search(
    shell: Call, call: Call, store: MongoStore, source: str, script: Path
) -> None:
    """Pending trials are evaluated, finished ones count, and the algorithm learns from them."""
    call("import-hyperopt", source, "--source-key", "exp1", "--into", "more", "--space", "ours.py")
    assert store.experiment("more").state is ExperimentState.STOPPED
    done = shell(
        "run", "ours.py", "--exp-key", "more", "--max-evals", "18", "--seed", "5", "--algo", "anneal"
    )
    assert done.code == 0, done.err
    trials = by_origin(store, "more")
    assert store.counts("more")[State.DONE] == 9
    assert store.counts("more")[State.FAILED] == 9
    assert [trials[f"hyperopt:{tid}"].state for tid in (16, 17)] == [State.DONE, State.DONE]
    assert "anneal" in trials  # it needs losses
    experiment = store.experiment("more")
    assert (experiment.seed, experiment.algorithm.name) == (5, "anneal")
    assert experiment.objective.ref == "ours.py:objective"
    other = call("run", "search.py", "--exp-key", "more", "--space", "ours.py:space")
    assert other.code == 78
    assert "another objective: 'ours.py:objective' there" in other.err


@pytest.mark.long
def test_a_script_with_mongo_trials_continues_an_imported_search(
    call: Call, store: MongoStore, source: str, script: Path, uri: str
) -> None:
    """The objective is a function of the script, sent by value to a worker with Hyperopt's flags."""
    call("import-hyperopt", source, "--source-key", "exp1", "--space", "ours.py")
    (script / "mongo.py").write_text(MONGO_SCRIPT)
    environment = {**os.environ, "HPSEARCH_SECRET": "a secret of a test, long enough"}
    worker = subprocess.Popen(
        [sys.executable, "-m", "hpsearch.cli.mongo_worker", "--mongo", uri, "--exp-key", "exp1"],
        cwd=script,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        done = subprocess.run(
            [sys.executable, "-m", "hpsearch.hyperopt", "mongo.py", source],
            cwd=script,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
        )
    finally:
        worker.terminate()
        worker.wait(60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "0.003394577852029922 b'weights 1'\n20\n"
    counts = store.counts("exp1")
    assert (counts[State.DONE], counts[State.FAILED]) == (11, 9)


def test_importing_again_adds_only_new_trials(
    call: Call, store: MongoStore, source: str, script: Path, uri: str
) -> None:
    command = ("import-hyperopt", source, "--source-key", "exp2", "--space", "ours.py")
    assert "2 of 2 jobs imported (1 done, 1 failed), 0 existed already; attachments: 1." in call(*command).out
    before = list(store.trials("exp2"))
    store.detach("exp2", "model", tid=0)  # as after an interrupted import
    again = call(*command)
    assert again.out == "exp2: 0 of 2 jobs imported, 2 existed already; attachments: 1.\n", again.err
    assert list(store.trials("exp2")) == before
    with MongoClient[dict[str, Any]](uri) as client:
        jobs = client.get_default_database()["jobs"]
        late = jobs.find_one({"tid": 19}, {"_id": 0})
        assert late is not None
        jobs.insert_one({**late, "tid": 30, "misc": {**late["misc"], "tid": 30}})
        assert "1 of 3 jobs imported (1 done), 2 existed already; attachments: 1." in call(*command).out
        jobs.delete_one({"tid": 30})


def test_an_experiment_with_other_trials_is_not_changed(
    call: Call, store: MongoStore, source: str, script: Path
) -> None:
    call("run", "ours.py", "--exp-key", "taken", "--max-evals", "1")
    before = list(store.trials("taken"))
    refused = call("import-hyperopt", source, "--source-key", "exp1", "--into", "taken", "--space", "ours.py")
    assert refused.code == 78
    assert "has other trials: number 0 is not job 4 of the source" in refused.err
    assert list(store.trials("taken")) == before


def test_points_of_another_space_are_refused_or_skipped(
    call: Call, store: MongoStore, source: str, script: Path
) -> None:
    command = ("import-hyperopt", source, "--source-key", "exp1", "--space", "ours.py:narrow")
    refused = call(*command)
    assert refused.code == 65
    assert "Job 5: The value 4 of the parameter 'depth' is not" in refused.err
    assert "3 of 15 jobs are invalid; --skip-invalid skips them." in refused.err
    assert store.experiments() == []
    skipped = call(*command, "--skip-invalid")
    assert skipped.out.startswith("exp1: 12 of 12 jobs imported")
    assert skipped.err.count("Skipped: Job") == 3
    assert [trial.tid for trial in store.trials("exp1")] == list(range(12))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["SOURCE", "--space", "ours.py"], 2, "with --source-key: exp1, exp2."),
        (["SOURCE", "--space", "ours.py", "--source-key", "exp"], 4, "no jobs with the exp_key 'exp'"),
        (["SOURCE", "--space", "ours.py:spac", "--source-key", "exp1"], 65, "Did you mean 'space'?"),
        (["SOURCE"], 2, "Missing option '--space'"),
        (
            ["SOURCE", "--space", "ours.py", "--source-key", "exp1", "--into", "a/b"],
            2,
            "cannot name a search",
        ),
        (["OTHER", "--space", "ours.py"], 4, "There are no jobs in the collection 'none' of the database"),
        (["trials.pkl", "--space", "ours.py"], 65, "There is no file trials.pkl; a database is written as"),
        (["ours.py", "--space", "ours.py"], 2, "add --trust-pickle if you trust its source"),
        (["ours.py", "--space", "ours.py", "--trust-pickle"], 65, "cannot be read as pickled Trials"),
    ],
)
def test_a_mistake_is_reported_in_one_sentence(
    arguments: list[str],
    code: int,
    words: str,
    call: Call,
    source: str,
    script: Path,
) -> None:
    places = {"SOURCE": source, "OTHER": source.replace("/jobs?", "/none?")}
    done = call("import-hyperopt", *(places.get(word, word) for word in arguments))
    assert (done.code, done.out) == (code, "")
    assert words in done.err
    assert len(done.err.splitlines()) == 1


@pytest.mark.long
def test_a_file_that_hyperopt_pickled_is_imported_without_hyperopt(
    shell: Call, call: Call, store: MongoStore, script: Path
) -> None:
    """The import includes trials whose objective raised, which ``trials.trials`` leaves out."""
    if importlib.util.find_spec("hyperopt") is None:
        pytest.skip("Hyperopt is not installed here, so nothing can be pickled by it")
    write = """
import pickle, numpy as np
from hyperopt import Trials, fmin, rand
from train import space

def objective(config):
    if config["depth"] == 3:
        raise ValueError("too deep")
    return {"loss": config["lr"], "status": "ok", "attachments": {"model": b"weights"}}

trials = Trials()
fmin(objective, space, rand.suggest, 10, trials=trials, rstate=np.random.default_rng(0), verbose=False,
     catch_eval_exceptions=True)
print(len(trials.trials), trials.best_trial["result"]["loss"])
pickle.dump(trials, open("trials.pkl", "wb"))
"""
    written = subprocess.run(
        [sys.executable, "-c", write], cwd=script, capture_output=True, text=True, timeout=200, check=True
    )
    n_valid, best_loss = written.stdout.split()
    assert 0 < int(n_valid) < 10
    done = shell("import-hyperopt", "trials.pkl", "--trust-pickle", "--space", "train.py", "--into", "old")
    assert done.code == 0, done.err
    assert done.out.startswith(
        f"old: 10 of 10 jobs imported ({n_valid} done, {10 - int(n_valid)} failed), 0 existed"
    )
    assert next(store.trials("old", sort="loss", limit=1)).loss == float(best_loss)
    nameless = call("import-hyperopt", "trials.pkl", "--trust-pickle", "--space", "train.py")
    assert nameless.code == 2
    assert "name their experiment with --into" in nameless.err


def test_a_pickle_of_something_else_is_refused(call: Call, script: Path) -> None:
    (script / "list.pkl").write_bytes(pickle.dumps([1]))
    done = call("import-hyperopt", "list.pkl", "--trust-pickle", "--space", "ours.py", "--into", "x")
    assert done.code == 65
    assert "list.pkl contains a list, not Trials of Hyperopt." in done.err


def test_damaged_jobs_and_attachments_are_skipped_and_reported(
    call: Call, store: MongoStore, uri: str, source: str, script: Path
) -> None:
    """Invalid numbers and lists, an error without a class, a date out of range."""
    with MongoClient[dict[str, Any]](uri) as client:
        jobs = client.get_default_database()["damaged"]
        whole = client.get_default_database()["jobs"].find_one({"exp_key": "exp1", "state": 2}, {"_id": 0})
        assert whole is not None
        jobs.insert_one({**whole, "_attachments": "zz"})
        jobs.insert_one({**whole, "_attachments": [["lost", None], [1], None]})
        jobs.insert_one({**whole, "tid": None, "misc": None})
        jobs.insert_one({**whole, "state": 3, "error": "out of memory"})
        jobs.insert_one({**whole, "refresh_time": DatetimeMS(10**15)})
    damaged = source.replace("/jobs?", "/damaged?")
    done = call("import-hyperopt", damaged, "--space", "ours.py:space", "--into", "d", "--skip-invalid")
    assert done.code == 0, done.err
    assert "4 of 4 jobs imported (3 done, 1 failed)" in done.out
    assert "Skipped: Job None: The part 'misc' of trial None is not a dict." in done.err
    assert "Skipped: the attachment 'lost'" in done.err
    assert "Skipped: the attachment 'zz'" in done.err
    assert [trial.state for trial in store.trials("d")].count(State.FAILED) == 1


@pytest.mark.parametrize(
    "source",
    [
        "me:hunter2@host/db",
        "mongodb:/me:hunter2@host/db",
        "mongo://me:hunter2@host",
        "mongodb://me:hunter2host/db/jobs/more",
        "mongodb://me:hunter2@host@127.0.0.1:1/db",
        "hunter2://me@host/db",
        "me@hunter2",
    ],
)
def test_the_error_for_a_mistyped_source_does_not_repeat_its_password(
    call: Call, folder: Path, source: str
) -> None:
    outcome = call("import-hyperopt", source, "--space", f"{folder / 'search.py'}:space")
    assert outcome.code in {65, 78}
    assert outcome.err.startswith("hpsearch: ")
    assert "hunter2" not in outcome.out + outcome.err


def test_the_error_for_an_extra_argument_does_not_repeat_its_password(call: Call) -> None:
    for arguments in (("workers",), ("db", "check"), ("import-hyperopt", "a")):
        outcome = call(*arguments, "mongodb://me:hunter2@host/db")
        assert outcome.code == 2
        assert "hunter2" not in outcome.out + outcome.err
