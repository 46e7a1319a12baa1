"""Points that cover a space evenly: a scrambled Sobol' sequence through the inverses of the priors.

The sequence has a coordinate for each parameter (Sobol' 1967; scrambled after Matousek 1998, as
``scipy.stats.qmc`` does it). Those of parameters that the options above close are left unused.
"""

from __future__ import annotations

import math

import numpy as np

from hpsearch.space.distribution import Categorical, Distribution, Integer, Normal, Numeric
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.tpe.gauss import quantile


def sobol_points(space: Space, n: int, rng: np.random.Generator) -> list[Values]:
    """Return the first points of a sequence.

    Parameters
    ----------
    space : Space
        One with at least one parameter.
    n : int
        How many at the least, from 1 up; their number is a power of two. Fewer of them are the
        same points.
    rng : Generator
        Scrambles the sequence.
    """
    from scipy.stats import qmc  # half of our memory and of our start-up time, for an option

    engine = qmc.Sobol(len(space.parameters), seed=rng)
    uniforms = engine.random_base2(math.ceil(math.log2(n)))
    return [_point(space, row) for row in uniforms.tolist()]


def _point(space: Space, uniforms: list[float]) -> Values:
    """Return the point that has these probabilities of a lower value."""
    values: dict[str, float | int] = {}
    for parameter, uniform in zip(space.parameters, uniforms, strict=True):
        if parameter.is_active(values):
            values[parameter.label] = _inverse(parameter.distribution, uniform)
    return values


def _inverse(distribution: Distribution, p: float) -> float | int:
    """Return the value below which a distribution has the probability ``p``, in [0, 1)."""
    match distribution:
        case Categorical(probabilities=probabilities):
            cumulative = np.cumsum(probabilities)
            return int(np.searchsorted(cumulative / cumulative[-1], p, side="right"))
        case Integer(low=low, high=high):
            return low + math.floor(p * (high - low))
        case Numeric(latent=Normal(mu, sigma)):
            return distribution.from_latent(mu + sigma * float(quantile(np.array(p))))
        case Numeric(latent=latent):
            return distribution.from_latent(latent.low + p * (latent.high - latent.low))  # type: ignore[union-attr]
