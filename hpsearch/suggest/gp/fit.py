"""Maximum a posteriori hyperparameters of the GP.

The prior of a length-scale is lognormal, and grows with the dimension: ``log l ~ N(mu + log(d) / 2,
sigma^2)`` (Hvarfner et al. 2024, arXiv 2402.02229). Without that, all points are far apart for a GP in many
dimensions. ``mu`` and ``sigma`` are smaller here than in the paper, which was measured to be better with few
trials.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs
from scipy.optimize import OptimizeResult, minimize

from hpsearch.core.history import Floats
from hpsearch.suggest.gp.kernel import Hyperparameters, Indices, correlation, distances

#: Added to the noise, so that the covariance of repeated points can be inverted.
JITTER = 1e-6

#: Iterations of L-BFGS-B.
_MAX_STEPS = 25
#: The priors are normal in the logarithms: for a length around ``log(sqrt(d)) + _LENGTH_SHIFT`` ...
_LENGTH_SHIFT, _LENGTH_SIGMA = -0.2, 1.0
#: ... and for the signal around 0.
_SIGNAL_SIGMA = 1.0
#: Bounds of the search, in standard deviations from the centre of the prior.
_N_SIGMAS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisePrior:
    """The prior of the noise: normal in its logarithm."""

    log_mean: float  #: mean of the logarithm
    log_sigma: float  #: its standard deviation


#: The prior where nothing is known: losses are usually deterministic.
LITTLE_NOISE = NoisePrior(log_mean=math.log(1e-4), log_sigma=2.5)


def fit(
    features: Floats,
    groups: Indices,
    targets: Floats,
    *,
    shifts: Sequence[float] = (0.0,),
    noise: NoisePrior = LITTLE_NOISE,
    scales: Floats | None = None,
) -> Hyperparameters:
    """Return the hyperparameters with the highest posterior density.

    The search starts at fixed points of the prior, so the result depends on the data alone.

    Parameters
    ----------
    features : (n, D) array
        Features of the trials.
    groups : (D,) array of int
        The parameter of each feature, 0 to d - 1, each at least once.
    targets : (n,) array
        Observations with mean 0 and variance about 1.
    shifts : sequence of float
        Where to start: the logarithms of the lengths, minus the centre of their prior.
    noise : NoisePrior
        Prior of the noise.
    scales : (n,) array, optional
        Noise variance of each observation, in units of the noise; 1 by default.

    Returns
    -------
    Hyperparameters
        The best from all starts, with ``d`` lengths; the centre of the prior when ``n`` is 0.
    """
    d = int(groups.max(initial=-1)) + 1
    centre, width = _prior(d, noise)
    if not len(targets):
        return _hyperparameters(centre)
    bounds = list(zip(centre - _N_SIGMAS * width, centre + _N_SIGMAS * width, strict=True))

    def loss(theta: Floats) -> tuple[float, Floats]:
        return negative_log_posterior(theta, features, groups, targets, noise, scales)

    def from_start(shift: float) -> OptimizeResult:
        start = centre.copy()
        start[:d] += shift
        return minimize(
            loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": _MAX_STEPS, "maxcor": 10, "ftol": 1e-4, "gtol": 1e-2},
        )

    return _hyperparameters(min(map(from_start, shifts), key=lambda found: float(found.fun)).x)


def negative_log_posterior(
    theta: Floats,
    features: Floats,
    groups: Indices,
    targets: Floats,
    prior: NoisePrior = LITTLE_NOISE,
    scales: Floats | None = None,
) -> tuple[float, Floats]:
    """Return minus the log posterior density, up to a constant, and its gradient.

    With ``M = a a' - K^-1`` and ``a = K^-1 y``, the likelihood's part of the gradient is ``-1/2 tr(M dK)``
    (Rasmussen and Williams 2006, equation 5.9). For a length this is a sum of ``C_ij (x_i - x_j)^2`` over
    all pairs, computed by two products with ``C``.

    Parameters
    ----------
    theta : (d + 2,) array
        Logarithms of the lengths, the signal and the noise.
    features, groups, targets
        As for ``fit``.
    prior : NoisePrior
        Prior of the noise.
    scales : (n,) array, optional
        As for ``fit``.

    Returns
    -------
    float, (d + 2,) array
        The value and the gradient.
    """
    d, n = len(theta) - 2, len(targets)
    signal, noise = math.exp(theta[d]), math.exp(theta[d + 1])
    scaled = features * np.exp(-theta[:d])[groups]
    correlations, slopes = correlation(distances(scaled, scaled))
    covariance = signal * correlations
    covariance.flat[:: n + 1] += (noise if scales is None else noise * scales) + JITTER
    root, _ = dpotrf(covariance.T, lower=1, overwrite_a=1)
    weights, _ = dpotrs(root, targets, lower=1)
    log_determinant = 2 * np.log(root.diagonal()).sum()
    half, _ = dpotri(root, lower=1, overwrite_c=1)
    inverse = np.tril(half)
    inverse += np.tril(half, -1).T
    m = np.outer(weights, weights) - inverse

    c = signal * slopes * m
    squares = c.sum(axis=1) @ (scaled * scaled) - (scaled * (c @ scaled)).sum(axis=0)  # (D,)
    gradient = np.empty(d + 2)
    gradient[:d] = -np.bincount(groups, squares, minlength=d)
    gradient[d] = -0.5 * signal * (m * correlations).sum()
    gradient[d + 1] = -0.5 * noise * (m.trace() if scales is None else scales @ m.diagonal())
    centre, width = _prior(d, prior)
    off = (theta - centre) / width
    value = 0.5 * (targets @ weights + log_determinant + off @ off)
    return float(value), gradient + off / width


def _hyperparameters(theta: Floats) -> Hyperparameters:
    """Return the hyperparameters with these (d + 2,) logarithms."""
    *lengths, signal, noise = np.exp(theta)
    return Hyperparameters(lengths=np.array(lengths), signal=float(signal), noise=float(noise))


def _prior(d: int, noise: NoisePrior) -> tuple[Floats, Floats]:
    """Return the means and standard deviations, (d + 2,) each, of the priors of the logarithms."""
    length = 0.5 * math.log(max(d, 1)) + _LENGTH_SHIFT
    return (
        np.array([length] * d + [0.0, noise.log_mean]),
        np.array([_LENGTH_SIGMA] * d + [_SIGNAL_SIGMA, noise.log_sigma]),
    )
