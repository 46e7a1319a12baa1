"""Numbers on unusual scales: normal priors, and grids with wide steps."""

from __future__ import annotations

import math

import numpy as np

from problems.problem import Problem, instance_rng
from problems.space import Config, Float, Int, Normal, Number, from_latent, unit


def priors(instance: int) -> Problem:
    """Return normal, lognormal and quantized priors; the optimum is about one deviation off the middle."""
    rng = instance_rng("priors", instance)
    space: dict[str, Number] = {
        "a": Normal(0, 1),
        "b": Normal(5, 2),
        "c": Normal(math.log(1e-3), 1.5, is_log=True),
        "d": Normal(3, 1, is_log=True, q=1),
        "e": Normal(0, 10, q=2),
        "u": Float(-1, 1),
    }
    off = {label: rng.uniform(0.4, 1.6) * rng.choice([-1, 1]) for label in space}

    def place(label: str, parameter: Number) -> float:
        if isinstance(parameter, Normal):
            return unit(parameter, from_latent(parameter, parameter.mu + parameter.sigma * off[label]))
        return unit(parameter, off[label] / 2)

    targets = {label: place(label, parameter) for label, parameter in space.items()}
    weights = {label: rng.uniform(0.5, 2) for label in space}

    def loss(config: Config) -> float:
        r = {label: unit(parameter, config[label]) - targets[label] for label, parameter in space.items()}
        squares = sum(weights[label] * r[label] ** 2 for label in r)
        return math.sqrt(squares + 0.5 * abs(r["a"] * r["b"]) + 0.3 * abs(r["c"] * r["u"]))

    return Problem(space=space, loss=loss, optimum=0.0)


def steps(instance: int) -> Problem:
    """Return Ackley's function as a staircase: grids of numbers, integers, and their logarithms."""
    rng = instance_rng("steps", instance)
    space: dict[str, Number] = {
        "a": Float(-10, 10, q=1),
        "b": Float(0, 1, q=0.05),
        "c": Int(1, 1000, is_log=True),
        "d": Int(-20, 20),
        "e": Float(1e-6, 1, is_log=True),
    }
    targets = {
        "a": float(rng.integers(-8, 9)),
        "b": 0.05 * int(rng.integers(2, 19)),
        "c": int(10 ** rng.uniform(0.5, 2.5)),
        "d": int(rng.integers(-16, 17)),
        "e": 10.0 ** rng.uniform(-5, -1),
    }

    def loss(config: Config) -> float:
        off = [unit(parameter, config[n]) - unit(parameter, targets[n]) for n, parameter in space.items()]
        z = 8 * np.array(off)
        z[4] = np.round(z[4] * 2) / 2
        bowl = -20 * np.exp(-0.2 * np.sqrt((z**2).mean()))
        return float(bowl - np.exp(np.cos(2 * np.pi * z).mean()) + 20 + np.e)

    return Problem(space=space, loss=loss, optimum=0.0)
