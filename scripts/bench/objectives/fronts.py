"""Problems with two or three objectives: functions with known fronts, surrogates, and a live one.

References are near the upper quartile of random points in each objective, so that every search has a share of
the hypervolume.

- E. Zitzler, K. Deb and L. Thiele, "Comparison of multiobjective evolutionary algorithms: empirical results",
  Evolutionary Computation 8(2), 2000: ZDT1 and ZDT3.
- K. Deb et al., "Scalable multi-objective optimization test problems", CEC 2002: DTLZ2.
"""

from __future__ import annotations

import functools
import math
import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from problems.space import Choice, Config, Float, Int, Space, sample
from problems.surrogates import SPACES, load_network, metric_number, output

from objectives.problem import Measured, OutcomeProblem

_N_TIMINGS = 3


def _unit_space(d: int) -> Space:
    return {f"x{j}": Float(0, 1) for j in range(d)}


def zdt(number: int, d: int = 6) -> OutcomeProblem:
    """Return ZDT1, whose front is convex, or ZDT3, whose front has five parts."""

    def measure(config: Config) -> Measured:
        x = np.array(list(config.values()))
        g = 1 + 9 * x[1:].mean()
        ripple = x[0] / g * math.sin(10 * math.pi * x[0]) if number == 3 else 0.0
        return [float(x[0]), float(g * (1 - math.sqrt(x[0] / g) - ripple))], []

    reference = (1.1, 5.0)
    # Below the front of ZDT1, 1 - sqrt(x), lies 1/3. That of ZDT3 was integrated on a grid of a million.
    volume = 1.1 * 5.0 - 1 / 3 if number == 1 else _zdt3_volume(reference)
    return OutcomeProblem(
        space=_unit_space(d), measure=measure, n_objectives=2, reference=reference, volume=volume
    )


def _zdt3_volume(reference: tuple[float, float]) -> float:
    x = np.linspace(0, reference[0], 1_000_001)
    f = np.where(x <= 1, 1 - np.sqrt(x) - x * np.sin(10 * math.pi * x), np.inf)
    return float((reference[1] - np.minimum.accumulate(f)).mean() * reference[0])


def dtlz2(n_objectives: int, d: int = 6) -> OutcomeProblem:
    """Return DTLZ2, whose front is the part of the unit sphere with positive coordinates."""

    def measure(config: Config) -> Measured:
        x = np.array(list(config.values()))
        radius = 1 + ((x[n_objectives - 1 :] - 0.5) ** 2).sum()
        angles = x[: n_objectives - 1] * math.pi / 2
        found = []
        for i in range(n_objectives):
            value = radius * np.cos(angles[: n_objectives - 1 - i]).prod()
            found.append(float(value * (math.sin(angles[n_objectives - 1 - i]) if i else 1.0)))
        return found, []

    edge = 1.25
    ball = {2: math.pi / 4, 3: math.pi / 6}[n_objectives]
    return OutcomeProblem(
        space=_unit_space(d),
        measure=measure,
        n_objectives=n_objectives,
        reference=(edge,) * n_objectives,
        volume=edge**n_objectives - ball,
    )


#: The data set and the two metrics of each surrogate.
_SURROGATES = {
    "lcbench": ("7593", ("val_cross_entropy", "time")),
    "rbv2_xgboost": ("40981", ("logloss", "timetrain")),
}


def surrogate(scenario: str) -> OutcomeProblem:
    """Return a network fitted to real runs: the loss against the logarithm of the training time."""
    instance, metrics = _SURROGATES[scenario]
    network = load_network(scenario)
    numbers = [metric_number(scenario, metric) for metric in metrics]

    def measure(config: Config) -> Measured:
        inputs = {n.removeprefix("gbtree.").removeprefix("dart."): value for n, value in config.items()}
        loss, seconds = (output(network, inputs, f"instance/{instance}", number) for number in numbers)
        return [loss, math.log(max(seconds, 1e-9))], []

    problem = OutcomeProblem(space=SPACES[scenario], measure=measure, n_objectives=2)
    return _with_drawn_reference(problem)


def _with_drawn_reference(problem: OutcomeProblem) -> OutcomeProblem:
    """Return a problem with the upper quartiles of 400 random points as the reference."""
    rng = np.random.default_rng(0)
    drawn = np.array([problem.measure(sample(problem.space, rng))[0] for _ in range(400)])
    return replace(problem, reference=tuple(np.quantile(drawn, 0.75, axis=0).tolist()))


_MODELS: dict[str, Space] = {
    "logistic": {"logistic.C": Float(1e-4, 1e2, is_log=True)},
    "knn": {"knn.k": Int(1, 40, is_log=True), "knn.p": Choice.of([1, 2])},
    "tree": {"tree.depth": Int(1, 20), "tree.leaf": Int(1, 40, is_log=True)},
    "forest": {
        "forest.n": Int(2, 60, is_log=True),
        "forest.depth": Int(1, 15),
        "forest.features": Float(0.05, 1),
    },
    "svm": {"svm.C": Float(1e-2, 1e3, is_log=True), "svm.gamma": Float(1e-3, 1e1, is_log=True)},
}


def digits() -> OutcomeProblem:
    """Return models that recognize digits: their error, against the time of a prediction, both measured.

    The time is the least CPU time of three runs, in logarithms.
    """

    def measure(config: Config) -> Measured:
        x, y, x_test, y_test = _digits()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that few iterations do not converge
            model = _model(config).fit(x, y)
        seconds = []
        for _ in range(_N_TIMINGS):
            started = time.process_time()
            predicted = model.predict(x_test)
            seconds.append(time.process_time() - started)
        return [float((predicted != y_test).mean()), math.log10(max(min(seconds), 1e-6))], []

    return OutcomeProblem(
        space={"model": Choice.nested(_MODELS)}, measure=measure, n_objectives=2, reference=(0.5, -1.0)
    )


@functools.cache
def _digits() -> tuple[Any, Any, Any, Any]:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    train, test = order[:400], order[400:800]
    return x[train] / 16, y[train], x[test] / 16, y[test]


def _model(config: Config) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

    own = {label.partition(".")[2]: value for label, value in config.items() if "." in label}
    match config["model"]:
        case "logistic":
            return LogisticRegression(C=own["C"], max_iter=50)
        case "knn":
            return KNeighborsClassifier(own["k"], p=own["p"])
        case "tree":
            return DecisionTreeClassifier(
                max_depth=own["depth"], min_samples_leaf=own["leaf"], random_state=0
            )
        case "forest":
            return RandomForestClassifier(
                own["n"], max_depth=own["depth"], max_features=own["features"], random_state=0
            )
        case _:
            return SVC(C=own["C"], gamma=own["gamma"])
