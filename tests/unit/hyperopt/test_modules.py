"""The smaller modules: criteria, distributions, Graphviz, conditions, unsupported names."""

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

import hpsearch.hyperopt as hpo
from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt import (
    criteria,
    graph_viz,
    hp,
    pyll_utils,
    rdists,
)


@pytest.mark.parametrize("mean", [-3.0, 0.0, 2.0])
def test_expected_improvement_equals_its_integral(mean: float) -> None:
    density = stats.norm(mean, np.sqrt(2.0)).pdf
    expected = integrate.quad(lambda x: (x - 0.5) * density(x), 0.5, mean + 30)[0]
    assert criteria.EI_gaussian(mean, 2.0, 0.5) == pytest.approx(expected, rel=1e-6)
    assert criteria.logEI_gaussian(mean, 2.0, 0.5) == pytest.approx(np.log(expected), rel=1e-6)
    sampled = criteria.EI_gaussian_empirical(mean, 2.0, 0.5, np.random.default_rng(0), 200_000)
    assert sampled == pytest.approx(expected, rel=0.1)
    assert criteria.UCB(mean, 4.0, 3.0) == mean + 6


def test_log_expected_improvement_is_finite_far_below_the_threshold() -> None:
    z = np.array([-1.0, -99.999, -100.001, -1e6, 3.0])
    logs = criteria.logEI_gaussian(z, 1.0, 0.0)
    assert np.isfinite(logs).all()
    assert logs[1] - logs[2] == pytest.approx(0.002 * 100, rel=1e-3)
    assert logs[3] == pytest.approx(-5e11 - 2 * np.log(1e6) - np.log(2 * np.pi) / 2, rel=1e-12)
    assert np.exp(logs[[0, 4]]) == pytest.approx(criteria.EI_gaussian(z[[0, 4]], 1.0, 0.0))


@pytest.mark.parametrize(
    ("distribution", "grid"),
    [
        (rdists.quniform_gen(0, 10, 3), np.arange(-1, 5) * 3),
        (rdists.qloguniform_gen(-1, 2, 1), np.arange(-1, 10)),
        (rdists.qnormal_gen(1, 2, 0.5), np.arange(-40, 41) / 2),
        (rdists.qlognormal_gen(0, 1, 1), np.arange(-1, 400)),
    ],
)
def test_quantised_probabilities_match_the_frequencies_of_draws(distribution: Any, grid: Any) -> None:
    mass = distribution.pmf(grid)
    assert mass.sum() == pytest.approx(1, abs=1e-6)
    assert distribution.pmf(grid + 0.1).sum() == 0
    drawn = distribution.rvs((50, 100), random_state=0)
    assert drawn.shape == (50, 100)
    frequencies = [np.isclose(drawn, value).mean() for value in grid]
    assert frequencies == pytest.approx(mass, abs=0.03)
    assert np.exp(distribution.logpmf(grid)) == pytest.approx(mass)


def test_continuous_log_distributions_take_logarithms_as_arguments() -> None:
    assert rdists.loguniform_gen(-2, 3).cdf(np.exp(0.5)) == pytest.approx(0.5)
    assert rdists.lognorm_gen(1.0, 2.0).cdf(np.exp(3.0)) == pytest.approx(stats.norm.cdf(1))


SHARED = hp.uniform("x", 0, 1)
NESTED = {"c": hp.choice("c", [1, {"x": SHARED, "d": hp.choice("d", [SHARED, hp.normal('"n"', 0, 1)])}])}


def test_the_dot_graph_has_every_parameter_below_its_options() -> None:
    lines = graph_viz.dot_hyperparameters(NESTED).splitlines()
    assert lines[0] == "digraph {"
    assert lines[-1] == "}"
    assert {'"c" -> "c=1";', '"c=1" -> "x";', '"d=1" -> "\\"n\\"";', '"c=1" [shape=ellipse];'} <= set(lines)
    assert len(lines) == len(set(lines))


def test_conditions_are_paths_of_options() -> None:
    hps: dict[Any, Any] = {}
    pyll_utils.expr_to_config(NESTED, (pyll_utils.EQ("above", 2),), hps)
    above, in_c = pyll_utils.Cond("above", 2), pyll_utils.EQ("c", 1)
    assert hps["c"]["conditions"] == {(above,)}
    assert hps["x"]["conditions"] == {(above, in_c), (above, in_c, pyll_utils.EQ("d", 0))}
    assert hps['"n"']["conditions"] == {(above, in_c, pyll_utils.EQ("d", 1))}
    assert (hps["x"]["node"].name, hps["x"]["label"]) == ("uniform", "x")
    assert pyll_utils.hp_choice is hp.choice


@pytest.mark.parametrize(
    "make", [hpo.SparkTrials, hpo.ipy.IPythonTrials, lambda *args: hpo.atpe.suggest([0], None, None, 0)]
)
def test_unsupported_names_raise_an_error_with_the_alternative(make: Any) -> None:
    with pytest.raises(ConfigurationError, match="; use "):
        make(4)
