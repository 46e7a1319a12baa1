"""Which parameters of a whole table of points are active."""

from __future__ import annotations

import numpy as np

from hpsearch.core.history import Bools, Floats
from hpsearch.space.tree import Space

#: For each parameter its paths, a path being pairs of a choice's column and an option.
Activation = tuple[tuple[tuple[tuple[int, int], ...], ...], ...]

#: The paths of a parameter that is active whatever is chosen.
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
        Of the ``d`` parameters.
    values : (m, d) array
        Raw values; of inactive parameters anything.

    Returns
    -------
    (m, d) array of bool
        True where all conditions of any path hold. A path starts at the root, so the value
        that an inactive choice happens to have cannot open one.
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
