"""The GP where losses are known to be noisy.

Noise has a prior of its own there, of a tenth of the variance of the losses instead of next to nothing. It
need not be normal, nor equally strong everywhere: each trial has a noise scale, the product of two factors.
One grows with the trial's residual, as in the EM algorithm for Student's t with 4 degrees of freedom (Lange,
Little and Taylor 1989, "Robust statistical modeling using the t distribution", section 3), so an outlier says
little. The other is log-linear in the rank of the predicted loss, as noise often grows with the loss. Both
use leave-one-out residuals (Rasmussen and Williams 2006, equations 5.10 to 5.12).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.suggest.gp.fit import NoisePrior, fit
from hpsearch.suggest.gp.kernel import Hyperparameters, Indices
from hpsearch.suggest.gp.posterior import Posterior, condition
from hpsearch.suggest.gp.warp import warped

#: Prior of the logarithm of the noise: its mean and standard deviation.
_PRIOR = NoisePrior(log_mean=math.log(0.1), log_sigma=1.5)
#: Degrees of freedom of Student's t.
_FREEDOM = 4.0
#: Variance of the logarithm of a squared normal variable.
_LOG_VARIANCE = math.pi**2 / 2
#: Standard deviation a priori of how much the log variance differs between the best and the worst trial.
_TREND_SIGMA = 2.0
#: Largest size of that difference.
_MAX_TREND = 4.0
#: Rounds in which scales and residuals follow from each other.
_N_ROUNDS = 2
#: A loss this many ranks from the best is believed to be possible; lower ones are clipped ...
_CONFIRMED = 3
#: ... at this many times its distance from the median below it.
_MAX_BELOW = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoisyFit:
    """A GP of ``n`` noisy losses."""

    posterior: Posterior  #: conditioned on the targets
    targets: Floats  #: (n,) warped losses


def fit_noisy(features: Floats, groups: Indices, losses: Floats) -> NoisyFit:
    """Fit a GP, first with equal noise, then with the scales that follow.

    Parameters
    ----------
    features : (n, D) array
        Features of the trials.
    groups : (D,) array of int
        The parameter of each feature.
    losses : (n,) array
        Finite; at least one.
    """
    targets = noisy_targets(losses)
    scales = np.ones(len(targets))
    hyper = fit(features, groups, targets, noise=_PRIOR)
    hyper = fit(
        features, groups, targets, noise=_PRIOR, scales=noise_scales(hyper, features, groups, targets, scales)
    )
    for _ in range(_N_ROUNDS):
        scales = noise_scales(hyper, features, groups, targets, scales)
    return NoisyFit(posterior=condition(hyper, features, groups, targets, scales), targets=targets)


def noisy_targets(losses: Floats) -> Floats:
    """Return (n,) finite losses warped, the lowest ones clipped: a lucky trial must not set the scale."""
    if len(losses) < _CONFIRMED:
        return warped(losses)
    confirmed = np.partition(losses, _CONFIRMED - 1)[_CONFIRMED - 1]
    with np.errstate(over="ignore"):  # then nothing is clipped
        lowest = confirmed - _MAX_BELOW * (np.median(losses) - confirmed)
    return warped(np.maximum(losses, lowest))


def noise_scales(
    hyper: Hyperparameters, features: Floats, groups: Indices, targets: Floats, scales: Floats
) -> Floats:
    """Return the noise scale of each trial after a round from earlier ones.

    Parameters
    ----------
    hyper : Hyperparameters
        Of the GP.
    features : (n, D) array
        Features of the trials.
    groups : (D,) array of int
        The parameter of each feature.
    targets : (n,) array
        Warped losses.
    scales : (n,) array
        The earlier scales.

    Returns
    -------
    (n,) array
        Positive, with geometric mean 1.
    """
    posterior = condition(hyper, features, groups, targets, scales)
    precision = (posterior.inverse_root**2).sum(axis=0)  # the diagonal of the inverse covariance
    residuals = posterior.weights / precision
    trend = _trend(residuals, 1 / precision, posterior.predict(features).mean)
    variances = (hyper.noise * trend + (1 / precision - hyper.noise * scales).clip(min=0.0)).clip(min=1e-12)
    outlying = (_FREEDOM + residuals**2 / variances) / (_FREEDOM + 1)
    found = trend * outlying
    return np.asarray(found / np.exp(np.log(found).mean()))


def _trend(residuals: Floats, variances: Floats, means: Floats) -> Floats:
    """Return the factor of the noise variance that follows from the rank of the predicted loss."""
    n = len(residuals)
    logs = np.log(residuals**2 + 1e-3 * variances)
    ranks = np.empty(n)
    ranks[np.argsort(means, kind="stable")] = (np.arange(n) + 0.5) / n - 0.5
    slope = ranks @ (logs - logs.mean()) / (ranks @ ranks + _LOG_VARIANCE / _TREND_SIGMA**2)
    return np.asarray(np.exp(np.clip(slope, -_MAX_TREND, _MAX_TREND) * ranks))
