"""The marginal effect of each parameter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.core.history import History
from hpsearch.report.numbers.effects import Effect, marginal_effects
from hpsearch.report.numbers.importance import loss_surrogate
from hpsearch.space.tree import Space
from hpsearch.suggest.protocol import trial_rng
from tests.support.histories import history
from tests.support.sensitivity import FLAT, NESTED, random_search


def of(trials: History) -> dict[str, Effect]:
    found = marginal_effects(loss_surrogate(trials), np.random.default_rng(0))
    return {effect.label: effect for effect in found}


def test_the_effect_of_a_number_is_its_part_of_the_loss() -> None:
    effect = of(random_search(FLAT, 100))["x"]
    expected = 1.1 * (effect.values - 0.3) ** 2
    assert effect.mean - effect.mean.min() == pytest.approx(expected - expected.min(), abs=0.05)
    assert (effect.low <= effect.mean).all()
    assert (effect.mean <= effect.high).all()
    assert np.diff(effect.values).min() > 0
    assert (effect.values[0], effect.values[-1]) == (0.0, 1.0)


def test_the_effect_of_a_choice_has_a_mean_for_each_option() -> None:
    effect = of(random_search(FLAT, 100))["k"]
    assert effect.options == ("a", "b", "c", "d")
    assert effect.mean - effect.mean[0] == pytest.approx([0.0, 0.25, 0.5, 0.3], abs=0.05)


def test_a_conditional_parameter_is_judged_where_it_is_active() -> None:
    found = of(random_search(NESTED, 80))
    assert found["layers"].values.tolist() == [1, 2, 3, 4, 5]
    expected = 0.032 * (found["layers"].values - 3.5) ** 2
    mean = found["layers"].mean
    assert mean - mean.min() == pytest.approx(expected - expected.min(), abs=0.03)
    assert found["lr"].values[int(found["lr"].mean.argmin())] == pytest.approx(math.exp(-6), rel=0.5)


def test_a_band_is_wider_where_there_were_no_trials() -> None:
    space = Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)])
    drawn = [space.sample(trial_rng(0, i)) for i in range(40)]
    points = [{**point, "x": point["x"] / 2} for point in drawn]
    trials = history(space, points, [math.sin(6 * p["x"]) + p["y"] for p in points])
    effect = of(trials)["x"]
    width = effect.high - effect.low
    assert width[-5:].mean() > 3 * width[:15].mean()


def test_nothing_is_shown_where_the_model_cannot_be_trusted() -> None:
    assert marginal_effects(None, np.random.default_rng(0)) == ()
    trials = random_search(FLAT, 40)
    points = [dict(zip((p.label for p in FLAT.space.parameters), row, strict=True)) for row in trials.values]
    noise = history(FLAT.space, points, np.random.default_rng(3).random(40))
    assert of(noise) == {}
