"""Plots: each function draws on the current figure; the output of Hyperopt is ignored."""

import contextlib
import io
import json
import pickle

import matplotlib

matplotlib.use("Agg")
import hyperopt.plotting
import matplotlib.pyplot as plt
from hyperopt import Trials, fmin, hp, plotting, rand
from hyperopt.plotting import main_plot_histogram, main_plot_history, main_plot_vars

# Hyperopt unpickles attachments; hpsearch never does.
encoded = json.dumps if plotting.__name__.startswith("hpsearch") else pickle.dumps
space = {
    "x": hp.uniform("x", -3, 3),
    "lr_log": hp.loguniform("lr_log", -5, 0),
    "c": hp.choice("c", ["a", {"k": hp.randint("k", 4)}]),
}
trials = Trials()
fmin(
    lambda c: {"loss": c["x"] ** 2, "status": "ok", "attachments": {"curve": encoded([1.0, c["x"]])}},
    space,
    rand.suggest,
    20,
    trials=trials,
    verbose=False,
)


def drawn(plot, *arguments, **keywords):
    plt.clf()
    with contextlib.redirect_stdout(io.StringIO()):
        plot(*arguments, **keywords)
    return plt.gcf().axes


print(len(drawn(main_plot_history, trials, do_show=False)))
print(drawn(main_plot_history, trials, False, title="history")[0].get_title())
(axes,) = drawn(main_plot_histogram, trials, do_show=False, title="losses")
print(axes.get_title(), sum(patch.get_height() for patch in axes.patches))
for options in ({}, {"colorize_best": 3, "columns": 2}, {"arrange_by_loss": True, "fontsize": 8}):
    panels = drawn(main_plot_vars, trials, do_show=False, **options)
    print(sorted(panel.get_title() for panel in panels))
    print(
        [
            len(panel.collections[0].get_offsets())
            for panel in panels
            if panel.get_title() in ("x", "c", "lr_log")
        ]
    )
for options, n in (({}, 20), ({"num_trails": 4}, 4), ({"colorize_by_loss": False}, 20)):
    (axes,) = drawn(plotting.main_plot_1D_attachment, trials, "curve", do_show=False, **options)
    print(len(axes.lines) == n, axes.get_title())
print(hyperopt.plotting is plotting)
