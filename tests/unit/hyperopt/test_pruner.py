"""The argument ``pruner`` of ``fmin`` in one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hpsearch
from hpsearch import hp
from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, rand, tpe
from hpsearch.hyperopt.base import Domain
from hpsearch.hyperopt.engine.pruning import pruner_of

SPACE = {"x": hp.uniform("x", 0, 1)}
N_STEPS = 27


def train(config: dict[str, Any]) -> float:
    """Fall from 1 to ``x`` in 27 steps, and stop when asked to."""
    trial = hpsearch.current_trial()
    value = 1.0
    for step in range(1, N_STEPS + 1):
        value = config["x"] + (1 - config["x"]) * float(np.exp(-step / 6))
        trial.report(step, value)
        if trial.should_stop():
            raise hpsearch.Pruned
    return value


def searched(pruner: Any, n: int = 30, algo: Callable[..., Any] = rand.suggest, **options: Any) -> Trials:
    trials = options.pop("trials", Trials())
    fmin(
        train, SPACE, algo=algo, max_evals=n, trials=trials, pruner=pruner, rstate=np.random.default_rng(1),
        show_progressbar=False, **options,
    )  # fmt: skip
    return trials


def pruned(trials: Trials) -> list[dict[str, Any]]:
    return [doc["result"] for doc in trials.trials if doc["result"].get("pruned")]


@pytest.mark.parametrize("rule", ["auto", "median", "asha", {"name": "hyperband", "max_resource": N_STEPS}])
def test_a_pruner_stops_bad_trials_and_says_why(rule: Any) -> None:
    trials = searched(rule)

    stopped = pruned(trials)
    assert len(trials) == 30
    assert 5 < len(stopped) < 30
    assert {result["status"] for result in stopped} == {STATUS_FAIL}
    assert all(result["message"].startswith("at step ") and result["step"] < N_STEPS for result in stopped)
    full = [doc for doc in trials.trials if doc["result"]["status"] == STATUS_OK]
    best = min(doc["misc"]["vals"]["x"][0] for doc in trials.trials)
    assert (
        trials.best_trial["misc"]["vals"]["x"][0] == min(doc["misc"]["vals"]["x"][0] for doc in full) == best
    )


def test_algorithms_learn_the_predicted_losses_of_stopped_trials() -> None:
    trials = searched("auto", algo=tpe.suggest)

    forecasts = trials.pruning.forecasts
    assert forecasts.keys() == {doc["tid"] for doc in trials.trials if doc["result"].get("pruned")}
    assert all(forecast.loss >= trials.best_trial["result"]["loss"] for forecast in forecasts.values())
    domain = Domain(train, SPACE)
    domain.pruning = trials.pruning
    history, _ = domain.observed(trials)
    assert np.isfinite(history.losses).all()
    assert np.isnan(history.measured).sum() == len(forecasts)


def test_the_same_seed_stops_the_same_trials() -> None:
    first, second = (searched("auto", algo=tpe.suggest) for _ in range(2))
    assert pruned(first)
    assert pruned(first) == pruned(second)


def test_what_was_learned_is_kept_for_the_next_call_with_the_same_trials() -> None:
    trials = searched("asha", n=20)
    known = trials.pruning
    searched("asha", n=21, trials=trials)
    assert trials.pruning is known
    searched("median", n=22, trials=trials)
    assert trials.pruning is not known


def test_without_a_pruner_nothing_stops_and_an_objective_may_still_stop_itself() -> None:
    def gives_up(config: dict[str, Any]) -> float:
        assert not hpsearch.current_trial().should_stop()
        if config["x"] > 0.5:
            raise hpsearch.Pruned("too large")
        return float(config["x"])

    trials = Trials()
    fmin(gives_up, SPACE, algo=rand.suggest, max_evals=20, trials=trials, show_progressbar=False)
    assert {result["message"] for result in pruned(trials)} == {"too large"}
    assert trials.best_trial["result"]["loss"] <= 0.5


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("ashaa", "did you mean 'asha'"),
        ({"eta": 3}, "needs a name"),
        ({"name": "asha", "eta": 0}, "eta"),
        ({"name": "asha", "etta": 4}, "etta"),
        ({"name": "auto", "mode": "stop"}, "ask or kill"),
        ({"name": "auto", "max_resource": -1}, "max-resource"),
        ({"name": "auto", "mode": "kill"}, "MongoTrials"),
    ],
)
def test_an_invalid_pruner_is_refused_before_anything_is_evaluated(given: Any, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        searched(given)


def test_settings_are_told_from_options() -> None:
    pruner = pruner_of({"name": "asha", "eta": 4, "max_resource": 81, "min_resource": 3, "mode": "kill"})
    assert (pruner.options, pruner.max_resource, pruner.min_resource) == ({"eta": 4}, 81, 3)
    assert not pruner_of("none").is_on
    assert not pruner_of(None).is_on


def test_trials_that_a_library_evaluates_have_no_pruner() -> None:
    class Elsewhere(Trials):
        asynchronous = True

    with pytest.raises(ConfigurationError, match="MongoTrials"):
        searched("auto", trials=Elsewhere(), allow_trials_fmin=False)
