"""The posterior of the GP: predictions at new points (Rasmussen and Williams 2006, algorithm 2.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtri

from hpsearch.core.history import Floats
from hpsearch.suggest.gp.fit import JITTER
from hpsearch.suggest.gp.kernel import Hyperparameters, Indices, correlation, distances

#: Smallest variance, relative to the signal; about what rounding leaves.
_MIN_VARIANCE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Normal predictions of the noise-free loss at ``m`` points."""

    mean: Floats  #: (m,)
    variance: Floats  #: (m,) positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """A GP conditioned on ``n`` observations in ``D`` features."""

    scaled: Floats  #: (n, D) features of the observations, divided by their length-scales
    inverse_lengths: Floats  #: (D,)
    signal: float  #: prior variance of the loss
    noise: float  #: variance of the observation noise
    inverse_root: Floats  #: (n, n) inverse of the lower Cholesky factor of the covariance
    weights: Floats  #: (n,) inverse covariance times the targets

    def predict(self, features: Floats) -> Prediction:
        """Predict at (m, D) features."""
        correlations, _ = correlation(distances(features * self.inverse_lengths, self.scaled))
        covariance = self.signal * correlations
        return self._prediction(covariance, covariance @ self.inverse_root.T)

    def predict_with_gradient(self, features: Floats) -> tuple[Prediction, Floats, Floats]:
        """Predict at (m, D) features.

        Returns
        -------
        Prediction, (m, D) array, (m, D) array
            The prediction, and the gradients of its mean and its variance by the features.
        """
        scaled = features * self.inverse_lengths
        correlations, slopes = correlation(distances(scaled, self.scaled))
        covariance = self.signal * correlations
        whitened = covariance @ self.inverse_root.T

        def gradient(weights: Floats) -> Floats:
            """Return the gradient of the sum of covariances with (m, n) weights."""
            c = -self.signal * slopes * weights
            return np.asarray((c.sum(axis=1)[:, None] * scaled - c @ self.scaled) * self.inverse_lengths)

        by_mean = gradient(self.weights)
        by_variance = gradient(-2 * (whitened @ self.inverse_root))
        return self._prediction(covariance, whitened), by_mean, by_variance

    def _prediction(self, covariance: Floats, whitened: Floats) -> Prediction:
        """Predict from the (m, n) covariances with the observations, plain and whitened."""
        variance = self.signal - (whitened * whitened).sum(axis=1)
        return Prediction(
            mean=covariance @ self.weights, variance=np.maximum(variance, _MIN_VARIANCE * self.signal)
        )


def condition(
    hyper: Hyperparameters,
    features: Floats,
    groups: Indices,
    targets: Floats,
    scales: Floats | None = None,
) -> Posterior:
    """Condition the GP on observations.

    Parameters
    ----------
    hyper : Hyperparameters
        Of the GP, with ``d`` lengths.
    features : (n, D) array
        Features of the observations.
    groups : (D,) array of int
        The parameter of each feature.
    targets : (n,) array
        Observed values, with mean 0.
    scales : (n,) array, optional
        Noise variance of each observation, in units of ``hyper.noise``; 1 by default.
    """
    inverse_lengths = (1 / hyper.lengths)[groups]
    scaled = features * inverse_lengths
    correlations, _ = correlation(distances(scaled, scaled))
    covariance = hyper.signal * correlations
    covariance.flat[:: len(targets) + 1] += (hyper.noise if scales is None else hyper.noise * scales) + JITTER
    root, _ = dpotrf(covariance.T, lower=1, overwrite_a=1, clean=1)
    inverse_root, _ = dtrtri(root, lower=1)
    return Posterior(
        scaled=scaled,
        inverse_lengths=inverse_lengths,
        signal=hyper.signal,
        noise=hyper.noise,
        inverse_root=inverse_root,
        weights=inverse_root.T @ (inverse_root @ targets),
    )


def with_fantasies(
    hyper: Hyperparameters,
    features: Floats,
    groups: Indices,
    targets: Floats,
    pending: Floats,
    scales: Floats | None = None,
) -> Posterior:
    """Condition the GP on observations, and on its own mean at pending points.

    These fantasies leave the mean unchanged and remove the variance, hence the expected improvement, at the
    pending points: the kriging believer of Ginsbourger et al. 2010, "Kriging is well-suited to parallelize
    optimization".

    Parameters
    ----------
    hyper, features, groups, targets
        As for ``condition``.
    pending : (p, D) array
        Features of the pending points.
    scales : (n,) array, optional
        As for ``condition``.
    """
    observed = condition(hyper, features, groups, targets, scales)
    if not len(pending):
        return observed
    fantasies = observed.predict(pending).mean
    if scales is not None:
        scales = np.append(scales, np.ones(len(pending)))
    return condition(hyper, np.vstack([features, pending]), groups, np.append(targets, fantasies), scales)
