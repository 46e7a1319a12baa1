"""``--believe`` and the conditions of a space on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpsearch.space.tree import Space
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call

FILE = """
from hpsearch import hp, where
numbers = {'lr': hp.uniform('lr', 0, 2), 'kind': hp.choice('kind', ['sgd', 'adam'])}
space = where(numbers, "lr < 1 or kind == 'adam'")
def objective(config):
    return config['lr']
"""


@pytest.mark.usefixtures("no_start_grace")
def test_a_coordinator_stores_beliefs_and_conditions(
    filled: MongoStore, folder: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "other.py").write_text(FILE)
    monkeypatch.chdir(folder)
    arguments = ["coordinator", "other.py", "--timeout", "0.001", "--believe"]
    refused = call(*arguments, "momentum ~ 1")
    assert refused.code == 78
    assert "the space has no parameter of that name; it has 'kind', 'lr'" in refused.err
    assert "other" not in {experiment.exp_key for experiment in filled.experiments()}
    call(*arguments, "lr ~ 0.5", "--believe", "kind ~ adam")
    experiment = filled.experiment("other")
    assert experiment.algorithm.options == {"believe": ["lr ~ 0.5", "kind ~ adam"]}
    assert Space.from_json(experiment.space).conditions.broken_by({"lr": 1.5, "kind": 0}) is not None
