"""Problems with one loss and outcome limits.

- ``waves``: J. R. Gardner et al., "Bayesian optimization with inequality constraints", ICML 2014, section
  5.1; bands of feasible points, the optimum on the boundary of one.
- ``corner``: R. B. Gramacy et al., "Modeling an augmented Lagrangian for blackbox constrained optimization",
  Technometrics 58(1), 2016, section 1.1; a linear loss, so the optimum is on the boundary.
- ``vessel``: a pressure vessel of mixed parameters (B. K. Kannan and S. N. Kramer, "An augmented Lagrange
  multiplier based method for mixed integer discrete continuous optimization", 1994).
- ``ball``: a bowl in six parameters whose feasible part, a ball beside its centre, has 2 % of the space.
- ``xgboost``: the log loss of boosting under a limit on the training time that a fifth of random
  configurations keeps: YAHPO's network, in a space of three boosters.
"""

from __future__ import annotations

import math

import numpy as np
from problems.space import Config, Float, Int, Space, sample
from problems.surrogates import SPACES, load_network, metric_number, output

from objectives.problem import Measured, OutcomeProblem


def waves() -> OutcomeProblem:
    """Return the first simulation of Gardner et al."""

    def measure(config: Config) -> Measured:
        x, y = config["x"], config["y"]
        loss = math.cos(2 * x) * math.cos(y) + math.sin(x)
        return [loss], [math.cos(x) * math.cos(y) - math.sin(x) * math.sin(y) + 0.5]

    space = {"x": Float(0, 6), "y": Float(0, 6)}
    return OutcomeProblem(space=space, measure=measure, n_limits=1)


def corner() -> OutcomeProblem:
    """Return the toy problem of Gramacy et al., with two limits."""

    def measure(config: Config) -> Measured:
        x, y = config["x"], config["y"]
        wave = 1.5 - x - 2 * y - 0.5 * math.sin(2 * math.pi * (x * x - 2 * y))
        return [x + y], [wave, x * x + y * y - 1.5]

    space = {"x": Float(0, 1), "y": Float(0, 1)}
    return OutcomeProblem(space=space, measure=measure, n_limits=2, optimum=0.5998)


def vessel() -> OutcomeProblem:
    """Return the cost of a pressure vessel; thicknesses come in sixteenths of an inch."""

    def measure(config: Config) -> Measured:
        shell, head = config["shell"] / 16, config["head"] / 16
        radius, length = config["radius"], config["length"]
        cost = 0.6224 * shell * radius * length + 1.7781 * head * radius**2
        cost += 3.1661 * shell**2 * length + 19.84 * shell**2 * radius
        content = math.pi * radius**2 * length + 4 / 3 * math.pi * radius**3
        return [cost], [0.0193 * radius - shell, 0.00954 * radius - head, 1_296_000 - content]

    space: Space = {
        "shell": Int(1, 99),
        "head": Int(1, 99),
        "radius": Float(10, 200),
        "length": Float(10, 240),
    }
    return OutcomeProblem(space=space, measure=measure, n_limits=3, optimum=5850.4)


def ball() -> OutcomeProblem:
    """Return a bowl with a small feasible ball beside its centre."""
    centre = np.array([0.7, 0.3, 0.6, 0.4, 0.7, 0.5])
    lowest = np.array([0.2, 0.5, 0.3, 0.6, 0.5, 0.8])
    squared_radius = 0.163  # 2 % of the cube, by counting

    def measure(config: Config) -> Measured:
        x = np.array(list(config.values()))
        loss = float(((x - lowest) ** 2 * [1, 2, 3, 1, 2, 3]).sum())
        return [loss], [float(((x - centre) ** 2).sum()) - squared_radius]

    return OutcomeProblem(space={f"x{j}": Float(0, 1) for j in range(6)}, measure=measure, n_limits=1)


def xgboost() -> OutcomeProblem:
    """Return the log loss of boosting under a limit on the time of training."""
    network, instance = load_network("rbv2_xgboost"), "instance/1489"
    loss, seconds = (metric_number("rbv2_xgboost", metric) for metric in ("logloss", "timetrain"))
    space = SPACES["rbv2_xgboost"]

    def both(config: Config) -> tuple[float, float]:
        inputs = {n.removeprefix("gbtree.").removeprefix("dart."): value for n, value in config.items()}
        return output(network, inputs, instance, loss), output(network, inputs, instance, seconds)

    rng = np.random.default_rng(0)
    limit = float(np.quantile([both(sample(space, rng))[1] for _ in range(400)], 0.2))

    def measure(config: Config) -> Measured:
        found, duration = both(config)
        return [found], [duration - limit]

    return OutcomeProblem(space=space, measure=measure, n_limits=1)
