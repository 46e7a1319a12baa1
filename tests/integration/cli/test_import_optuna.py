"""``hpsearch import-optuna`` on a study that Optuna itself wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call

JOURNAL = Path(__file__).parents[2] / "unit" / "integrations" / "data" / "optuna_study.log"

#: What its user makes of the objective of the study.
SCRIPT = """
def objective(config):
    return 1 - (config["lr"] - 0.01) ** 2 - config["dropout"] / 10
"""


def test_run_continues_an_imported_study(
    call: Call, store: MongoStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    done = call("import-optuna", str(JOURNAL), "--into", "mine", "--write-space", "space.json")
    assert done.code == 0, done.err
    assert done.out == (
        "mine: 23 of 25 trials imported (19 done, 1 failed, 2 pending, 1 pruned), 0 existed already.\n"
    )
    assert "C: only where model is 'svc'." in done.err
    assert "Go on with: hpsearch run TARGET --exp-key mine --space space.json" in done.err
    best = call("best", "mine", "--format", "json")
    assert best.code == 0, best.err

    went_on = call(
        "run", "train.py", "--exp-key", "mine", "--space", "space.json", "--max-evals", "24", "--workers", "1"
    )

    assert went_on.code == 0, went_on.err
    experiment = store.experiment("mine")
    assert (experiment.state, experiment.goal.maximize) == (ExperimentState.DONE, True)
    finished = [trial for trial in store.trials("mine") if trial.state is State.DONE]
    assert [trial.origin for trial in finished[19:21]] == ["optuna:23", "optuna:24"]
    assert len(finished) == 22


def test_a_mistake_is_reported_in_one_sentence(call: Call, tmp_path: Path) -> None:
    for arguments, code, words in (
        ([str(tmp_path / "none.db")], 65, "There is no study in"),
        ([str(JOURNAL), "--study", "other"], 65, "no study 'other'; it has: 'demo'"),
        ([str(JOURNAL), "--objective", "1"], 78, "no value 1; the last one is 0"),
        ([str(JOURNAL), "--into", "a/b"], 78, "cannot name a search"),
        ([str(JOURNAL), "--space", "s.toml", "--write-space", "t.json"], 2, "--write-space writes"),
    ):
        done = call("import-optuna", *arguments)
        assert (done.code, words in done.err, "Traceback" in done.err) == (code, True, False), done.err
