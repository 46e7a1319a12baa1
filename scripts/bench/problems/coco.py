"""The noiseless functions of COCO's bbob suite, on numbers and on mixed spaces; optima are exact.

N. Hansen et al., "Real-parameter black-box optimization benchmarking 2009: noiseless functions definitions",
INRIA RR-6829. The functions come from the package ``coco-experiment``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hpsearch.errors import MissingExtraError
from problems.problem import Problem, instance_rng
from problems.space import Choice, Config, Float, Int, Parameter

_LOW, _HIGH = -5.0, 5.0


def bbob(function: int, n_dimensions: int, instance: int) -> Problem:
    """Return function 1 to 24 on numbers from -5 to 5."""
    inner = _bare(function, n_dimensions, instance)
    labels = [f"x{j}" for j in range(n_dimensions)]
    return Problem(
        space={label: Float(_LOW, _HIGH) for label in labels},
        loss=lambda config: float(inner(np.array([config[label] for label in labels]))),
        optimum=float(inner.best_value()),
    )


def mixbbob(function: int, n_dimensions: int, instance: int) -> Problem:
    """Return a function of unordered categories, coarse integers and numbers, a third each.

    The grid of each category and integer contains the optimum's coordinate, so that the optimum stays that of
    the function on numbers.
    """
    inner = _bare(function, n_dimensions, instance)
    best, rng = np.asarray(inner.best_parameter()), instance_rng("mixbbob", instance)
    space: dict[str, Parameter] = {}
    grids: dict[str, Mapping[Any, float]] = {}
    for j in range(n_dimensions):
        label = f"x{j}"
        if j % 3 == 2:
            space[label] = Float(_LOW, _HIGH)
            continue
        n_levels = 5 if j % 3 == 0 else 12
        grid = np.linspace(_LOW, _HIGH, n_levels)
        grid[np.argmin(abs(grid - best[j]))] = best[j]
        if j % 3 == 0:
            grid = rng.permutation(grid)
            options = [f"c{k}" for k in range(n_levels)]
            space[label], grids[label] = Choice.of(options), dict(zip(options, grid, strict=True))
        else:
            space[label], grids[label] = Int(0, n_levels - 1), dict(enumerate(grid))

    def loss(config: Config) -> float:
        x = [grids[n][config[n]] if n in grids else config[n] for n in space]
        return float(inner(np.array(x)))

    return Problem(space=space, loss=loss, optimum=float(inner.best_value()))


def _bare(function: int, n_dimensions: int, instance: int) -> Any:
    try:
        import cocoex
    except ImportError as error:
        raise MissingExtraError("A bbob problem", "bench") from error
    return cocoex.BareProblem("bbob", function, n_dimensions, instance)
