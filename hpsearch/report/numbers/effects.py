"""The marginal effect of each parameter: the mean loss over the space at each of its values, with a band.

The mean over the other parameters is taken over points of the prior (partial dependence, Friedman 2001,
"Greedy function approximation"), of the surrogate's mean; the band is that of functions drawn from its
posterior. A conditional parameter is judged where it is active.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.report.numbers.sensitivity import PointPairs, point_pairs
from hpsearch.report.numbers.surrogate import MIN_R2, Surrogate
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.space.distribution import Categorical
from hpsearch.suggest.gp.encoding import Encoding

#: Values of a number, points over which a mean is taken, and functions of a band.
_N_VALUES, _N_POINTS, _N_FUNCTIONS = 30, 128, 24
#: Values of each of two numbers, and points for their common mean.
_N_PAIR_VALUES, _N_PAIR_POINTS = 24, 48
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairEffect:
    """The mean loss at values of two parameters."""

    labels: tuple[str, str]
    values: tuple[Floats, Floats]  #: (k,) and (m,), as in ``Effect``
    mean: Floats  #: (m, k) losses


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
    if surrogate is None or not is_trusted(surrogate):
        return ()
    parameters = surrogate.encoding.space.parameters
    columns = [j for j, p in enumerate(parameters) if p.distribution.n_values != 1]
    return tuple(_effect(surrogate, j, rng) for j in columns)


@isolated_numerics()
def pair_effect(
    surrogate: Surrogate | None, labels: tuple[str, str], rng: np.random.Generator
) -> PairEffect | None:
    """Return the effect of two parameters together; None where the surrogate cannot be trusted.

    Parameters
    ----------
    surrogate : Surrogate, optional
        As for ``marginal_effects``.
    labels : pair of str
        Two parameters that are active together in some branch.
    rng : Generator
        Source of randomness.
    """
    if surrogate is None or not is_trusted(surrogate):
        return None
    assert surrogate.scale is not None
    encoding = surrogate.encoding
    column_of = {parameter.label: j for j, parameter in enumerate(encoding.space.parameters)}
    first, second = (column_of[label] for label in labels)
    pairs = _points_with(encoding, (first, second), _N_PAIR_POINTS, rng)
    across, up = (_grid(encoding, column, _N_PAIR_VALUES) for column in (first, second))
    x = np.tile(pairs.first, (len(up), len(across), 1, 1))  # (m, k, n, d)
    x[..., first] = across[:, None]
    x[..., second] = up[:, None, None]
    flat = x.reshape(-1, x.shape[3])
    mean = surrogate.mean(flat, encoding.active(flat)).reshape(x.shape[:3]).mean(axis=2)
    return PairEffect(
        labels=labels,
        values=(_values(encoding, first, across), _values(encoding, second, up)),
        mean=surrogate.scale.losses(mean),
    )


def is_trusted(surrogate: Surrogate) -> bool:
    """Whether a surrogate of losses predicts them well enough for a picture."""
    return surrogate.scale is not None and surrogate.r2 >= MIN_R2


def _effect(surrogate: Surrogate, column: int, rng: np.random.Generator) -> Effect:
    assert surrogate.scale is not None
    encoding, scale = surrogate.encoding, surrogate.scale
    parameter = encoding.space.parameters[column]
    pairs = _points_with(encoding, (column,), _N_POINTS, rng)
    grid = _grid(encoding, column, _N_VALUES)
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
    return Effect(
        label=parameter.label,
        values=_values(encoding, column, grid),
        options=tuple(names[int(i)] for i in grid) if is_choice else None,
        mean=scale.losses(mean),
        low=scale.losses(mean - half),
        high=scale.losses(mean + half),
    )


def _points_with(
    encoding: Encoding, columns: tuple[int, ...], n: int, rng: np.random.Generator
) -> PointPairs:
    """Draw points in which some parameters are active, if need be in the first branch that has them."""
    pairs = point_pairs(encoding, n, rng)
    if pairs.active[:, columns].all():
        return pairs
    paths = [encoding.space.parameters[column].paths[0] for column in columns]
    branch = Encoding(encoding.space.given({c.label: c.option for path in paths for c in path}))
    return point_pairs(branch, n, rng)


def _grid(encoding: Encoding, column: int, n_values: int) -> Floats:
    """Return the coordinates of the values at which an effect is computed, (g,)."""
    distribution = encoding.space.parameters[column].distribution
    d = len(encoding.is_choice)
    if isinstance(distribution, Categorical):
        return np.flatnonzero(np.array(distribution.probabilities) > 0).astype(np.float64)
    low, high = encoding.box(np.zeros((0, d)))
    x = np.zeros((n_values, d))
    x[:, column] = np.linspace(low[column], high[column], n_values)
    return np.unique(encoding.snap(x)[:, column])


def _values(encoding: Encoding, column: int, coordinates: Floats) -> Floats:
    """Map (g,) coordinates of one parameter to its values."""
    x = np.zeros((len(coordinates), len(encoding.is_choice)))
    x[:, column] = coordinates
    return encoding.values(x)[:, column]
