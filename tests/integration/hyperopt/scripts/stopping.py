"""Budgets, thresholds, early stopping, initial points, and continuing."""

import functools
import os
import pickle
import tempfile

import numpy as np
from hyperopt import Trials, anneal, fmin, hp, mix, partial, rand, space_eval, tpe
from hyperopt.early_stop import no_progress_loss
from hyperopt.fmin import generate_trials_to_calculate

SPACE = {"x": hp.uniform("x", 0, 9), "c": hp.choice("c", ["a", "b"])}
quiet = {"verbose": False, "rstate": np.random.default_rng(5)}


def run(losses, **keywords):
    losses, trials = iter(losses), keywords.pop("trials", None)
    trials = Trials() if trials is None else trials
    fmin(
        lambda config: next(losses),
        SPACE,
        keywords.pop("algo", rand.suggest),
        trials=trials,
        **{**quiet, "max_evals": 30, **keywords},
    )
    return len(trials)


print(
    run([3, 2, 1, 0] + [9] * 30, loss_threshold=1),
    run([1.0] * 40, loss_threshold=1.0),
    run([5.0] * 9, max_evals=7),
)
print([run(range(100), early_stop_fn=no_progress_loss(n)) for n in (1, 3, 10)])
print(
    [
        run([9, 8, 7.9, 7.8, 7.7, 7.6] + [7.5] * 30, early_stop_fn=no_progress_loss(4, percent))
        for percent in (0, 5, 20)
    ]
)
print([run(-np.arange(50.0), early_stop_fn=no_progress_loss(4, percent)) for percent in (0, 50)])
print(run([0] * 9, max_evals=2), run([0] * 9, max_evals=5, max_queue_len=3))

calls = []
run(
    [1] * 9,
    max_evals=4,
    early_stop_fn=lambda trials, *args: (calls.append((len(trials), args)), (len(calls) > 2, [len(calls)]))[
        1
    ],
)
print(calls)

trials = Trials()
print(
    run([1] * 9, trials=trials, max_evals=3),
    run([1] * 9, trials=trials, max_evals=5),
    run([], trials=trials, max_evals=5),
)
loaded = pickle.loads(pickle.dumps(trials))
print(run([1] * 9, trials=loaded, max_evals=7), loaded.tids)

path = os.path.join(tempfile.mkdtemp(), "saved.pkl")
count = []
for total in (3, 5):
    fmin(
        lambda config: count.append(1) or config["x"],
        SPACE,
        rand.suggest,
        total,
        trials_save_file=path,
        **quiet,
    )
    print(len(count), len(pickle.load(open(path, "rb"))))

points = [{"x": 1.0, "c": 0}, {"x": 2.0, "c": 1}]
seen = []
fmin(
    lambda config: seen.append(config) or config["x"],
    SPACE,
    rand.suggest,
    3,
    points_to_evaluate=points,
    **quiet,
)
print(seen[:2], len(seen))
trials = generate_trials_to_calculate(points)
print(len(trials), trials._dynamic_trials[1]["misc"]["vals"], trials._dynamic_trials[1]["state"])
best = fmin(lambda config: -config["x"], SPACE, rand.suggest, 2, trials=trials, **quiet)
print(len(trials), trials.losses()[:2], trials.tids)

for algo in (
    functools.partial(
        tpe.suggest, n_startup_jobs=5, n_EI_candidates=12, gamma=0.3, prior_weight=0.8, verbose=False
    ),
    functools.partial(anneal.suggest, avg_best_idx=3.0, shrink_coef=0.2),
    partial(mix.suggest, p_suggest=[(0.3, rand.suggest), (0.7, tpe.suggest)]),
):
    best = fmin(lambda config: (config["x"] - 4) ** 2, SPACE, algo, 40, **quiet)
    print(sorted(best), abs(best["x"] - 4) < 2, space_eval(SPACE, best)["c"] in "ab")
for wrong in (
    {"max_evals": 2.5},
    {"max_evals": 0},
    {"timeout": -1},
    {"timeout": True},
    {"loss_threshold": "a"},
):
    try:
        run([1] * 9, **wrong)
    except Exception as error:
        print(wrong, isinstance(error, TypeError))
