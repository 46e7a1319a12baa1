"""The models of a search: one GP for the loss, and one for success once a trial has failed.

Both use the same features. The first models the warped losses; the second +1 for each trial with a loss and
-1 for each failed one. The hyperparameters may come from fewer trials than the GP is conditioned on, since
fitting them costs far more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hpsearch.core.history import Bools, Floats
from hpsearch.suggest.gp.acquisition import ExpectedImprovement, LogProbability, Product, log_success
from hpsearch.suggest.gp.fit import fit
from hpsearch.suggest.gp.kernel import Hyperparameters, Indices
from hpsearch.suggest.gp.posterior import with_fantasies
from hpsearch.suggest.gp.warp import warped

#: Smallest standard deviation of a predicted loss, in standard deviations of all losses.
_MIN_DEVIATION = 0.05
#: Lower bound of the noise of the success GP: the border of the failing region is never known exactly.
_MIN_SUCCESS_NOISE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedModels:
    """The hyperparameters of both GPs."""

    losses: Hyperparameters
    success: Hyperparameters | None  #: None when no trial has failed


def fit_models(features: Floats, groups: Indices, losses: Floats) -> FittedModels:
    """Fit the hyperparameters.

    Parameters
    ----------
    features : (n, D) array
        Features of the trials.
    groups : (D,) array of int
        The parameter of each feature.
    losses : (n,) array
        NaN or ``inf`` for a failed trial.
    """
    works = has_loss(losses)
    success = fit_success(features, groups, works)
    return FittedModels(losses=fit(features[works], groups, warped(losses[works])), success=success)


def build_acquisition(
    fitted: FittedModels,
    features: Floats,
    groups: Indices,
    losses: Floats,
    pending: Floats,
    *,
    incumbents: Indices | None = None,
    beats_pending: bool = False,
    uppers: Floats | None = None,
) -> Product:
    """Return the acquisition function after a history.

    The incumbent is the lowest posterior mean of the trials with a loss, and of the pending ones if
    ``beats_pending`` is set. Otherwise expected improvement stays high next to pending points.

    Parameters
    ----------
    fitted : FittedModels
        Hyperparameters, perhaps of fewer trials.
    features, groups, losses
        All finished trials; as for ``fit_models``.
    pending : (p, D) array
        Features of the pending points.
    incumbents : (i,) array of int, optional
        The trials to improve on, each with a loss; by default all with one.
    beats_pending : bool
        Whether a point must also improve on the predicted losses of the pending ones.
    uppers : (n,) array, optional
        Losses one standard deviation above predicted ones, else the losses.
    """
    works = has_loss(losses)
    tried = features[works]
    targets = warped(losses[works])
    scales = (
        None if uppers is None else _noise_scales(fitted.losses.noise, targets, losses[works], uppers[works])
    )
    posterior = with_fantasies(fitted.losses, tried, groups, targets, pending, scales)
    # With noise, the lowest loss is partly luck; the lowest posterior mean is not.
    rivals = tried if incumbents is None else features[incumbents]
    if beats_pending:
        rivals = np.vstack([rivals, pending])
    best = float(posterior.predict(rivals).mean.min())
    gain = ExpectedImprovement(losses=posterior, best=best)
    return Product([gain, *success_term(fitted.success, features, groups, works, pending)])


def fit_success(features: Floats, groups: Indices, works: Bools) -> Hyperparameters | None:
    """Fit the hyperparameters of success; None if no trial has failed.

    Parameters
    ----------
    features, groups
        As for ``fit_models``.
    works : (n,) array of bool
        Which trials have not failed.
    """
    if works.all():
        return None
    found = fit(features, groups, _labels(works))
    return replace(found, noise=max(found.noise, _MIN_SUCCESS_NOISE))


def success_term(
    success: Hyperparameters | None, features: Floats, groups: Indices, works: Bools, pending: Floats
) -> list[LogProbability]:
    """Return the factor of the acquisition function for success; none if no trial has failed.

    Parameters
    ----------
    success : Hyperparameters or None
        From ``fit_success``.
    features, groups, works
        All finished trials; as for ``fit_success``.
    pending : (p, D) array
        Features of the pending points.
    """
    if success is None:
        return []
    posterior = with_fantasies(success, features, groups, _labels(works), pending)
    return [log_success(posterior, _base_rate(works))]


def _noise_scales(noise: float, targets: Floats, losses: Floats, uppers: Floats) -> Floats | None:
    """Return the noise variance of each trial in units of the noise; None if no loss is predicted.

    Parameters
    ----------
    noise : float
        Variance of the noise of all trials.
    targets : (n,) array
        Warped losses.
    losses : (n,) array
        Losses.
    uppers : (n,) array
        The same where a loss is known, one standard deviation above it where it is predicted.
    """
    if not (uppers > losses).any():
        return None
    order = np.argsort(losses, kind="stable")
    deviations = np.interp(uppers, losses[order], targets[order]) - targets
    # Beyond the worst loss there is no target; a trial that bad says little about good ones.
    deviations = np.where(uppers > losses, np.maximum(deviations, _MIN_DEVIATION), 0.0)
    return np.asarray(1 + deviations**2 / noise)


def has_loss(losses: Floats) -> Bools:
    """Return which of (n,) trials have a usable loss: neither NaN nor ``inf``, which counts as a failure."""
    return np.asarray(losses < np.inf)


def _labels(works: Bools) -> Floats:
    """Return +1 for success and -1 for failure, minus their mean."""
    return np.asarray(np.where(works, 1.0, -1.0) - _base_rate(works))


def _base_rate(works: Bools) -> float:
    return float(np.where(works, 1.0, -1.0).mean())
