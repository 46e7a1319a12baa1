"""Tables of networks that were really trained: every loss is a measured validation loss; optima are exact.

A number is rounded to the nearest value of the table, on the parameter's scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from problems.data_files import arrays
from problems.problem import Problem
from problems.space import Choice, Config, Float, Int, Parameter, Space

_PERCEPTRON: Space = {
    "alpha": Float(1e-8, 1, is_log=True),
    "batch_size": Int(4, 256, is_log=True),
    "depth": Int(1, 3),
    "learning_rate_init": Float(1e-5, 1, is_log=True),
    "width": Int(16, 1024, is_log=True),
}
_NETWORK_NUMBERS: Space = {
    "batch_size": Int(8, 64, is_log=True),
    "dropout_1": Float(0, 0.6),
    "dropout_2": Float(0, 0.6),
    "init_lr": Float(5e-4, 0.1, is_log=True),
    "n_units_1": Int(16, 512, is_log=True),
    "n_units_2": Int(16, 512, is_log=True),
}


def hpob_mlp(dataset: str) -> Problem:
    """Return HPOBench's perceptron on an OpenML data set: 30,000 configurations, mean error of five seeds.

    K. Eggensperger et al., "HPOBench", NeurIPS 2021 Datasets and Benchmarks.
    """
    table = arrays(f"hpob_mlp_{dataset}")
    return _problem(_PERCEPTRON, table, list(_PERCEPTRON))


def fcnet(dataset: str) -> Problem:
    """Return HPOlib's regression network: 62,208 configurations, mean squared error of four seeds.

    A. Klein and F. Hutter, "Tabular benchmarks for joint architecture and hyperparameter optimization",
    arXiv 1905.04970.
    """
    table = arrays(f"fcnet_{dataset}")
    axes = [name for name in table if name != "loss"]
    categories = {name: Choice.of(table[name].tolist()) for name in axes if name not in _NETWORK_NUMBERS}
    return _problem({**categories, **_NETWORK_NUMBERS}, table, axes)


def nb201(dataset: str) -> Problem:
    """Return NAS-Bench-201: error of 15,625 cell architectures, six choices of five operations.

    X. Dong and Y. Yang, "NAS-Bench-201", ICLR 2020.
    """
    found = arrays(f"nb201_{dataset}")
    axes = [f"op{j}" for j in range(6)]
    operations = Choice.of(found["ops"].tolist())
    table = {"loss": found["loss"]} | dict.fromkeys(axes, found["ops"])
    return _problem(dict.fromkeys(axes, operations), table, axes)


def _problem(space: Space, table: Mapping[str, np.ndarray], axes: Sequence[str]) -> Problem:
    """Return a problem whose losses are those of a table with one axis per parameter."""
    losses = table["loss"].astype(np.float64)
    places = [_place(space[axis], table[axis]) for axis in axes]

    def loss(config: Config) -> float:
        return float(losses[tuple(place(config[axis]) for place, axis in zip(places, axes, strict=True))])

    return Problem(space=space, loss=loss, optimum=float(losses.min()))


def _place(parameter: Parameter, grid: np.ndarray) -> Callable[[Any], int]:
    """Return a function from a parameter's value to its index in the table."""
    if isinstance(parameter, Choice):
        indices = {option: index for index, option in enumerate(parameter.options)}
        return indices.__getitem__
    if parameter.is_log:
        logarithms = np.log(grid)
        return lambda value: int(np.argmin(abs(logarithms - math.log(value))))
    return lambda value: int(np.argmin(abs(grid - value)))
