"""Return values of objectives, and failures."""

import math

import numpy as np
from hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, rand


def attempt(returned, **keywords):
    trials = Trials()
    try:
        fmin(
            lambda x: returned,
            hp.uniform("x", 0, 1),
            rand.suggest,
            2,
            trials=trials,
            verbose=False,
            **keywords,
        )
    except Exception as error:
        print(type(error).__name__, len(trials), [doc["state"] for doc in trials._dynamic_trials])
    else:
        print(trials.results, trials.losses(), trials.statuses())


for value in (
    1,
    2.5,
    True,
    np.float64(3),
    -math.inf,
    {"status": "ok", "loss": 1, "k": {"a": 1}},
    [("status", "ok"), ("loss", 2)],
):
    attempt(value)
for value in (
    None,
    "abc",
    {},
    {"loss": 1},
    {"status": "done"},
    {"status": "ok"},
    {"status": "ok", "loss": None},
    1j,
):
    attempt(value)
attempt({"status": "fail"})
attempt({"status": "fail"}, return_argmin=False)
attempt(math.nan)

results = iter(
    [
        {"status": STATUS_FAIL, "loss": -9.0},
        {"status": STATUS_OK, "loss": math.nan},
        {"status": STATUS_OK, "loss": 5.0},
    ]
)
trials = Trials()
fmin(lambda x: next(results), hp.uniform("x", 0, 1), rand.suggest, 3, trials=trials, verbose=False)
print(trials.best_trial["tid"], trials.statuses(), [doc["state"] for doc in trials])

values = iter([0, 1, 0, 2])
trials = Trials()
fmin(
    lambda x: 1 / next(values),
    hp.uniform("x", 0, 1),
    rand.suggest,
    4,
    trials=trials,
    catch_eval_exceptions=True,
    verbose=False,
)
print(len(trials), trials.losses(), [doc["misc"].get("error") for doc in trials._dynamic_trials], trials.tids)

variances = iter([(3.0, 0.0, 7.0), (1.0, 0.0, 8.0)])


def noisy(x):
    loss, variance, true = next(variances)
    return {
        "status": "ok",
        "loss": loss,
        "loss_variance": variance,
        "true_loss": true,
        "attachments": {"a": b"blob"},
    }


trials = Trials()
fmin(noisy, hp.uniform("x", 0, 1), rand.suggest, 2, trials=trials, verbose=False)
print(trials.average_best_error(), trials.attachments, "attachments" in trials.results[0])
print(trials.trial_attachments(trials.trials[1])["a"], "b" in trials.trial_attachments(trials.trials[1]))
