"""Hyperopt's ``criteria``: how much a point promises over the best, from a model's prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_ndtr, ndtr

__all__ = ["UCB", "EI_empirical", "EI_gaussian", "EI_gaussian_empirical", "logEI_gaussian"]


def EI_empirical(samples: Any, thresh: Any) -> Any:  # noqa: N802 - Hyperopt's names, as all below
    """Return the mean excess of samples over a threshold: ``mean(max(samples - thresh, 0))``."""
    return np.maximum(np.asarray(samples) - thresh, 0).mean()


def EI_gaussian_empirical(mean: Any, var: Any, thresh: Any, rng: Any, N: int) -> Any:  # noqa: N802, N803
    """Estimate ``EI_gaussian`` from ``N`` draws of a RandomState or Generator."""
    return EI_empirical(rng.normal(size=N) * np.sqrt(var) + mean, thresh)


def EI_gaussian(mean: Any, var: Any, thresh: Any) -> Any:  # noqa: N802
    """Return the expected excess of a normal over a threshold.

    With the deviation ``s`` and ``z = (mean - thresh) / s`` that is ``s (z Phi(z) + phi(z))``
    (Jones, Schonlau and Welch 1998, eq. 15).
    """
    deviation = np.sqrt(var)
    z = (np.asarray(mean) - thresh) / deviation
    return deviation * (z * ndtr(z) + np.exp(_log_density(z)))


def logEI_gaussian(mean: Any, var: Any, thresh: Any) -> Any:  # noqa: N802
    """Return the logarithm of ``EI_gaussian``, finite far below the threshold, too.

    There ``z Phi(z) + phi(z) = phi(z) (1 - r)`` with ``r = -z Phi(z) / phi(z)``, which tends
    to 1 from below. Under ``z = -100``, where ``1 - r`` drowns in rounding, its asymptotic
    series ``z^-2 - 3 z^-4`` stands in.
    """
    deviation = np.sqrt(var)
    z = np.asarray((np.asarray(mean) - thresh) / deviation, dtype=float)
    low, far, near = np.clip(z, -100.0, -1.0), np.minimum(z, -100.0), np.maximum(z, -1.0)
    log_rest = np.log(-np.expm1(np.log(-low) + log_ndtr(low) - _log_density(low)))
    log_series = np.log1p(-3 / far**2) - 2 * np.log(-far)
    below = _log_density(z) + np.where(z < -100, log_series, log_rest)
    return np.log(deviation) + np.where(z < -1, below, np.log(near * ndtr(near) + np.exp(_log_density(near))))


def UCB(mean: Any, var: Any, zscore: float) -> Any:  # noqa: N802
    """Return the upper confidence bound: ``mean + zscore sqrt(var)``."""
    return mean + np.sqrt(var) * zscore


def _log_density(z: Any) -> Any:
    """Return the logarithm of the density of the standard normal."""
    return -(z**2) / 2 - np.log(2 * np.pi) / 2
