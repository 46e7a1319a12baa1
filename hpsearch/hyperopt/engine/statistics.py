"""Which of several noisy losses is the lowest."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpsearch.core.history import Floats


def pmin_sampled(mean: Any, var: Any, n_samples: int = 1000, rng: Any = None) -> Floats:
    """Return the probability of each of several independent normals to be the lowest, by sampling.

    Parameters
    ----------
    mean, var : (n,) array-like
        Of the normals.
    n_samples : int
        Draws; the standard error of a probability is at most ``0.5 / sqrt(n_samples)``.
    rng : Generator, RandomState, int or None
        The source of randomness; the same draws at each call by default.

    Returns
    -------
    (n,) array
        Probabilities, with the sum 1.
    """
    means = np.asarray(mean, dtype=float)
    generator = np.random.default_rng(0 if rng is None else rng)
    draws = generator.normal(means, np.sqrt(np.asarray(var, dtype=float)), size=(n_samples, len(means)))
    counts = np.bincount(draws.argmin(axis=1), minlength=len(means))
    frequencies: Floats = counts / n_samples
    return frequencies
