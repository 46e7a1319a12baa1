"""The models of a search with several objectives or outcome limits: a GP for each.

Every objective has the GP that a single loss would have, on all trials that have objectives, infeasible ones
too: what lies behind a limit says as much about the slope as what lies before it. Every limit has a GP of the
amount by which it is exceeded, not of yes and no, on a scale that keeps the sign and the zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats
from hpsearch.suggest.gp.acquisition import LogProbability
from hpsearch.suggest.gp.fit import fit
from hpsearch.suggest.gp.kernel import Hyperparameters, Indices
from hpsearch.suggest.gp.model import fit_success
from hpsearch.suggest.gp.posterior import with_fantasies
from hpsearch.suggest.gp.warp import warped
from hpsearch.suggest.objectives.order import has_objectives


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedOutcomes:
    """The hyperparameters of all GPs."""

    objectives: tuple[Hyperparameters, ...]
    limits: tuple[Hyperparameters, ...]
    success: Hyperparameters | None  #: None when no trial has failed


def fit_outcomes(features: Floats, groups: Indices, objectives: Floats, violations: Floats) -> FittedOutcomes:
    """Fit the hyperparameters.

    Parameters
    ----------
    features : (n, D) array
        Features of the trials.
    groups : (D,) array of int
        The parameter of each feature.
    objectives : (n, m) array
        Minimised; NaN or ``inf`` for a failed trial.
    violations : (n, k) array
        By how much each limit is exceeded, if positive; NaN if it is not known.
    """
    works = has_objectives(objectives)
    tried = features[works]
    return FittedOutcomes(
        objectives=tuple(fit(tried, groups, warped(column)) for column in objectives[works].T),
        limits=tuple(
            fit(features[~np.isnan(column)], groups, LimitScale.of(column).targets) for column in violations.T
        ),
        success=fit_success(features, groups, works),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitScale:
    """Known amounts ``c`` of one limit for the GP: ``sign(c) log(1 + |c| / median |c|)``, standardized."""

    targets: Floats  #: (n,) of the known amounts; negative beyond the limit, minus their mean
    mean: float  #: the mean that was subtracted

    @classmethod
    def of(cls, violations: Floats) -> LimitScale:
        """Return the targets of (n,) amounts without those that are NaN."""
        known = violations[~np.isnan(violations)]
        if not len(known):
            return cls(targets=known, mean=0.0)
        finite = known[np.isfinite(known)]
        amounts = np.clip(known, finite.min(initial=-1.0), finite.max(initial=1.0))
        unit = np.median(np.abs(amounts)) or np.abs(amounts).max() or 1.0
        slack = -np.sign(amounts) * np.log1p(np.abs(amounts) / unit)
        scale = slack.std() or 1.0
        mean = slack.mean()
        return cls(targets=(slack - mean) / scale, mean=float(mean / scale))


def feasibility(
    hyper: Hyperparameters, features: Floats, groups: Indices, violations: Floats, pending: Floats
) -> LogProbability:
    """Return the log probability of keeping one limit.

    Parameters
    ----------
    hyper : Hyperparameters
        From ``fit_outcomes``.
    features, groups
        As for ``fit_outcomes``.
    violations : (n,) array
        Of this limit.
    pending : (p, D) array
        Features of the pending points.
    """
    scale, is_known = LimitScale.of(violations), ~np.isnan(violations)
    posterior = with_fantasies(hyper, features[is_known], groups, scale.targets, pending)
    return LogProbability(of=posterior, base=scale.mean, noise=posterior.noise)
