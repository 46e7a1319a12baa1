"""Activation conditions of parameters, for arrays of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats
from hpsearch.space.tree import Space


@dataclass(frozen=True, slots=True)
class Activation:
    """Under which options the ``d`` parameters of a space are active.

    A path is a sequence of decided choices. The first path decides nothing; every other one adds one decision
    to an earlier path, so that parameters below the same options share the work.
    """

    steps: Sequence[tuple[int, int, int]]  #: of each path but the first: earlier path, row of choice, option
    first: NDArray[np.intp]  #: (d,) a path under which each parameter is active
    others: Sequence[tuple[int, Sequence[int]]]  #: further paths, by row, of those that have several


def activation_of(space: Space, columns: Sequence[int] | None = None) -> Activation:
    """Return the activation conditions of a space.

    Parameters
    ----------
    space : Space
        The space.
    columns : sequence of d int, optional
        Column of the parameter in each row; by default in the space's order.
    """
    parameters = [space.parameters[j] for j in (range(len(space.parameters)) if columns is None else columns)]
    rows = {parameter.label: row for row, parameter in enumerate(parameters)}
    numbers: dict[tuple[tuple[int, int], ...], int] = {(): 0}
    steps = []
    paths = []
    for parameter in parameters:
        own = [tuple((rows[c.label], c.option) for c in path) for path in parameter.paths]
        for path in own:
            for depth in range(1, len(path) + 1):
                if path[:depth] not in numbers:
                    numbers[path[:depth]] = len(numbers)
                    steps.append((numbers[path[: depth - 1]], *path[depth - 1]))
        paths.append([numbers[path] for path in own])
    return Activation(
        steps=steps,
        first=np.array([path[0] for path in paths], dtype=np.intp),
        others=[(row, path[1:]) for row, path in enumerate(paths) if len(path) > 1],
    )


def active_mask(activation: Activation, values: Floats) -> Bools:
    """Return which parameters are active, given the values of all of them.

    Parameters
    ----------
    activation : Activation
        Conditions of the ``d`` parameters.
    values : (d, m) array
        Raw values; arbitrary for inactive parameters.

    Returns
    -------
    (d, m) array of bool
        True where all conditions of any path hold. A path starts at the root, so the arbitrary value of an
        inactive choice satisfies none.
    """
    if not activation.steps:
        return np.ones(values.shape, dtype=bool)
    holds = np.ones((1 + len(activation.steps), values.shape[1]), dtype=bool)
    for path, (above, choice, option) in enumerate(activation.steps, 1):
        np.equal(values[choice], option, out=holds[path])
        if above:
            holds[path] &= holds[above]
    found: Bools = holds.take(activation.first, axis=0)
    for row, paths in activation.others:
        for path in paths:
            found[row] |= holds[path]
    return found
