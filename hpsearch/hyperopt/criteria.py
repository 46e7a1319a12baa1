"""Hyperopt's ``criteria``: the expected improvement of a predicted value over a threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpsearch.runtime.special_functions import ndtr
from hpsearch.suggest.gp.acquisition import log_improvement

__all__ = ["UCB", "EI_empirical", "EI_gaussian", "EI_gaussian_empirical", "logEI_gaussian"]


def EI_empirical(samples: Any, thresh: Any) -> Any:  # noqa: N802 - Hyperopt's name, like those below
    """Return the mean excess of samples over a threshold: ``mean(max(samples - thresh, 0))``.

    Parameters
    ----------
    samples : array-like
        Samples of the predicted value.
    thresh : float
        Threshold.
    """
    return np.maximum(np.asarray(samples) - thresh, 0).mean()


def EI_gaussian_empirical(mean: Any, var: Any, thresh: Any, rng: Any, N: int) -> Any:  # noqa: N802, N803
    """Estimate ``EI_gaussian`` from random draws.

    Parameters
    ----------
    mean, var : float
        Mean and variance of the prediction.
    thresh : float
        Threshold.
    rng : Generator or RandomState
        Source of randomness.
    N : int
        Number of draws.
    """
    return EI_empirical(rng.normal(size=N) * np.sqrt(var) + mean, thresh)


def EI_gaussian(mean: Any, var: Any, thresh: Any) -> Any:  # noqa: N802
    """Return the expected excess of a normal variable over a threshold.

    ``s (z Phi(z) + phi(z))`` with ``s = sqrt(var)`` and ``z = (mean - thresh) / s`` (Jones, Schonlau
    and Welch 1998, eq. 15).

    Parameters
    ----------
    mean, var : float or array
        Mean and variance of the prediction.
    thresh : float
        Threshold.
    """
    deviation = np.sqrt(var)
    z = (np.asarray(mean) - thresh) / deviation
    return deviation * (z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))


def logEI_gaussian(mean: Any, var: Any, thresh: Any) -> Any:  # noqa: N802
    """Return the logarithm of ``EI_gaussian``, without underflow far below the threshold.

    Parameters
    ----------
    mean, var : float or array
        Mean and variance of the prediction.
    thresh : float
        Threshold.
    """
    deviation = np.sqrt(var)
    z = np.asarray((np.asarray(mean) - thresh) / deviation, dtype=float)
    return np.log(deviation) + log_improvement(z)


def UCB(mean: Any, var: Any, zscore: float) -> Any:  # noqa: N802
    """Return the upper confidence bound ``mean + zscore sqrt(var)``.

    Parameters
    ----------
    mean, var : float or array
        Mean and variance of the prediction.
    zscore : float
        Number of standard deviations above the mean.
    """
    return mean + np.sqrt(var) * zscore
