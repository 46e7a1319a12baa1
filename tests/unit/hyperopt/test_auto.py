"""``auto`` with Hyperopt's protocol."""

from __future__ import annotations

import numpy as np

import hpsearch
from hpsearch.hyperopt import Trials, fmin, hp
from hpsearch.hyperopt.mongo.algorithm import algorithm_of

SPACE = {"x": hp.uniform("x", -5, 5), "c": hp.choice("c", [0, hp.uniform("y", -5, 5)])}


def objective(config: dict[str, float]) -> float:
    return (config["x"] - 1) ** 2 + (config["c"] + 2) ** 2


def searched(n: int, trials: Trials) -> Trials:
    rstate = np.random.default_rng(3)
    fmin(objective, SPACE, hpsearch.auto.suggest, n, trials=trials, rstate=rstate, show_progressbar=False)
    return trials


def test_fmin_finds_the_optimum_of_a_nested_space_within_fifty_trials() -> None:
    assert searched(50, Trials()).best_trial["result"]["loss"] < 0.01


def test_any_coordinator_can_continue_an_experiment_with_auto() -> None:
    assert algorithm_of(hpsearch.auto.suggest).name == "auto"
