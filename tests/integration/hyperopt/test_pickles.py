"""Trials pickled by one package can be read and continued by the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from hpsearch.hyperopt import Trials
from hpsearch.hyperopt.engine.saving import load_trials, save_trials

SEARCH = """
import json, pickle, sys
import numpy as np
import hyperopt
from hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, rand, tpe
from hyperopt.fmin import generate_trials_to_calculate

SPACE = {"x": hp.uniform("x", -5, 5), "k": hp.choice("k", ["a", {"n": hp.uniformint("n", 1, 9)}])}

def objective(config):
    if config["x"] < -3:
        raise ValueError("too low")
    if config["x"] > 4:
        return {"status": STATUS_FAIL, "why": np.float64(config["x"])}
    return {"loss": config["x"] ** 2, "status": STATUS_OK, "array": np.arange(3), "kind": config["k"],
            "attachments": {"blob": b"of %d" % int(config["x"])}}

def search(trials, max_evals, path="", algo=rand.suggest):
    fmin(objective, SPACE, algo, max_evals, trials=trials, rstate=np.random.default_rng(3), verbose=False,
         catch_eval_exceptions=True, trials_save_file=path)

def seen(trials):
    blobs = {str(doc["tid"]): trials.trial_attachments(doc)["blob"].decode() for doc in trials.trials
             if doc["result"]["status"] == STATUS_OK}
    docs = [[doc["tid"], doc["state"], doc["result"]["status"], doc["result"].get("loss"),
             doc["misc"]["idxs"], {k: [float(v) for v in vs] for k, vs in doc["misc"]["vals"].items()},
             [int(i) for i in doc["result"].get("array", [])]] for doc in trials.trials]
    errors = [doc["misc"]["error"] for doc in trials._dynamic_trials if doc["state"] == 3]
    return {"docs": docs, "blobs": blobs, "best": trials.best_trial["tid"], "n": len(trials._dynamic_trials),
            "errors": [list(error) for error in errors], "next": trials.new_trial_ids(1)}
"""

WRITE = """
class Mine(Trials):
    extra = "of the class"

    def __init__(self, note):
        super().__init__()
        self.note = note

def dump(trials, path):
    with open(path, "wb") as file:
        pickle.dump(trials, file)

saved, dumped, mine = Trials(), Trials(), Mine("a note")
search(saved, 20, "saved.pkl")
search(dumped, 20)
dump(dumped, "dumped.pkl")
search(mine, 20, "mine.pkl")  # of a class that is defined in this script only
queued = generate_trials_to_calculate([{"x": 1.0, "k": 0}])
queued.refresh()
dump(queued, "queued.pkl")
print(json.dumps([seen(trials) for trials in (saved, dumped, mine)]))
"""

READ = """
def load(path):
    with open(path, "rb") as file:
        return pickle.load(file)

print(json.dumps([seen(load(name)) for name in ("saved.pkl", "dumped.pkl", "mine.pkl")]))
queued = load("queued.pkl")
search(queued, 4)
assert queued.tids == [0, 1, 2, 3] and queued.miscs[0]["vals"]["x"] == [1.0], queued.miscs
mine = load("mine.pkl")
assert (mine.note, mine.extra, type(mine).__name__) == ("a note", "of the class", "Mine")
assert isinstance(mine, Trials)
search(mine, 30, algo=tpe.suggest)
assert len(mine._dynamic_trials) >= 30 and mine.tids == sorted(set(mine.tids)), mine.tids
search(None, 25, "saved.pkl", tpe.suggest)
saved = load("saved.pkl")
assert len(saved._dynamic_trials) >= 25 and saved.tids == sorted(set(saved.tids)), saved.tids
"""


@pytest.fixture
def run(hyperopt_python: str, tmp_path: Path) -> Any:
    """Run a part of a script with one of the packages; return its output."""

    def run_part(package: Any, part: Any) -> str:
        script = tmp_path / f"under_{package}.py"
        script.write_text(textwrap.dedent(SEARCH) + part)
        command = [hyperopt_python] if package == "hyperopt" else [sys.executable, "-m", "hpsearch.hyperopt"]
        done = subprocess.run(
            [*command, script],
            capture_output=True,
            text=True,
            timeout=200,
            cwd=tmp_path,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_part


@pytest.mark.long
@pytest.mark.parametrize(("writer", "reader"), [("hpsearch", "hyperopt"), ("hyperopt", "hpsearch")])
def test_trials_are_read_and_continued_by_the_other_package(run: Any, writer: str, reader: str) -> None:
    """Saved by fmin, pickled by the script, of a subclass, and with pending trials."""
    written = json.loads(run(writer, WRITE))
    assert json.loads(run(reader, READ)) == written
    assert all(trials["blobs"] and trials["errors"] for trials in written)


def test_pickles_refer_to_hyperopts_class_and_can_be_read_without_the_alias(run: Any, tmp_path: Path) -> None:
    run("hpsearch", WRITE)
    assert b"hpsearch" not in (tmp_path / "dumped.pkl").read_bytes()
    for name in ("saved.pkl", "dumped.pkl", "queued.pkl"):
        trials = load_trials(tmp_path / name)
        assert type(trials) is Trials
        save_trials(trials, tmp_path / name)
        assert load_trials(tmp_path / name).tids == trials.tids
