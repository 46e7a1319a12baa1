"""Twenty to a hundred parameters, of which few matter, or all by falling importance."""

from __future__ import annotations

import numpy as np

from problems.classic import FUNCTIONS
from problems.problem import Problem, instance_rng
from problems.space import Config, Float, Int, Number, unit


def lowdim(instance: int) -> Problem:
    """Return Hartmann's function of three among ten numbers, five logarithmic ones, and five integers."""
    rng = instance_rng("lowdim", instance)
    space: dict[str, Number] = {f"f{j}": Float(0, 1) for j in range(10)}
    space |= {f"l{j}": Float(1e-5, 1, is_log=True) for j in range(5)}
    space |= {f"n{j}": Int(0, 20) for j in range(5)}
    relevant = [f"f{rng.integers(10)}", f"l{rng.integers(5)}", f"f{rng.integers(10)}"]
    while relevant[2] == relevant[0]:
        relevant[2] = f"f{rng.integers(10)}"
    return _of_some(space, relevant, "hartmann3")


def sparse(n_parameters: int, name: str, instance: int) -> Problem:
    """Return a classic function of a few among many numbers and integers, a third of them logarithmic."""
    rng = instance_rng("sparse", instance + n_parameters)
    space: dict[str, Number] = {}
    for j in range(n_parameters):
        is_integer = j % 5 == 2
        space[f"x{j}"] = (
            Float(1e-5, 1, is_log=True) if j % 3 == 1 else Int(0, 100) if is_integer else Float(0, 1)
        )
    numbers = [j for j in range(n_parameters) if not isinstance(space[f"x{j}"], Int)]
    relevant = [f"x{j}" for j in rng.permutation(numbers)[: FUNCTIONS[name][1]]]
    return _of_some(space, relevant, name)


def decay(n_parameters: int, instance: int) -> Problem:
    """Return a bowl whose parameters matter less and less, with interactions along a chain."""
    rng = instance_rng("decay", instance + n_parameters)
    labels = [f"x{j}" for j in range(n_parameters)]
    centre = rng.uniform(0.15, 0.85, n_parameters)
    weights = (1 / np.arange(1, n_parameters + 1) ** 1.5)[rng.permutation(n_parameters)]
    chain = rng.permutation(n_parameters)

    def loss(config: Config) -> float:
        off = np.array([config[label] for label in labels]) - centre
        scaled = np.sqrt(weights) * off
        return float((weights * off * off).sum() + 0.5 * abs(scaled[chain[:-1]] * scaled[chain[1:]]).sum())

    return Problem(space={label: Float(0, 1) for label in labels}, loss=loss, optimum=0.0)


def _of_some(space: dict[str, Number], relevant: list[str], name: str) -> Problem:
    """Return a classic function of some of the parameters."""
    function, _, optimum = FUNCTIONS[name]

    def loss(config: Config) -> float:
        return function(np.array([unit(space[label], config[label]) for label in relevant]))

    return Problem(space=space, loss=loss, optimum=optimum)
