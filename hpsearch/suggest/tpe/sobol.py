"""Points that cover a space evenly: a scrambled Sobol' sequence, mapped by the quantiles of the priors.

The sequence has a coordinate for each parameter (Sobol' 1967; scrambled as by Matousek 1998, the method of
``scipy.stats.qmc``). The coordinates of inactive parameters are not used.
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
        A space with at least one parameter.
    n : int
        Number of points, rounded up to a power of two; positive. A smaller ``n`` gives a prefix.
    rng : Generator
        Scrambles the sequence.
    """
    # Only this option needs the import, which takes half of the memory and of the start-up time.
    from scipy.stats import qmc

    engine = qmc.Sobol(len(space.parameters), seed=rng)
    uniforms = engine.random_base2(math.ceil(math.log2(n)))
    return [_point(space, row) for row in uniforms.tolist()]


def _point(space: Space, uniforms: list[float]) -> Values:
    """Return the point with these quantile levels."""
    values: dict[str, float | int] = {}
    for parameter, uniform in zip(space.parameters, uniforms, strict=True):
        if parameter.is_active(values):
            values[parameter.label] = _inverse(parameter.distribution, uniform)
    return values


def _inverse(distribution: Distribution, p: float) -> float | int:
    """Return the quantile of a distribution at ``p`` in [0, 1)."""
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
