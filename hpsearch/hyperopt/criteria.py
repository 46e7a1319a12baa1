"""Hyperopt's ``criteria``: how much a point promises over the best, from a model's prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from hpsearch.suggest.gp.acquisition import log_improvement

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
    return deviation * (z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))


def logEI_gaussian(mean: Any, var: Any, thresh: Any) -> Any:  # noqa: N802
    """Return the logarithm of ``EI_gaussian``, finite far below the threshold, too."""
    deviation = np.sqrt(var)
    z = np.asarray((np.asarray(mean) - thresh) / deviation, dtype=float)
    return np.log(deviation) + log_improvement(z)


def UCB(mean: Any, var: Any, zscore: float) -> Any:  # noqa: N802
    """Return the upper confidence bound: ``mean + zscore sqrt(var)``."""
    return mean + np.sqrt(var) * zscore
