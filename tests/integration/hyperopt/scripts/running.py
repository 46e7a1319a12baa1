"""Ways to call fmin, and its output."""

import contextlib
import functools
import io
import logging
import time

import hyperopt
import hyperopt as ho
import numpy as np
from hyperopt import Trials, fmin, hp, pyll, rand, tpe
from hyperopt.pyll.stochastic import sample

logging.basicConfig(level=logging.CRITICAL)
space = {"x": hp.uniform("x", -1, 1), "y": hp.normal("y", 0, 2)}


# all kinds of objectives
def with_data(params, data, scale=1):
    return scale * params["x"] ** 2 + sum(data)


class Tuner:
    def __init__(self, space, max_evals):
        self.space, self.max_evals, self.trials, self.history = space, max_evals, Trials(), []

    def objective(self, params):
        self.history.append(params)
        return {"loss": params["x"] ** 2, "status": ho.STATUS_OK}

    def __call__(self, params):
        return self.objective(params)["loss"]

    def tune(self):
        return fmin(
            fn=self.objective,
            space=self.space,
            algo=ho.tpe.suggest,
            max_evals=self.max_evals,
            trials=self.trials,
            verbose=False,
        )


tuner = Tuner(space, 12)
print(sorted(tuner.tune()), len(tuner.history), len(tuner.trials))
print(sorted(fmin(tuner, space, ho.rand.suggest, 3, verbose=False)), len(tuner.history))
print(sorted(fmin(functools.partial(with_data, data=[1, 2], scale=3), space, rand.suggest, 3, verbose=False)))
print(sorted(fmin(lambda p: with_data(p, [0]), space, tpe.suggest, 25, verbose=False)))
print(
    fmin(
        fn=lambda args: args[0] + args[1],
        space=[hp.uniform("a", 0, 1), hp.randint("b", 3)],
        algo=rand.suggest,
        max_evals=5,
        verbose=0,
    ).keys()
    == {"a", "b"}
)
print(type(fmin(lambda args: args[0], (hp.uniform("a", 0, 1), 5), rand.suggest, 2, verbose=False)).__name__)
print(fmin(lambda c: c["n"], {"n": 5, "s": ["a", None]}, rand.suggest, 2, verbose=False))
print(sorted(Trials().fmin(lambda p: p["x"], space, algo=rand.suggest, max_evals=2)))

# progress options
for shown in (
    {},
    {"verbose": True},
    {"verbose": 1},
    {"show_progressbar": False},
    {"verbose": False, "show_progressbar": True},
):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        best = fmin(lambda p: p["x"], space, rand.suggest, 2, **shown)
    print(sorted(best))


class Bar:
    def __init__(self, initial, total):
        self.total, self.n, self.postfix = total, initial, None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        print("bar", self.n, self.total, self.postfix is not None)

    def update(self, n):
        self.n += n


fmin(lambda p: p["x"], space, rand.suggest, 4, show_progressbar=Bar)

# time
began = time.time()
trials = Trials()
fmin(lambda p: time.sleep(0.05) or p["x"], space, rand.suggest, timeout=1, trials=trials, verbose=False)
print(time.time() - began >= 1, 1 <= len(trials) <= 20)


# the same seed gives the same points
def points(seed):
    trials = Trials()
    fmin(
        lambda p: p["x"],
        space,
        tpe.suggest,
        8,
        trials=trials,
        rstate=np.random.default_rng(seed),
        verbose=False,
    )
    return trials.vals["x"]


print(points(3) == points(3), points(3) == points(4))

# an exception of the objective ends the search, and the trials stay readable
trials, answers = Trials(), iter([3.0, 2.0])


def fragile(params):
    return next(answers)


try:
    fmin(fragile, space, rand.suggest, 5, trials=trials, verbose=False)
except Exception as error:
    print(type(error).__name__, trials.losses()[:2], trials.best_trial["result"]["loss"])
try:
    fmin(lambda p: 1 / 0, space, rand.suggest, 2, verbose=False)
except ZeroDivisionError as error:
    print("raised", error)
try:
    fmin(lambda p: {"status": "fail"}, space, rand.suggest, 2, verbose=False)
except hyperopt.exceptions.AllTrialsFailed as error:
    print("failed", isinstance(error, Exception))

# samples
print(sorted(sample(space)), -1 <= sample(space, rng=np.random.default_rng(0))["x"] <= 1)
one, two = (pyll.stochastic.sample(space, np.random.default_rng(7)) for _ in range(2))
print(
    one == two,
    {
        k: type(v).__name__
        for k, v in sample(
            {"f": hp.uniform("f", 0, 1), "i": hp.randint("i", 5), "c": hp.choice("c", ["s"])}
        ).items()
    },
)
nested = {
    "opt": hp.choice("opt", [{"name": "sgd", "m": hp.uniform("m", 0, 1)}, {"name": "adam"}]),
    "l": [1, hp.uniform("u", 2, 3)],
}
drawn = [sample(nested, np.random.default_rng(i)) for i in range(40)]
print(
    {d["opt"]["name"] for d in drawn} == {"sgd", "adam"},
    {("m" in d["opt"]) == (d["opt"]["name"] == "sgd") for d in drawn},
    type(drawn[0]["l"]).__name__,
)
space["z"] = hp.lognormal("z", 0, 0.1)
print(sorted(fmin(lambda p: p["z"], {**space, "w": hp.randint("w", 10, 20)}, rand.suggest, 3, verbose=False)))
print(
    hyperopt.hp.uniform("q", 0, 1).name,
    callable(ho.fmin),
    ho.tpe.suggest is tpe.suggest,
    isinstance(ho.__version__, str),
)
