"""Choosing the first points of a search from earlier searches.

A GP is fitted to each earlier search alone, since losses of different searches cannot be compared. The
candidates are the trials with the lowest posterior means of each. How good a candidate is in a search is
believed to be its quantile: the share of that search's trials with a lower posterior mean. The portfolio is
grown greedily so that the mean over the searches of the best quantile in it becomes least. The objective is
submodular, so the greedy choice is within a factor 1 - 1/e of the best one (Nemhauser, Wolsey and Fisher
1978); the idea of a portfolio of configurations is that of Feurer et al. 2015, "Initializing Bayesian
hyperparameter optimization via meta-learning", and Winkelmolen et al. 2020, arXiv 2003.11774.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Bools, Floats, History
from hpsearch.runtime.special_functions import ndtr
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.gp.encoding import Encoding
from hpsearch.suggest.gp.kernel import Indices
from hpsearch.suggest.gp.model import fit_models, has_loss
from hpsearch.suggest.gp.posterior import Posterior, condition
from hpsearch.suggest.gp.warp import warped
from hpsearch.suggest.warm_start.sources import Source, SourceTrial, has_loss_in

#: Points of a portfolio, which bounds the cost of misleading sources.
N_POINTS = 4

#: Trials of each source that are candidates.
_N_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Chosen:
    """A trial that was chosen."""

    source: int  #: index of its source
    trial: SourceTrial


def portfolio(space: Space, sources: Sequence[Source], n_points: int = N_POINTS) -> list[Chosen]:
    """Choose trials of earlier searches that are likely to be good in a new one.

    Parameters
    ----------
    space : Space
        The space of the new search.
    sources : sequence of Source
        The earlier searches; those without a loss have no influence.
    n_points : int
        The maximum number of trials to choose.

    Returns
    -------
    list of Chosen
        In the order of evaluation, all with different values; fewer if there are no more.
    """
    encoding = Encoding(space)
    beliefs = [_Belief(encoding, source, i) for i, source in enumerate(sources) if has_loss_in(source)]
    candidates: list[Chosen] = []
    for belief in beliefs:
        for trial in belief.best(_N_CANDIDATES):
            if all(trial.values != other.trial.values for other in candidates):
                candidates.append(Chosen(belief.number, trial))
    if not candidates:
        return []
    points = [candidate.trial.values for candidate in candidates]
    return [candidates[i] for i in _greedy(np.stack([b.risks(points) for b in beliefs]), n_points)]


def _greedy(risks: Floats, n_points: int) -> list[int]:
    """Return the columns of (sources, candidates) risks with the least mean over sources of the best risk.

    Among equal ones, the column with the lowest mean risk is first.
    """
    chosen: list[int] = []
    best, means = np.ones(len(risks)), risks.mean(axis=0)
    while len(chosen) < min(n_points, risks.shape[1]):
        reached = np.minimum(best[:, None], risks).mean(axis=0)
        reached[chosen] = np.inf
        i = int(np.lexsort((means, reached.round(9)))[0])
        chosen.append(i)
        best = np.minimum(best, risks[:, i])
    return chosen


class _Belief:
    """What one earlier search says about points of the new space.

    Parameters
    ----------
    encoding : Encoding
        Of the new space.
    source : Source
        The earlier search, with at least one loss.
    number : int
        Its index.
    """

    def __init__(self, encoding: Encoding, source: Source, number: int) -> None:
        self.number = number
        self._encoding, self._trials = encoding, source.trials
        self._is_known = np.array([p.label in source.known for p in encoding.space.parameters], dtype=bool)
        losses = np.array([trial.loss for trial in source.trials])
        works = has_loss(losses)
        features = self._features([trial.values for trial in source.trials])
        groups: Indices = encoding.groups
        fitted = fit_models(features, groups, losses)
        self._losses = condition(fitted.losses, features[works], groups, warped(losses[works]))
        self._base_rate = 1.0
        self._success: Posterior | None = None
        if fitted.success is not None:
            labels = np.where(works, 1.0, -1.0)
            self._base_rate = float(labels.mean())
            self._success = condition(fitted.success, features, groups, labels - labels.mean())
        self._with_loss: Indices = np.flatnonzero(works)
        self._means = self._losses.predict(features[works]).mean

    def best(self, n: int) -> list[SourceTrial]:
        """Return the trials with the lowest posterior means, at most ``n`` with different values."""
        found: list[SourceTrial] = []
        for i in np.argsort(self._means, kind="stable"):
            trial = self._trials[self._with_loss[i]]
            if len(found) < n and all(trial.values != other.values for other in found):
                found.append(trial)
        return found

    def risks(self, points: Sequence[Values]) -> Floats:
        """Return the believed quantile, from 0 for the best to 1, of each of (m,) points.

        The expected quantile where a failure counts as 1.
        """
        features = self._features(points)
        means = self._losses.predict(features).mean
        # A candidate of this source must not count as worse than itself.
        quantiles = np.searchsorted(np.sort(self._means), means - 1e-9) / len(self._means)
        if self._success is None:
            return np.asarray(quantiles)
        works = self._success.predict(features)
        p = ndtr((works.mean + self._base_rate) / np.sqrt(works.variance + self._success.noise))
        return np.asarray(1 - p * (1 - quantiles))

    def _features(self, points: Sequence[Values]) -> Floats:
        """Return the (m, D) features of points; unknown parameters count as inactive."""
        encoding, history = self._encoding, History(self._encoding.space)
        rows = [history.encode(values) for values in points]
        raw = np.array([row for row, _ in rows])
        active: Bools = np.array([mask for _, mask in rows]) & self._is_known
        return encoding.features(encoding.coordinates(raw), active)
