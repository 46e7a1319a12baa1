"""Suggestions of the GP over mixed and conditional parameters.

``encoding`` maps points to features, ``warp`` transforms the losses, ``kernel``, ``fit``, ``posterior`` and
``model`` fit GPs to both, and ``optimize_acquisition`` searches for the point with the highest
``acquisition``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.core.front import nondominated
from hpsearch.core.history import Floats, History
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.allowed import allowed_points
from hpsearch.suggest.beliefs import Beliefs
from hpsearch.suggest.branches import activities
from hpsearch.suggest.gp.acquisition import Acquisition
from hpsearch.suggest.gp.encoding import Encoding
from hpsearch.suggest.gp.kernel import Indices
from hpsearch.suggest.gp.model import FittedModels, build_acquisition, fit_models, has_loss
from hpsearch.suggest.gp.optimize_acquisition import CandidateRegion, ranked
from hpsearch.suggest.gp.search_region import SearchRegion
from hpsearch.suggest.objectives.acquisition import MAX_BOXED, Observed
from hpsearch.suggest.objectives.acquisition import build_acquisition as build_outcome_acquisition
from hpsearch.suggest.objectives.models import FittedOutcomes, fit_outcomes
from hpsearch.suggest.preference import Preference, preference

#: Trials with a loss that a fit needs.
_MIN_TRIALS = 4
#: Up to this many trials, hyperparameters are fitted after each trial ...
_EACH_UP_TO = 20
#: ... and then whenever the number of trials has grown by this factor.
_GROWTH = 1.08
#: Number of best trials near which candidates are placed.
_N_ELITE = 5
#: With several objectives, the number of trials of the front that they are drawn from.
_N_FRONT = 20
#: Two points closer than this in every feature are the same.
_SAME = 1e-9
#: Probability that a choice is kept, in a region that keeps choices.
_KEPT = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cached:
    """The fit to the first ``n`` trials of a history."""

    history: History
    n: int
    fitted: FittedModels | FittedOutcomes


class GaussianProcess:
    """Proposes points with high expected improvement.

    Hyperparameters are a function of the first trials of a history, whose number depends only on the length
    of the history; they are cached until that number changes.

    Parameters
    ----------
    space : Space
        The space to search.
    beliefs : Beliefs, optional
        What a user believes about the best point.

    Attributes
    ----------
    n_active : float
        Expected number of active parameters.
    n_active_features : float
        Expected number of their features: one for a number, one for each option of a choice.
    """

    def __init__(self, space: Space, beliefs: Beliefs | None = None) -> None:
        self.space = space
        self._encoding = Encoding(space)
        active = np.array(activities(space))
        self.n_active = float(active.sum())
        self.n_active_features = float(active[self._encoding.groups].sum())
        self._cached: _Cached | None = None
        self._allowed = allowed_points(space)
        self._beliefs = beliefs

    def suggest(
        self,
        history: History,
        pending: Sequence[Values],
        rng: np.random.Generator,
        region: SearchRegion | None = None,
    ) -> Values | None:
        """Propose a point.

        Parameters
        ----------
        history : History
            Finished trials.
        pending : sequence of Values
            Points that wait or are under evaluation.
        rng : Generator
            Generator of this point.
        region : SearchRegion, optional
            Where to look; by default everywhere.

        Returns
        -------
        Values or None
            None when there are fewer than 4 losses, none in the branch of the region, every candidate is too
            close to a known point, or a condensed history leaves trials out.
        """
        region = region or SearchRegion()
        losses, encoding = history.losses, self._encoding
        works = np.flatnonzero(has_loss(losses))
        inside = works if region.branch is None else works[region.branch.rows(history)[works]]
        is_whole = len(history) == len(history.whole)
        if len(works) < _MIN_TRIALS or not len(inside) or not is_whole:
            return None
        x = encoding.coordinates(history.values)
        features = encoding.features(x, history.active)
        waiting = encoding.encode(pending, history)
        waiting_features = encoding.features(waiting, encoding.active(waiting))
        fitted = self._fitted(history, features)
        best = inside[np.argsort(losses[inside], kind="stable")[:_N_ELITE]]
        acquisition: Acquisition
        if isinstance(fitted, FittedModels):
            acquisition = build_acquisition(
                fitted,
                features,
                encoding.groups,
                losses,
                waiting_features,
                incumbents=inside,
                beats_pending=region.beats_pending,
                uppers=history.uppers,
            )
        else:
            observed = Observed(
                history=history,
                features=features,
                groups=encoding.groups,
                pending=waiting_features,
                inside=inside,
            )
            n_objectives = history.objectives.shape[1]
            if n_objectives > 1:
                best = _front_elite(observed, rng)
            acquisition = build_outcome_acquisition(
                fitted,
                observed,
                rng.dirichlet(np.ones(n_objectives)) if n_objectives > MAX_BOXED else None,
                by_order=region.by_order,
                beats_pending=region.beats_pending,
            )
        prefer = None if self._beliefs is None else preference(self._beliefs, history)
        candidates = ranked(acquisition, self._candidate_region(x, x[best], region, prefer, rng), rng)
        places = encoding.features(candidates, encoding.active(candidates))
        for candidate, place in zip(candidates, places, strict=True):
            if _is_apart(place, features, _SAME) and _is_apart(place, waiting_features, region.gap):
                return encoding.point(candidate)
        return None

    def _candidate_region(
        self,
        x: Floats,
        elite: Floats,
        region: SearchRegion,
        prefer: Preference | None,
        rng: np.random.Generator,
    ) -> CandidateRegion:
        """Return the region in coordinates, for trials at (n, d) of which the best are at (e, d)."""
        encoding = self._encoding
        kept = np.zeros(len(encoding.is_choice), dtype=bool)
        if region.branch is not None:
            kept[list(region.branch.columns)] = True
        if region.keeps_choices:
            kept |= encoding.is_choice & encoding.active(elite[:1])[0] & (rng.random(len(kept)) < _KEPT)
        box = encoding.near(elite[0], region.radius, encoding.box(x))
        return CandidateRegion(
            encoding=encoding,
            box=box,
            elite=elite,
            kept=kept,
            allowed=self._allowed,
            prefer=prefer,
        )

    def _fitted(self, history: History, features: Floats) -> FittedModels | FittedOutcomes:
        """Return the fit for a history with (n, D) features, from the cache if it holds."""
        n = n_learned_from(len(history))
        cached = self._cached
        if cached is None or cached.history is not history.whole or cached.n != n:
            groups = self._encoding.groups
            fitted: FittedModels | FittedOutcomes
            if history.outcomes is None:
                fitted = fit_models(features[:n], groups, history.losses[:n])
            else:
                fitted = fit_outcomes(features[:n], groups, history.objectives[:n], history.violations[:n])
            cached = self._cached = _Cached(history=history.whole, n=n, fitted=fitted)
        return cached.fitted


def _front_elite(observed: Observed, rng: np.random.Generator) -> Indices:
    """Return some trials of the front in random order, so that turns near the best one go along the front."""
    objectives, feasible = observed.history.objectives, observed.incumbents
    front = feasible[nondominated(objectives[feasible])] if len(feasible) else observed.inside
    order = np.argsort(observed.history.losses[front], kind="stable")[:_N_FRONT]
    return np.asarray(front[rng.permutation(order)[:_N_ELITE]])


def n_learned_from(n: int) -> int:
    """Return to how many of ``n`` trials hyperparameters are fitted: all of up to 20, then at least 92 %."""
    if n <= _EACH_UP_TO:
        return n
    m = _EACH_UP_TO
    while int(m * _GROWTH) + 1 <= n:
        m = int(m * _GROWTH) + 1
    return m


def _is_apart(place: Floats, others: Floats, gap: float) -> bool:
    """Whether (D,) features differ from each of (n, D) others by more than a gap in at least one."""
    return bool((np.abs(others - place) > gap).any(axis=1).all())
