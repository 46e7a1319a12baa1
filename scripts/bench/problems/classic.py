"""Test functions of two to six numbers that are widely used, scaled to the unit cube.

Definitions and optima: S. Surjanovic and D. Bingham, "Virtual Library of Simulation Experiments".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from problems.problem import Problem, instance_rng
from problems.space import Config, Float, unit

Function: TypeAlias = Callable[[np.ndarray], float]

_HARTMANN_WEIGHTS = np.array([1, 1.2, 3, 3.2])
_HARTMANN3_A = np.array([[3, 10, 30], [0.1, 10, 35], [3, 10, 30], [0.1, 10, 35]])
_HARTMANN3_P = 1e-4 * np.array(
    [[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]
)
_HARTMANN6_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
_HARTMANN6_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann3(x: np.ndarray) -> float:
    """Hartmann's function of three numbers."""
    return float(-np.exp(-(_HARTMANN3_A * (x - _HARTMANN3_P) ** 2).sum(1)) @ _HARTMANN_WEIGHTS)


def hartmann6(x: np.ndarray) -> float:
    """Hartmann's function of six numbers."""
    return float(-np.exp(-(_HARTMANN6_A * (x - _HARTMANN6_P) ** 2).sum(1)) @ _HARTMANN_WEIGHTS)


def branin(x: np.ndarray) -> float:
    """Branin's function of two numbers, with three global optima."""
    a, b = 15 * x[0] - 5, 15 * x[1]
    parabola = b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6
    return float(parabola**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10)


def goldstein(x: np.ndarray) -> float:
    """Logarithm of the function of Goldstein and Price of two numbers."""
    a, b = 4 * x[0] - 2, 4 * x[1] - 2
    first = 19 - 14 * a + 3 * a * a - 14 * b + 6 * a * b + 3 * b * b
    second = 18 - 32 * a + 12 * a * a + 48 * b - 36 * a * b + 27 * b * b
    return math.log((1 + (a + b + 1) ** 2 * first) * (30 + (2 * a - 3 * b) ** 2 * second))


def camel(x: np.ndarray) -> float:
    """Six-hump camel function of two numbers."""
    a, b = 6 * x[0] - 3, 4 * x[1] - 2
    return float((4 - 2.1 * a * a + a**4 / 3) * a * a + a * b + (-4 + 4 * b * b) * b * b)


def levy(x: np.ndarray) -> float:
    """Levy's function, with many local optima."""
    w = 1 + (20 * x - 11) / 4
    inner = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)).sum()
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return float(np.sin(np.pi * w[0]) ** 2 + inner + last)


#: Function, number of dimensions, and least value.
FUNCTIONS: Mapping[str, tuple[Function, int, float]] = {
    "branin": (branin, 2, 0.39788735773),
    "hartmann6": (hartmann6, 6, -3.32236801141),
    "hartmann3": (hartmann3, 3, -3.86278214782),
    "goldstein": (goldstein, 2, math.log(3)),
    "camel": (camel, 2, -1.03162845349),
    "levy4": (levy, 4, 0.0),
}


def classic(name: str, instance: int) -> Problem:
    """Return a function; instances other than 0 permute and mirror its axes, and scale half of them.

    The scaled axes are logarithmic, from bounds that depend on the axis. The optimum stays the same.
    """
    function, n_dimensions, optimum = FUNCTIONS[name]
    rng = instance_rng(name, instance)
    order = rng.permutation(n_dimensions) if instance else np.arange(n_dimensions)
    mirrored = rng.random(n_dimensions) < 0.5 if instance else np.zeros(n_dimensions, bool)
    space = {
        f"p{j}": Float(10.0 ** -(3 + j % 3), 10.0 ** (j % 2), is_log=True)
        if instance and j % 2
        else Float(0, 1)
        for j in range(n_dimensions)
    }

    def loss(config: Config) -> float:
        u = np.array([unit(parameter, config[label]) for label, parameter in space.items()])
        return function(np.where(mirrored, 1 - u, u)[order])

    return Problem(space=space, loss=loss, optimum=optimum)
