"""The problems of ``scripts/bench/quality.py``."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

import numpy as np
import pytest
from problems import suites
from problems.families import FAMILIES, make
from problems.problem import Problem
from problems.space import Choice, decode, expression, leaves, sample

from hpsearch import hp
from hpsearch.space.tree import Space

#: Medians of the losses of 20 random configurations: a name always means the same function.
MEDIANS: Mapping[str, float] = {
    "valley:0": 1174.21347,
    "ripples:1": 5.39246371,
    "bowl:0": 24.4294722,
    "few:1": 0.897653908,
    "noisy:0": 0.57811341,
    "options:0": 0.475128742,
    "rounded:1": 1.06108669,
    "tails:0": 10.7738625,
    "training:1": 0.952098781,
    "memory:0": 1.31749881,
    "pipeline:0": 0.554496957,
    "bbob:10:5:1": 6750040.73,
    "mixbbob:8:6:1": 198623.657,
    "classic:hartmann6:0": -0.103147793,
    "classic:branin:1": 35.4447978,
    "lowdim:1": -0.39557835,
    "sparse:50:hartmann6:1": -0.218269365,
    "decay:20:1": 0.263057843,
    "lrplateau:1": 2.29500225,
    "cliff:1": 0.964234345,
    "tree:1": 2.15453848,
    "cashx:1": 0.981533311,
    "catnk:1": 0.499497248,
    "bigcat:10:20:1": 0.647189712,
    "priors:1": 3.56161277,
    "steps:1": 11.6493259,
    "hpob_mlp:phoneme": 0.160213269,
    "fcnet:protein_structure": 0.427961826,
    "nb201:cifar10": 0.11997667,
    "yahpo:lcbench:7593:val_cross_entropy": 1.09243505,
    "yahpo:rbv2_xgboost:1489:auc": 0.222992201,
    "yahpo:rbv2_rpart:41163:acc": 0.400910125,
    "wrap:tail:1:classic:hartmann6:0": 2.6373554e09,
    "wrap:plateau:100:classic:hartmann6:0": 0.88,
    "wrap:fail:0.6:classic:levy4:1": 27.741771,
    "wrap:neg:1:classic:camel:2": 0.0457476811,
}
LIVE = ("cash:iris", "svm:iris", "rf:diabetes", "gb:diabetes", "npmlp:iris")

HAS_COCO = importlib.util.find_spec("cocoex") is not None


def losses(problem: Problem, n: int) -> list[float | None]:
    """Return the losses of random configurations."""
    rng = np.random.default_rng(1)
    return [problem.loss(sample(problem.space, rng)) for _ in range(n)]


@pytest.mark.parametrize("name", MEDIANS)
def test_a_name_always_means_the_same_function_and_no_loss_is_below_the_optimum(name: str) -> None:
    if "bbob" in name and not HAS_COCO:
        pytest.skip("coco-experiment is not installed")
    problem = make(name)
    reached = [loss for loss in losses(problem, 20) if loss is not None]
    assert np.median(reached) == pytest.approx(MEDIANS[name], rel=1e-6)
    assert min(reached) >= (-np.inf if problem.optimum is None else problem.optimum - 1e-12)


@pytest.mark.parametrize("name", LIVE)
def test_trained_models_have_finite_losses(name: str) -> None:
    pytest.importorskip("sklearn")
    reached = [loss for loss in losses(make(name), 3) if loss is not None]
    assert reached
    assert np.isfinite(reached).all()


@pytest.mark.parametrize("name", ["training:1", "memory:0", "lrplateau:1", "cliff:1", "wrap:fail:0.6:few:0"])
def test_some_points_fail_in_families_about_failures_but_not_all(name: str) -> None:
    found = losses(make(name), 60)
    assert 0 < found.count(None) < 50


@pytest.mark.parametrize("name", ["tree:3", "cashx:2", "priors:1", "steps:1", "training:0"])
def test_our_values_and_the_declared_space_give_the_same_configurations(name: str) -> None:
    problem, rng = make(name), np.random.default_rng(0)
    space = Space(expression(problem.space, hp))
    assert {parameter.label for parameter in space.parameters} == {
        label for label, _ in leaves(problem.space)
    }
    for _ in range(20):
        values = space.sample(rng)
        config = decode(problem.space, values)
        assert set(config) == set(values)
        for label, parameter in leaves(problem.space):
            if label in config and not isinstance(parameter, Choice):
                assert config[label] == pytest.approx(values[label])


def test_noise_is_added_to_the_loss_and_some_trials_fail_by_chance() -> None:
    rng = np.random.default_rng(0)
    for name in ("few:0~0.5", "wrap:noise:1:few:0", "wrap:het:1:few:0"):
        noise = make(name).noise
        assert noise is not None
        assert len({noise(1.0, rng) for _ in range(5)}) == 5
    flaky = make("wrap:flaky:0.4:few:0").noise
    assert flaky is not None
    assert {flaky(1.0, rng) for _ in range(50)} == {1.0, None}


@pytest.mark.parametrize("name", ["nothing:1", "tree", "tree:1:2:3"])
def test_a_wrong_name_is_refused_with_what_there_is(name: str) -> None:
    with pytest.raises(ValueError, match=r"no such family|is named tree:INSTANCE:DEPTH"):
        make(name)


@pytest.mark.parametrize("name", suites.suite_names())
def test_suites_name_problems_of_known_families(name: str) -> None:
    suite = suites.load(name)
    assert suite.n_evals > 0
    for problem in suite.kinds:
        family = problem.split(":", 3)[-1] if problem.startswith("wrap:") else problem
        assert family.partition(":")[0] in FAMILIES
