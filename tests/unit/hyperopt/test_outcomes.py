"""Several objectives and limits of ``fmin`` in this process."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest

from hpsearch import Trials, fmin, hp, tpe
from hpsearch.errors import ConfigurationError, HpsearchWarning
from hpsearch.hyperopt.exceptions import AllTrialsFailed, InvalidOutcome

SPACE = {"x": hp.uniform("x", 0, 1)}
TWO = {"error": "min", "accuracy": "max"}


def search(objective: Any, trials: Trials, **arguments: Any) -> Any:
    return fmin(
        objective, SPACE, algo=tpe.suggest, trials=trials, rstate=1, verbose=False,
        **{"max_evals": 12, **arguments},
    )  # fmt: skip


def two(config: dict[str, float]) -> dict[str, Any]:
    x = config["x"]
    return {"losses": {"error": x, "accuracy": math.sqrt(x)}, "gb": 10 * x, "size": 3}


def test_several_objectives_give_a_front_and_its_knee_with_a_warning() -> None:
    trials = Trials()
    with pytest.warns(HpsearchWarning, match="the knee of a front of"):
        argmin = search(two, trials, objectives=TWO, limits={"gb": "<= 5"})
    errors = [doc["result"]["losses"]["error"] for doc in trials.front]
    assert errors == sorted(errors)
    assert all(doc["result"]["feasible"] and doc["result"]["gb"] <= 5 for doc in trials.front)
    assert [argmin] == [
        {"x": doc["misc"]["vals"]["x"][0]} for doc in trials.front if doc is trials.best_trial
    ]
    assert any(not doc["result"]["feasible"] for doc in trials.trials)
    assert trials.losses() == [None] * 12
    assert len(pickle.loads(pickle.dumps(trials)).front) == len(trials.front)


def test_the_best_trial_keeps_the_limits() -> None:
    trials = Trials()
    argmin = search(lambda c: {"loss": -c["x"], "constraints": [c["x"] - 0.5]}, trials, limits={"c0": ""})
    kept = [doc["result"]["loss"] for doc in trials.trials if doc["result"]["feasible"]]
    assert -argmin["x"] == trials.best_trial["result"]["loss"] == min(kept) > -0.5
    with pytest.raises(ConfigurationError, match="one objective, so there is no front"):
        assert trials.front


def test_one_number_of_the_result_is_maximised() -> None:
    trials = Trials()
    argmin = search(lambda c: {"accuracy": c["x"]}, trials, objectives={"accuracy": "max"})
    assert argmin["x"] == max(doc["misc"]["vals"]["x"][0] for doc in trials.trials)
    assert trials.best_trial["result"]["loss"] == -argmin["x"]


def test_without_a_feasible_trial_the_closest_one_is_named() -> None:
    with pytest.raises(AllTrialsFailed, match=r"None of 3 trials keeps all limits; trial \d comes closest"):
        search(two, Trials(), objectives=TWO, limits={"size": "<= 2"}, max_evals=3)


def test_a_missing_objective_is_named_and_nan_fails_the_trial() -> None:
    with pytest.raises(InvalidOutcome, match="no 'accuracy', which the search has declared"):
        search(lambda c: {"error": c["x"]}, Trials(), objectives=TWO)
    trials = Trials()
    with pytest.raises(AllTrialsFailed):
        search(lambda _: {"error": math.nan, "accuracy": 1.0}, trials, objectives=TWO, max_evals=2)
    assert [doc["result"]["message"] for doc in trials.trials] == ["The error is not a number (NaN)."] * 2


def test_what_needs_one_objective_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="loss_threshold needs one objective"):
        search(two, Trials(), objectives=TWO, loss_threshold=0.1)
    with pytest.raises(ConfigurationError, match="is not NAME:min or NAME:max"):
        search(two, Trials(), objectives={"error": "minimise"})
    with pytest.raises(ConfigurationError, match="is an equality"):
        search(two, Trials(), limits={"gb": "== 3"})
