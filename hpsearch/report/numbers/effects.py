"""The marginal effect of each parameter: the mean loss over the space at each of its values, with a band.

The mean over the other parameters is taken over points of the prior (partial dependence, Friedman 2001,
"Greedy function approximation"), of the surrogate's mean; the band is that of functions drawn from its
posterior. A conditional parameter is judged where it is active.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.report.numbers.importance import MIN_R2
from hpsearch.report.numbers.sensitivity import PointPairs, point_pairs
from hpsearch.report.numbers.surrogate import Surrogate
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.space.distribution import Categorical
from hpsearch.suggest.gp.encoding import Encoding

#: Values of a number, points over which a mean is taken, and functions of a band.
_N_VALUES, _N_POINTS, _N_FUNCTIONS = 30, 128, 24
#: Half the width of a 90 % band in standard deviations.
_N_SIGMAS = 1.645


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effect:
    """The mean loss at values of one parameter."""

    label: str
    values: Floats  #: (g,) increasing values of a number, or indices of options
    options: tuple[str, ...] | None  #: (g,) names of the options; None for a number
    mean: Floats  #: (g,) losses
    low: Floats  #: (g,) lower end of a 90 % band
    high: Floats  #: (g,) upper end


@isolated_numerics()
def marginal_effects(surrogate: Surrogate | None, rng: np.random.Generator) -> tuple[Effect, ...]:
    """Return the effect of each parameter on the loss, in the order of the space's parameters.

    Parameters
    ----------
    surrogate : Surrogate, optional
        Of the losses; see ``importance.loss_surrogate``.
    rng : Generator
        Source of randomness.

    Returns
    -------
    tuple of Effect
        Empty where the surrogate cannot be trusted; without parameters that have only one value.
    """
    if surrogate is None or surrogate.r2 < MIN_R2 or surrogate.scale is None:
        return ()
    parameters = surrogate.encoding.space.parameters
    columns = [j for j, p in enumerate(parameters) if p.distribution.n_values != 1]
    return tuple(_effect(surrogate, j, rng) for j in columns)


def _effect(surrogate: Surrogate, column: int, rng: np.random.Generator) -> Effect:
    assert surrogate.scale is not None
    encoding, scale = surrogate.encoding, surrogate.scale
    parameter = encoding.space.parameters[column]
    pairs = _points_with(encoding, column, rng)
    grid = _grid(encoding, column)
    x = np.repeat(pairs.first[None], len(grid), axis=0)  # (g, n, d)
    x[:, :, column] = grid[:, None]
    flat = x.reshape(-1, x.shape[2])
    active = encoding.active(flat)
    shape = (len(grid), len(pairs))
    mean = surrogate.mean(flat, active).reshape(shape).mean(axis=1)
    functions = surrogate.draw(_N_FUNCTIONS, rng)
    drawn = functions(encoding.features(flat, active)).reshape(*shape, _N_FUNCTIONS).mean(axis=1)
    half = _N_SIGMAS * np.sqrt(((drawn - mean[:, None]) ** 2).mean(axis=1))
    is_choice = isinstance(parameter.distribution, Categorical)
    names = encoding.space.option_names(parameter.label) if is_choice else ()
    points = np.repeat(pairs.first[:1], len(grid), axis=0)
    points[:, column] = grid
    return Effect(
        label=parameter.label,
        values=encoding.values(points)[:, column],
        options=tuple(names[int(i)] for i in grid) if is_choice else None,
        mean=scale.losses(mean),
        low=scale.losses(mean - half),
        high=scale.losses(mean + half),
    )


def _points_with(encoding: Encoding, column: int, rng: np.random.Generator) -> PointPairs:
    """Draw points in which a parameter is active, if need be in the first branch that has it."""
    pairs = point_pairs(encoding, _N_POINTS, rng)
    if pairs.active[:, column].all():
        return pairs
    path = encoding.space.parameters[column].paths[0]
    branch = Encoding(encoding.space.given({c.label: c.option for c in path}))
    return point_pairs(branch, _N_POINTS, rng)


def _grid(encoding: Encoding, column: int) -> Floats:
    """Return the coordinates of the values at which an effect is computed, (g,)."""
    distribution = encoding.space.parameters[column].distribution
    d = len(encoding.is_choice)
    if isinstance(distribution, Categorical):
        return np.flatnonzero(np.array(distribution.probabilities) > 0).astype(np.float64)
    low, high = encoding.box(np.zeros((0, d)))
    x = np.zeros((_N_VALUES, d))
    x[:, column] = np.linspace(low[column], high[column], _N_VALUES)
    return np.unique(encoding.snap(x)[:, column])
