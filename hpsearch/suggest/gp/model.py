"""What is fitted from the trials of a search: how the loss behaves, and where trials fail.

Two processes over the same features: one of the warped losses of the trials that have one, and,
once a trial failed, one of +1 for each that worked and -1 for each that failed. Hyperparameters
may be those of fewer trials than the process is conditioned on, since they cost far more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hpsearch.core.history import Bools, Floats
from hpsearch.suggest.gp.acquisition import Acquisition
from hpsearch.suggest.gp.fit import fit
from hpsearch.suggest.gp.kernel import Hyperparameters, Indices
from hpsearch.suggest.gp.posterior import with_fantasies
from hpsearch.suggest.gp.warp import warped

#: The least variance of whether a trial works: where an edge runs is never cached exactly.
_MIN_DOUBT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedModels:
    """The hyperparameters of both processes."""

    losses: Hyperparameters
    success: Hyperparameters | None  #: None where no trial failed


def fit_models(features: Floats, groups: Indices, losses: Floats) -> FittedModels:
    """Return the most probable hyperparameters.

    Parameters
    ----------
    features : (n, D) array
        Of the trials.
    groups : (D,) array of int
        The parameter each feature belongs to.
    losses : (n,) array
        NaN or ``inf`` for a trial that failed.
    """
    works = has_loss(losses)
    success = None
    if not works.all():
        found = fit(features, groups, _labels(works))
        success = replace(found, noise=max(found.noise, _MIN_DOUBT))
    return FittedModels(losses=fit(features[works], groups, warped(losses[works])), success=success)


def build_acquisition(
    fitted: FittedModels,
    features: Floats,
    groups: Indices,
    losses: Floats,
    pending: Floats,
    *,
    beats_pending: bool = False,
) -> Acquisition:
    """Return what points are worth after trials, with (p, D) features of pending points; see ``fit_models``.

    The loss to improve on is the lowest that is believed of a trial that has one, and of a pending one
    if it is to be beaten, too: as long as it is not, a point beside one that promises much promises as much.
    """
    works = has_loss(losses)
    tried = features[works]
    posterior = with_fantasies(fitted.losses, tried, groups, warped(losses[works]), pending)
    # Where losses are noisy, the lowest one was lucky; the lowest mean was not.
    rivals = np.vstack([tried, pending]) if beats_pending else tried
    best = float(posterior.predict(rivals).mean.min())
    if fitted.success is None:
        return Acquisition(losses=posterior, best=best)
    success = with_fantasies(fitted.success, features, groups, _labels(works), pending)
    return Acquisition(losses=posterior, best=best, success=success, base_rate=_base_rate(works))


def has_loss(losses: Floats) -> Bools:
    """Return which of (n,) losses are one: not NaN, and not ``inf``, which says no more than a failure."""
    return np.asarray(losses < np.inf)


def _labels(works: Bools) -> Floats:
    """Return 1 for each trial that worked and -1 for each that failed, less their mean."""
    return np.asarray(np.where(works, 1.0, -1.0) - _base_rate(works))


def _base_rate(works: Bools) -> float:
    return float(np.where(works, 1.0, -1.0).mean())
