"""The first lesson: one parameter, a dict, nested choices, and the results."""

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, rand, space_eval, tpe


def kind(value):
    return (
        "float"
        if isinstance(value, float)
        else "int"
        if isinstance(value, (int, np.integer))
        else type(value).__name__
    )


best = fmin(
    fn=lambda x: x**2 - x + 1, space=hp.uniform("x", -10, 10), algo=tpe.suggest, max_evals=60, verbose=False
)
print(sorted(best), abs(best["x"] - 0.5) < 2)

space = {
    "u": hp.uniform("u", 0, 1),
    "log": hp.loguniform("log", -5, 0),
    "q": hp.quniform("q", 1, 10, 3),
    "ql": hp.qloguniform("ql", 0, 3, 2),
    "n": hp.normal("n", 0, 1),
    "qn": hp.qnormal("qn", 0, 5, 2),
    "ln": hp.lognormal("ln", 0, 1),
    "qln": hp.qlognormal("qln", 0, 1, 1),
    "ui": hp.uniformint("ui", 1, 5),
    "r": hp.randint("r", 10),
    "r2": hp.randint("r2", 5, 8),
    "c": hp.choice("c", ["a", {"k": hp.uniform("k", 0, 1)}, ["l", (1, 2)], None]),
    "p": hp.pchoice("p", [(0.3, "x"), (0.7, "y")]),
    "lit": "literal",
}
seen = []


def objective(config):
    seen.append(config)
    return {"loss": config["u"], "status": STATUS_OK, "extra": [1, "two"]}


trials = Trials()
best = fmin(objective, space, algo=rand.suggest, max_evals=300, trials=trials, verbose=False)
print({key: kind(value) for key, value in sorted(best.items()) if key != "k"})
print({key: sorted({kind(config[key]) for config in seen}) for key in sorted(seen[0])})
print({key: sorted(map(float, set(trials.vals[key])))[:8] for key in ("q", "ui", "r", "r2", "c", "p")})
first = trials.trials[0]
print(
    sorted(first),
    sorted(first["misc"]),
    first["state"],
    first["spec"],
    first["owner"],
    first["exp_key"],
    first["version"],
)
print(
    first["result"].keys(),
    first["result"]["extra"],
    trials.tids == list(range(300)),
    set(trials.statuses()),
    len(trials),
)
print(
    trials.argmin == best,
    trials.best_trial["result"]["loss"] == min(trials.losses()) == trials.average_best_error(),
)
print(
    sorted(trials.idxs["k"]) == [t for t, c in zip(trials.tids, trials.vals["c"]) if c == 1],
    sorted(trials.vals),
)
print(
    space_eval(space, {**dict.fromkeys(set(best) | {"k"}, 0), "c": 1})["c"],
    space_eval([space["c"]], {"c": 2}),
)
print(
    fmin(lambda x: x, hp.choice("x", [5]), algo=rand.suggest, max_evals=2, return_argmin=False, verbose=False)
)
