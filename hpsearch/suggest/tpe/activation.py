"""Activation conditions of parameters, for arrays of points."""

from __future__ import annotations

import numpy as np

from hpsearch.core.history import Bools, Floats
from hpsearch.space.tree import Space

#: For each parameter its paths; a path is a tuple of (column of a choice, option) pairs.
Activation = tuple[tuple[tuple[tuple[int, int], ...], ...], ...]

#: The paths of a parameter that is always active.
ALWAYS = ((),)


def activation_of(space: Space) -> Activation:
    """Return the activation conditions of a space by column instead of by label."""
    column = {parameter.label: j for j, parameter in enumerate(space.parameters)}
    return tuple(
        tuple(tuple((column[c.label], c.option) for c in path) for path in parameter.paths)
        for parameter in space.parameters
    )


def active_mask(activation: Activation, values: Floats) -> Bools:
    """Return which parameters are active, given the values of all of them.

    Parameters
    ----------
    activation : Activation
        Conditions of the ``d`` parameters.
    values : (m, d) array
        Raw values; arbitrary for inactive parameters.

    Returns
    -------
    (m, d) array of bool
        True where all conditions of any path hold. A path starts at the root, so the arbitrary value of an
        inactive choice satisfies none.
    """
    mask = np.zeros(values.shape, dtype=bool)
    for j, paths in enumerate(activation):
        if paths == ALWAYS:
            mask[:, j] = True
            continue
        for path in paths:
            holds = np.ones(len(values), dtype=bool)
            for choice, option in path:
                holds &= values[:, choice] == option
            mask[:, j] |= holds
    return mask
