"""The acquisition function with several objectives or outcome limits.

It is a product, taken in logarithms:

- one objective: the expected improvement on the best feasible trial;
- up to three: the expected gain in hypervolume over the front of the feasible trials. The reference point is
  a tenth of the range beyond the worst of all trials, not of the front: with a nearer one, the ends of the
  front never gain, and the search stalls. A limit on an objective is its reference point. All this is on the
  scale of the warped objectives, so that a few huge values do not stretch it;
- by turns: the expected improvement on the first place in the order of trials (``order``), one number that
  says how far a trial is from the front (a mono-surrogate, Rahat, Everson and Fieldsend 2017, "Alternative
  infill strategies for expensive multi-objective optimisation", section 4). It has less to learn than each
  objective where these mostly say which part of the front a point belongs to;
- more than three: the expected improvement of one number, the largest weighted objective, with weights drawn
  for each suggestion (ParEGO, Knowles 2006, "ParEGO: a hybrid algorithm with on-line landscape approximation
  for expensive multiobjective optimization problems", equation 2);
- the probability of keeping each limit, and a power of that of success.

Until a trial is feasible, only the probabilities count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpsearch.core.front import nondominated, thin
from hpsearch.core.history import Floats, History
from hpsearch.suggest.gp.acquisition import Acquisition, ExpectedImprovement, Product
from hpsearch.suggest.gp.fit import fit
from hpsearch.suggest.gp.kernel import Hyperparameters, Indices
from hpsearch.suggest.gp.model import success_term
from hpsearch.suggest.gp.posterior import Posterior, with_fantasies
from hpsearch.suggest.gp.warp import warped
from hpsearch.suggest.objectives.boxes import nondominated_boxes
from hpsearch.suggest.objectives.expected_hypervolume import ExpectedHypervolume
from hpsearch.suggest.objectives.models import FittedOutcomes, feasibility
from hpsearch.suggest.objectives.order import has_objectives, keeps_limits

#: Largest number of objectives whose hypervolume is worth its cost.
MAX_BOXED = 3
#: Points of the front that make boxes; the others are left out.
_N_FRONT = {2: 60, 3: 30}
#: Distance of the reference point from the worst trial, in units of the range.
_MARGIN = 0.1
#: Weight of the sum in ParEGO's number, beside the largest weighted objective.
_SUM_WEIGHT = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class HypervolumeImprovement:
    """The log expected gain in hypervolume."""

    objectives: tuple[Posterior, ...]
    gain: ExpectedHypervolume

    def at(self, features: Floats) -> Floats:
        """Return the scores, (m,), of (m, D) features."""
        found = [posterior.predict(features) for posterior in self.objectives]
        means = np.column_stack([one.mean for one in found])
        return self.gain.log_gain(means, np.sqrt(np.column_stack([one.variance for one in found])))

    def with_gradient(self, features: Floats) -> tuple[Floats, Floats]:
        """Return the scores, (m,), of (m, D) features, and their gradients, (m, D)."""
        found = [posterior.predict_with_gradient(features) for posterior in self.objectives]
        means = np.column_stack([one.mean for one, *_ in found])
        deviations = np.sqrt(np.column_stack([one.variance for one, *_ in found]))
        value, by_mean, by_deviation = self.gain.with_gradient(means, deviations)
        by_variance = by_deviation / (2 * deviations)
        gradient = np.zeros(features.shape)
        for i, (_, mean_slope, variance_slope) in enumerate(found):
            gradient += by_mean[:, i, None] * mean_slope + by_variance[:, i, None] * variance_slope
        return value, gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a suggestion of the GP is based on."""

    history: History  #: ``n`` trials
    features: Floats  #: (n, D)
    groups: Indices  #: (D,) the parameter of each feature
    pending: Floats  #: (p, D) features of the pending points
    inside: Indices  #: the trials to improve on: all with objectives, or those of a branch

    @property
    def incumbents(self) -> Indices:
        """The feasible ones of the trials to improve on."""
        return self.inside[keeps_limits(self.history.violations[self.inside])]

    @property
    def works(self) -> Indices:
        """All trials with objectives."""
        return np.flatnonzero(has_objectives(self.history.objectives))


def build_acquisition(
    fitted: FittedOutcomes,
    observed: Observed,
    weights: Floats | None,
    *,
    by_order: bool = False,
    beats_pending: bool = False,
) -> Acquisition:
    """Return the acquisition function after a history.

    Parameters
    ----------
    fitted : FittedOutcomes
        Hyperparameters, perhaps of fewer trials.
    observed : Observed
        The trials.
    weights : (m,) array, optional
        Those of ParEGO's number, with sum 1; None for the hypervolume.
    by_order : bool
        Whether to improve on the places of the trials in their total order, with several objectives.
    beats_pending : bool
        Whether a point must also improve on the predicted loss of the pending ones. In hypervolume it always
        must.
    """
    history, limits = observed.history, np.arange(observed.history.violations.shape[1])
    gains: list[Acquisition] = []
    if len(observed.incumbents):
        if by_order and history.objectives.shape[1] > 1:
            gains = [_gain(observed, history.losses, None, beats_pending=beats_pending)]
        elif weights is not None:
            gains = [_scalar_gain(observed, weights, beats_pending=beats_pending)]
        elif history.objectives.shape[1] == 1:
            losses = history.objectives[:, 0]
            gains = [_gain(observed, losses, fitted.objectives[0], beats_pending=beats_pending)]
        else:
            gains = [_hypervolume_gain(observed, fitted.objectives)]
            limits = limits[~_are_references(history)]  # nothing beyond one gains any volume
    kept = [
        feasibility(
            fitted.limits[j], observed.features, observed.groups, history.violations[:, j], observed.pending
        )
        for j in limits
    ]
    works = has_objectives(history.objectives)
    succeeds = success_term(fitted.success, observed.features, observed.groups, works, observed.pending)
    return Product([*gains, *kept, *succeeds])


def _gain(
    observed: Observed, losses: Floats, hyper: Hyperparameters | None, *, beats_pending: bool
) -> ExpectedImprovement:
    """Return the expected improvement of (n,) losses; without hyperparameters they are fitted."""
    works, features, groups = observed.works, observed.features, observed.groups
    targets = warped(losses[works])
    if hyper is None:
        hyper = fit(features[works], groups, targets)
    posterior = with_fantasies(hyper, features[works], groups, targets, observed.pending)
    rivals = features[observed.incumbents]
    if beats_pending:
        rivals = np.vstack([rivals, observed.pending])
    return ExpectedImprovement(losses=posterior, best=float(posterior.predict(rivals).mean.min()))


def _scalar_gain(observed: Observed, weights: Floats, *, beats_pending: bool) -> ExpectedImprovement:
    """Return the expected improvement of the largest weighted objective, on the scale of the front."""
    objectives = observed.history.objectives
    # -inf counts as the lowest finite value.
    objectives = np.maximum(objectives, np.where(np.isfinite(objectives), objectives, 0.0).min(axis=0))
    feasible = objectives[observed.incumbents]
    front = feasible[nondominated(feasible)]
    low, high = front.min(axis=0), front.max(axis=0)
    units = (objectives - low) / np.where(high > low, high - low, 1.0)
    losses = (weights * units).max(axis=1) + _SUM_WEIGHT * (weights * units).sum(axis=1)
    return _gain(observed, losses, None, beats_pending=beats_pending)


def _hypervolume_gain(observed: Observed, hyper: tuple[Hyperparameters, ...]) -> HypervolumeImprovement:
    works, features, groups = observed.works, observed.features, observed.groups
    targets = [warped(column) for column in observed.history.objectives[works].T]
    posteriors = tuple(
        with_fantasies(own, features[works], groups, column, observed.pending)
        for own, column in zip(hyper, targets, strict=True)
    )
    # With noise, the front of the trials is partly luck; that of the posterior means is not.
    rivals = np.vstack([features[observed.incumbents], observed.pending])
    front = _means(posteriors, rivals)
    front = front[nondominated(front)]
    front = front[thin(front, _N_FRONT[len(posteriors)])]
    reference = _reference(observed, np.column_stack(targets), _means(posteriors, features[works]))
    boxes = nondominated_boxes(front, reference)
    return HypervolumeImprovement(objectives=posteriors, gain=ExpectedHypervolume(boxes))


def _means(posteriors: tuple[Posterior, ...], features: Floats) -> Floats:
    return np.column_stack([posterior.predict(features).mean for posterior in posteriors])


def _reference(observed: Observed, targets: Floats, means: Floats) -> Floats:
    """Return the reference point, (m,), from (w, m) warped objectives and their posterior means."""
    spread = np.ptp(means, axis=0)
    found = means.max(axis=0) + _MARGIN * np.where(spread > 0, spread, 1.0)
    objectives = observed.history.objectives[observed.works]
    assert observed.history.outcomes is not None
    for j, bound in enumerate(observed.history.outcomes.reference):
        if bound < objectives[:, j].max():
            order = np.argsort(objectives[:, j], kind="stable")
            found[j] = np.interp(bound, objectives[order, j], targets[order, j])
    return np.asarray(found)


def _are_references(history: History) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which limits are reference points of objectives."""
    assert history.outcomes is not None
    references = [objective.limit for objective in history.outcomes.objectives]
    return np.array([limit in references for limit in history.outcomes.limits], dtype=bool)
