"""What a Gaussian process believes of points that were not tried."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtri

from hpsearch.core.history import Floats
from hpsearch.suggest.gp.fit import JITTER
from hpsearch.suggest.gp.kernel import Hyperparameters, Indices, correlation, distances

#: The least variance; rounding leaves about as much.
_MIN_VARIANCE = 1e-10


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The loss without noise at ``m`` points, as normal variables."""

    mean: Floats  #: (m,)
    variance: Floats  #: (m,) positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """A process after ``n`` observations, in ``D`` features."""

    scaled: Floats  #: (n, D) features of the observations, divided by their lengths
    inverse_lengths: Floats  #: (D,)
    signal: float  #: variance before any observation
    noise: float  #: variance of an observation beyond that of the loss
    inverse_root: Floats  #: (n, n) inverse of the lower Cholesky factor of their covariance
    weights: Floats  #: (n,) the covariance's inverse times the targets

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
            With the gradients of the mean and of the variance by the features.
        """
        scaled = features * self.inverse_lengths
        correlations, slopes = correlation(distances(scaled, self.scaled))
        covariance = self.signal * correlations
        whitened = covariance @ self.inverse_root.T

        def gradient(weights: Floats) -> Floats:
            """Return the gradient of the covariances' sum under some (m, n) weights."""
            c = -self.signal * slopes * weights
            return np.asarray((c.sum(axis=1)[:, None] * scaled - c @ self.scaled) * self.inverse_lengths)

        by_mean = gradient(self.weights)
        by_variance = gradient(-2 * (whitened @ self.inverse_root))
        return self._prediction(covariance, whitened), by_mean, by_variance

    def _prediction(self, covariance: Floats, whitened: Floats) -> Prediction:
        """Predict from the covariances with the observations, plain and whitened, (m, n) each."""
        variance = self.signal - (whitened * whitened).sum(axis=1)
        return Prediction(
            mean=covariance @ self.weights, variance=np.maximum(variance, _MIN_VARIANCE * self.signal)
        )


def condition(hyper: Hyperparameters, features: Floats, groups: Indices, targets: Floats) -> Posterior:
    """Return the process after observing (n,) targets at (n, D) features; see ``fit`` for the groups."""
    inverse_lengths = (1 / hyper.lengths)[groups]
    scaled = features * inverse_lengths
    correlations, _ = correlation(distances(scaled, scaled))
    covariance = hyper.signal * correlations
    covariance.flat[:: len(targets) + 1] += hyper.noise + JITTER
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
    hyper: Hyperparameters, features: Floats, groups: Indices, targets: Floats, pending: Floats
) -> Posterior:
    """Return the process that believes its own mean at (p, D) pending features.

    What is under evaluation then tells nothing new of the mean, and leaves nothing to gain
    where it is (the kriging believer of Ginsbourger et al. 2010).
    """
    observed = condition(hyper, features, groups, targets)
    if not len(pending):
        return observed
    believed = observed.predict(pending).mean
    return condition(hyper, np.vstack([features, pending]), groups, np.append(targets, believed))
