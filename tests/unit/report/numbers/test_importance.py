"""The importance of parameters, compared with brute force on known functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.report.numbers.importance import (
    Importance,
    Method,
    branch_options,
    failure_importance,
    good_trial_importance,
    importance,
)
from hpsearch.space.tree import Space
from hpsearch.suggest.protocol import trial_rng
from tests.support.histories import history
from tests.support.sensitivity import (
    FLAT,
    INTERACTION,
    ISHIGAMI,
    NESTED,
    KnownFunction,
    auto_search,
    random_search,
)


def of(trials: History, **options: Any) -> Importance:
    return importance(trials, np.random.default_rng(0), **options)


def shares(found: Importance) -> dict[str, float]:
    return {p.label: p.share for p in found.parameters}


@pytest.mark.parametrize("function", [NESTED, FLAT, INTERACTION], ids=lambda f: f.name)
@pytest.mark.parametrize("search", ["auto", "random"])
def test_the_shares_are_those_of_brute_force_after_100_trials(function: KnownFunction, search: str) -> None:
    """Also after a search that has concentrated, of which PED-ANOVA says 0 for what matters most."""
    trials = auto_search(function) if search == "auto" else random_search(function, 100)
    found = of(trials)
    assert shares(found) == {label: pytest.approx(s, abs=0.03) for label, s in function.shares.items()}
    assert found.r2 > 0.9
    assert all(p.band < 0.08 for p in found.parameters)


@pytest.mark.parametrize(
    "trials", [auto_search(ISHIGAMI), random_search(ISHIGAMI, 200)], ids=["auto", "random"]
)
def test_the_shares_of_ishigamis_function_are_found(trials: History) -> None:
    """It oscillates: 100 random trials leave errors of 0.07 to 0.15, 200 of at most 0.07."""
    found = of(trials)
    assert shares(found) == {label: pytest.approx(s, abs=0.08) for label, s in ISHIGAMI.shares.items()}


def test_what_the_search_decided_early_is_important_but_not_common_to_the_best_alone() -> None:
    trials = auto_search(NESTED)
    assert shares(of(trials))["m"] > 0.4
    assert shares(good_trial_importance(trials))["m"] < 0.1


def test_parameters_that_act_together_are_named() -> None:
    found = {p.label: p for p in of(random_search(INTERACTION, 60)).parameters}
    assert found["a"].interacts_with == ("b",)
    assert found["b"].interacts_with == ("a",)
    assert found["a"].alone < 0.1 < found["a"].total
    assert found["e"].interacts_with == ()


def test_a_branch_is_judged_by_itself() -> None:
    trials = random_search(NESTED, 80)
    found = of(trials, within=branch_options(NESTED.space, "m", 1))
    assert found.within == "m=mlp"
    assert set(shares(found)) == {"lr", "layers", "drop"}
    assert shares(found)["lr"] == pytest.approx(0.71, abs=0.05)
    assert {p.label: p.branch for p in of(trials).parameters}["lr"] == "m=mlp"


@pytest.mark.parametrize("every", [40, 16])
def test_bad_losses_of_any_size_change_nothing(every: int) -> None:
    """Trials that diverge by chance must not decide everything, nor keep all else from being known."""
    trials = random_search(FLAT, 80)
    points = [dict(zip((p.label for p in FLAT.space.parameters), row, strict=True)) for row in trials.values]
    losses = trials.losses.tolist()
    spoiled = history(FLAT.space, points, [1e9 if i % every == 0 else loss for i, loss in enumerate(losses)])
    found = of(spoiled)
    assert shares(found) == {label: pytest.approx(s, abs=0.05) for label, s in FLAT.shares.items()}
    assert found.note.startswith(f"{80 // every} trials are left out: losses far above the others")


def test_losses_over_orders_of_magnitude_are_compared_by_their_logarithms() -> None:
    space = Space([hp.uniform("x", -8, 8), hp.uniform("y", 0, 1)])
    points = [space.sample(trial_rng(0, i)) for i in range(60)]
    found = of(history(space, points, [math.exp(point["x"]) * (1 + point["y"]) for point in points]))
    assert found.is_log
    assert shares(found)["x"] > 0.9
    assert 0 < found.span[0] < 0.02 < 500 < found.span[1]


@pytest.mark.parametrize("n", [0, 3, 9])
def test_few_trials_say_nothing(n: int) -> None:
    found = of(random_search(FLAT, n))
    assert found.parameters == ()
    assert found.note == f"Not enough is known yet: {n} of 10 trials have a loss."


def test_noise_says_nothing() -> None:
    space, rng = FLAT.space, np.random.default_rng(3)
    points = [space.sample(trial_rng(0, i)) for i in range(40)]
    found = of(history(space, points, rng.random(40)))
    assert found.parameters == ()
    assert "Not enough is known yet" in found.note


def test_equal_losses_say_nothing() -> None:
    points = [FLAT.space.sample(trial_rng(0, i)) for i in range(20)]
    assert of(history(FLAT.space, points, [1.0] * 20)).parameters == ()


def test_a_space_that_is_too_large_for_a_model_gets_the_other_method() -> None:
    space = Space([hp.uniform(f"x{i}", 0, 1) for i in range(61)])
    points = [space.sample(trial_rng(0, i)) for i in range(40)]
    found = of(history(space, points, [point["x0"] for point in points]))
    assert found.method is Method.GOOD_TRIALS
    assert found.parameters[0].label == "x0"
    assert "more than 60 parameters" in found.note


def test_the_parameter_that_makes_trials_fail_is_found() -> None:
    space = Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1), hp.choice("k", ["a", "b"])])
    points = [space.sample(trial_rng(0, i)) for i in range(100)]
    trials = history(space, points, [None if point["x"] > 0.7 else point["y"] for point in points])
    found = failure_importance(trials, np.random.default_rng(0))
    assert found.parameters[0].label == "x"
    assert found.parameters[0].share > 0.8
    assert failure_importance(random_search(FLAT, 50), np.random.default_rng(0)).parameters == ()


def test_a_long_search_is_represented_by_300_trials() -> None:
    found = of(random_search(FLAT, 1000))
    assert (found.n_used, found.n_trials) == (300, 1000)
    assert shares(found)["c"] == pytest.approx(FLAT.shares["c"], abs=0.03)
