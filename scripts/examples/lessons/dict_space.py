"""Lesson 3: several parameters in a dict.

A polynomial is fitted to noisy points; its degree and the penalty on its coefficients are searched,
and the loss is the error at points that it was not fitted to. The space is a dict, so the objective
receives a dict with the same keys, and numbers of the right types: an int for ``uniformint``.

Keys and labels differ. The objective reads the keys, ``degree`` and ``penalty``; results have the labels,
``polynomial degree`` and ``ridge penalty``. ``fmin`` returns values by label, and ``space_eval`` converts
these to the dict that the objective received.

Instead of a number the objective returns a dict: ``loss``, ``status``, and anything else to keep with the
trial.

Run it with::

    python scripts/examples/lessons/dict_space.py
"""

import math
from typing import Any

import numpy as np

from hpsearch import STATUS_OK, Trials, fmin, hp, space_eval, tpe

space = {
    "degree": hp.uniformint("polynomial degree", 0, 20),
    "penalty": hp.loguniform("ridge penalty", math.log(1e-6), math.log(10)),
}

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, 40)
y = np.sin(4 * x) + rng.normal(0, 0.3, 40)


def objective(config: dict[str, Any]) -> dict[str, Any]:
    powers = np.vander(x, config["degree"] + 1)  # (40, degree + 1)
    fitted, held_out = powers[::2], powers[1::2]
    ridge = config["penalty"] * np.eye(powers.shape[1])
    coefficients = np.linalg.solve(fitted.T @ fitted + ridge, fitted.T @ y[::2])
    error = float(np.mean((held_out @ coefficients - y[1::2]) ** 2))
    return {"loss": error, "status": STATUS_OK, "largest_coefficient": float(abs(coefficients).max())}


def main() -> None:
    trials = Trials()
    best = fmin(objective, space, tpe.suggest, max_evals=80, trials=trials, rstate=0)
    config = space_eval(space, best)
    print(f"fmin's answer, by label:       {best}")
    print(f"what the objective received:   {config}")
    print(f"error at the points held out:  {trials.best_trial['result']['loss']:.4f}")
    print(f"largest coefficient, kept too: {trials.best_trial['result']['largest_coefficient']:.2f}")
    for degree, why in ((1, "too stiff"), (20, "too free")):
        loss = objective({"degree": degree, "penalty": 1e-6})["loss"]
        print(f"degree {degree}, hardly penalised, is {why}: {loss:.4f}")


if __name__ == "__main__":
    main()
