"""The smaller modules: criteria, distributions, drawings, conditions, what is not here."""

import importlib

import numpy as np
import pytest
from scipy import integrate, stats

import hpsearch.hyperopt as hpo
from hpsearch.errors import ConfigurationError
from hpsearch.hyperopt import (
    STATUS_FAIL,
    STATUS_OK,
    Trials,
    criteria,
    fmin,
    graph_viz,
    hp,
    plotting,
    pyll_utils,
    rand,
    rdists,
)


@pytest.mark.parametrize("mean", [-3.0, 0.0, 2.0])
def test_the_expected_excess_is_its_integral(mean) -> None:
    density = stats.norm(mean, np.sqrt(2.0)).pdf
    expected = integrate.quad(lambda x: (x - 0.5) * density(x), 0.5, mean + 30)[0]
    assert criteria.EI_gaussian(mean, 2.0, 0.5) == pytest.approx(expected, rel=1e-6)
    assert criteria.logEI_gaussian(mean, 2.0, 0.5) == pytest.approx(np.log(expected), rel=1e-6)
    sampled = criteria.EI_gaussian_empirical(mean, 2.0, 0.5, np.random.default_rng(0), 200_000)
    assert sampled == pytest.approx(expected, rel=0.1)
    assert criteria.UCB(mean, 4.0, 3.0) == mean + 6


def test_the_log_of_the_expected_excess_is_smooth_and_finite_far_below() -> None:
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
def test_the_masses_of_a_grid_are_the_frequencies_of_draws(distribution, grid) -> None:
    mass = distribution.pmf(grid)
    assert mass.sum() == pytest.approx(1, abs=1e-6)
    assert distribution.pmf(grid + 0.1).sum() == 0
    drawn = distribution.rvs((50, 100), random_state=0)
    assert drawn.shape == (50, 100)
    frequencies = [np.isclose(drawn, value).mean() for value in grid]
    assert frequencies == pytest.approx(mass, abs=0.03)
    assert np.exp(distribution.logpmf(grid)) == pytest.approx(mass)


def test_the_continuous_ones_have_logarithms_as_arguments() -> None:
    assert rdists.loguniform_gen(-2, 3).cdf(np.exp(0.5)) == pytest.approx(0.5)
    assert rdists.lognorm_gen(1.0, 2.0).cdf(np.exp(3.0)) == pytest.approx(stats.norm.cdf(1))


SHARED = hp.uniform("x", 0, 1)
NESTED = {"c": hp.choice("c", [1, {"x": SHARED, "d": hp.choice("d", [SHARED, hp.normal('"n"', 0, 1)])}])}


def test_a_drawing_has_every_parameter_below_its_options() -> None:
    lines = graph_viz.dot_hyperparameters(NESTED).splitlines()
    assert lines[0] == "digraph {"
    assert lines[-1] == "}"
    assert {'"c" -> "c=1";', '"c=1" -> "x";', '"d=1" -> "\\"n\\"";', '"c=1" [shape=ellipse];'} <= set(lines)
    assert len(lines) == len(set(lines))


def test_conditions_are_paths_of_options() -> None:
    hps = {}
    pyll_utils.expr_to_config(NESTED, (pyll_utils.EQ("above", 2),), hps)
    above, in_c = pyll_utils.Cond("above", 2), pyll_utils.EQ("c", 1)
    assert hps["c"]["conditions"] == {(above,)}
    assert hps["x"]["conditions"] == {(above, in_c)}
    assert hps['"n"']["conditions"] == {(above, in_c, pyll_utils.EQ("d", 1))}
    assert (hps["x"]["node"].name, hps["x"]["label"]) == ("uniform", "x")
    assert pyll_utils.hp_choice is hp.choice


@pytest.mark.parametrize(
    "make", [hpo.SparkTrials, hpo.ipy.IPythonTrials, lambda *args: hpo.atpe.suggest([0], None, None, 0)]
)
def test_what_is_not_here_says_what_to_use_instead(make) -> None:
    with pytest.raises(ConfigurationError, match="; use "):
        make(4)


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    plt = importlib.import_module("matplotlib.pyplot")
    yield plt
    plt.close("all")


@pytest.fixture
def trials():
    results = iter(
        [
            {"status": STATUS_FAIL, "loss": 3.0},
            {"status": STATUS_OK, "loss": np.nan},
            {"status": STATUS_FAIL},
            *(
                {"status": STATUS_OK, "loss": float(i), "attachments": {"curve": [i, i + 1]}}
                for i in (4, 2, 3)
            ),
        ]
    )
    made = Trials()
    space = {"lr_log": hp.loguniform("lr_log", -5, 0), "c": hp.choice("c", [0, hp.uniform("y", 0, 1)])}
    fmin(lambda config: next(results), space, rand.suggest, 6, trials=made, rstate=0, verbose=False)
    return made


def test_the_history_has_a_point_for_each_loss_and_a_line_of_the_best(pyplot, trials) -> None:
    axes = plotting.main_plot_history(trials, do_show=False).axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[0, 3], [3, 4], [4, 2], [5, 3]]
    assert list(axes.lines[0].get_ydata()) == [4, 2, 2]
    assert axes.get_title() == "Loss History"


def test_the_histogram_counts_good_losses(pyplot, trials) -> None:
    axes = plotting.main_plot_histogram(trials, do_show=False, title="t").axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 3


def test_each_parameter_has_a_panel_and_log_labels_a_log_axis(pyplot, trials) -> None:
    figure = plotting.main_plot_vars(trials, do_show=False, colorize_best=1, columns=2)
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert panels.keys() == {"lr_log", "c", "y"}
    assert panels["lr_log"].get_yscale() == "log"
    assert panels["c"].get_yscale() == "linear"
    assert [x for x, _ in panels["c"].collections[0].get_offsets()] == [3, 4, 5]
    pyplot.clf()
    figure = plotting.main_plot_vars(trials, do_show=False, arrange_by_loss=True)
    assert [x for x, _ in figure.axes[0].collections[0].get_offsets()] == [4, 2, 3]


def test_attachments_are_lines_the_best_the_darkest(pyplot, trials) -> None:
    axes = plotting.main_plot_1D_attachment(
        trials, "curve", do_show=False, preprocessing_fn=lambda c: c * 2
    ).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == [[4, 5, 4, 5], [2, 3, 2, 3], [3, 4, 3, 4]]
    greys = [line.get_color()[0] for line in axes.lines]
    assert greys[1] < greys[2] < greys[0]
    pyplot.clf()
    assert (
        len(plotting.main_plot_1D_attachment(trials, "curve", do_show=False, num_trails=2).axes[0].lines) == 2
    )
