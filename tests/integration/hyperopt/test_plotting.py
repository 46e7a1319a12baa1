"""The plots of ``plotting``."""

import importlib
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy import dtype, float64, ndarray

from hpsearch.errors import LoadError
from hpsearch.hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, plotting, rand


@pytest.fixture
def pyplot() -> Iterator[Any]:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    plt = importlib.import_module("matplotlib.pyplot")
    yield plt
    plt.close("all")


@pytest.fixture
def trials() -> Trials:
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


def test_the_history_shows_each_loss_and_the_best_so_far(pyplot: Any, trials: Trials) -> None:
    axes = plotting.main_plot_history(trials, do_show=False).axes[0]
    assert axes.collections[0].get_offsets().tolist() == [[0, 3], [3, 4], [4, 2], [5, 3]]
    assert list(axes.lines[0].get_ydata()) == [4, 2, 2]
    assert axes.get_title() == "Loss History"


def test_the_histogram_counts_losses_of_ok_trials(pyplot: Any, trials: Trials) -> None:
    axes = plotting.main_plot_histogram(trials, do_show=False, title="t").axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 3


def test_a_few_huge_losses_are_drawn_at_the_edge(pyplot: Any) -> None:
    losses = iter([*(i / 10 for i in range(1, 20)), 1e9])
    trials = Trials()
    fmin(lambda x: next(losses), hp.uniform("x", 0, 1), rand.suggest, 20, trials=trials, verbose=False)
    axes = plotting.main_plot_history(trials, do_show=False).axes[0]
    assert axes.get_ylim()[1] < 3
    assert axes.get_title(loc="right") == "1 above 1.9"
    pyplot.clf()
    axes = plotting.main_plot_histogram(trials, do_show=False).axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == 20
    assert axes.get_xlim()[1] < 3


def test_each_parameter_has_a_panel_and_log_labels_have_a_log_axis(pyplot: Any, trials: Trials) -> None:
    figure = plotting.main_plot_vars(trials, do_show=False, colorize_best=1, columns=2)
    panels = {axes.get_title(): axes for axes in figure.axes}
    assert panels.keys() == {"lr_log", "c", "y"}
    assert panels["lr_log"].get_yscale() == "log"
    assert panels["c"].get_yscale() == "linear"
    assert [label.get_text() for label in panels["c"].get_yticklabels()] == ["0", "y"]
    assert [x for x, _ in panels["c"].collections[0].get_offsets()] == [3, 4, 5]
    pyplot.clf()
    figure = plotting.main_plot_vars(trials, do_show=False, arrange_by_loss=True)
    assert [x for x, _ in figure.axes[0].collections[0].get_offsets()] == [4, 2, 3]


def test_attachments_are_lines_and_the_best_is_the_darkest(pyplot: Any, trials: Trials) -> None:
    axes = plotting.main_plot_1D_attachment(
        trials, "curve", do_show=False, preprocessing_fn=lambda c: c * 2
    ).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == [[8, 10], [4, 6], [6, 8]]
    greys = [line.get_color()[0] for line in axes.lines]
    assert greys[1] < greys[2] < greys[0]
    pyplot.clf()
    axes = plotting.main_plot_1D_attachment(trials, "curve", do_show=False, num_trails=2).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == [[2, 3], [3, 4]]


def with_attachments(*blobs: Any) -> Trials:
    made = Trials()
    results = iter([{"status": STATUS_OK, "loss": 1.0, "attachments": {"curve": blob}} for blob in blobs])
    fmin(lambda x: next(results), hp.uniform("x", 0, 1), rand.suggest, len(blobs), trials=made, verbose=False)
    return made


def test_all_formats_of_sequences_are_drawn_and_other_shapes_are_skipped(pyplot: Any) -> None:
    blobs = [b"[1, 2.5]", "1 2.5", saved(np.array([[3.0, 4.0]])), [5, 6], saved(np.zeros((2, 2))), b"7"]
    axes = plotting.main_plot_1D_attachment(with_attachments(*blobs), "curve", do_show=False).axes[0]
    assert [list(line.get_ydata()) for line in axes.lines] == [[1, 2.5], [1, 2.5], [3, 4], [5, 6]]


def test_an_attachment_that_cannot_be_drawn_is_named_with_its_trial(pyplot: Any) -> None:
    trials = with_attachments(b"[1, 2]", b"\x89PNG\r\n")
    with pytest.raises(
        LoadError, match=r"attachment 'curve' of trial 1 cannot be drawn: It is 6 bytes of an unknown format;"
    ):
        plotting.main_plot_1D_attachment(trials, "curve", do_show=False)


def saved(array: ndarray[tuple[int, int], dtype[float64]] | ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()
