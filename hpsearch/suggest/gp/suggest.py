"""The suggester: a Gaussian process over mixed and conditional parameters.

Losses are warped (``warp``), a process is fitted to them (``encoding``, ``kernel``, ``fit``), and
the point with the highest expected improvement is searched for (``acquisition``, ``search``).
Pending points count as if the process had been right about them (``posterior``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpsearch.history import Bools, Floats, History
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.gp.acquisition import Merit
from hpsearch.suggest.gp.encoding import Encoding
from hpsearch.suggest.gp.fit import fit
from hpsearch.suggest.gp.kernel import Hyperparameters
from hpsearch.suggest.gp.posterior import with_fantasies
from hpsearch.suggest.gp.search import Region, ranked
from hpsearch.suggest.gp.warp import warped

#: Trials with a loss below which nothing can be learned.
MIN_TRIALS = 3
#: Up to so many trials hyperparameters are learned anew with each ...
_EACH_UP_TO = 20
#: ... and then whenever their number grew by this factor.
_GROWTH = 1.08
#: The least variance of whether a trial works: an edge is never known exactly.
_MIN_DOUBT = 0.1
#: The best trials, near which candidates are placed.
_N_ELITE = 5
#: Two points closer than this in every feature are the same ...
_SAME = 1e-9
#: ... and this close to one under evaluation there is no use in another, however sure the process is.
_APART = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class _Learned:
    """What was learned from the first trials of a history."""

    history: History
    n: int  #: how many trials
    losses: Hyperparameters
    success: Hyperparameters | None


class GaussianProcess:
    """Proposes where the loss may be lower than the best.

    Hyperparameters are learned from the first trials only, up to a number that depends on how
    many there are, and from nothing else; they are kept until that number changes.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._encoding = Encoding(space)
        self._learned: _Learned | None = None

    @property
    def n_features(self) -> int:
        """Columns of the kernel: one for a number, one for each option of a choice."""
        return len(self._encoding.groups)

    def suggest(self, history: History, pending: Sequence[Values], rng: np.random.Generator) -> Values | None:
        """Propose a point, or None if there are too few losses, or it finds none that is new.

        Parameters
        ----------
        history : History
            Finished trials.
        pending : sequence of Values
            Points that are waiting or under evaluation.
        rng : Generator
            Of this point.
        """
        losses = history.losses
        works = losses < np.inf
        if np.count_nonzero(works) < MIN_TRIALS:
            return None
        encoding = self._encoding
        x = encoding.coordinates(history.values)
        features = encoding.features(x, history.active)
        waiting = encoding.encode(list(pending), history)
        waiting_features = encoding.features(waiting, encoding.active(waiting))
        learned = self._learn(history, features)
        merit = _merit(learned, features, waiting_features, losses, encoding)
        order = np.flatnonzero(works)[np.argsort(losses[works], kind="stable")]
        region = Region(encoding=encoding, box=encoding.box(x), elite=x[order[:_N_ELITE]])
        candidates = ranked(merit, region, rng)
        found = encoding.features(candidates, encoding.active(candidates))
        for point, place in zip(candidates, found, strict=True):
            if _is_apart(place, features, _SAME) and _is_apart(place, waiting_features, _APART):
                return encoding.point(point)
        return None

    def _learn(self, history: History, features: Floats) -> _Learned:
        """Return the hyperparameters for a history; those from before while they hold."""
        n = learned_from(len(history))
        known = self._learned
        if known is None or known.history is not history or known.n != n:
            losses = history.losses[:n]
            works = losses < np.inf
            groups = self._encoding.groups
            known = _Learned(
                history=history,
                n=n,
                losses=fit(features[:n][works], groups, warped(losses[works])),
                success=None if works.all() else _doubtful(fit(features[:n], groups, _labels(works))),
            )
            self._learned = known
        return known


def learned_from(n: int) -> int:
    """Return from how many of ``n`` trials hyperparameters are learned: at least 92 % of them."""
    return n if n <= _EACH_UP_TO else max(m for m in _schedule(n))


def _schedule(n: int) -> Iterator[int]:
    """Yield the numbers of trials, up to n, after which hyperparameters are learned."""
    m = _EACH_UP_TO
    while m <= n:
        yield m
        m = int(m * _GROWTH) + 1


def _is_apart(place: Floats, others: Floats, gap: float) -> bool:
    """Whether (D,) features differ from each of (n, D) others by more than a gap in any of them."""
    return bool((np.abs(others - place) > gap).any(axis=1).all())


def _doubtful(hyper: Hyperparameters) -> Hyperparameters:
    """Return hyperparameters with no less noise than there is doubt."""
    return replace(hyper, noise=max(hyper.noise, _MIN_DOUBT))


def _labels(works: Bools) -> Floats:
    """Return 1 for each trial that worked and -1 for each that failed, less their mean."""
    labels = np.where(works, 1.0, -1.0)
    return np.asarray(labels - labels.mean())


def _merit(learned: _Learned, features: Floats, waiting: Floats, losses: Floats, encoding: Encoding) -> Merit:
    """Return the worth of points after (n,) losses at (n, D) features, with (p, D) more under evaluation."""
    works = losses < np.inf
    groups = encoding.groups
    targets = warped(losses[works])
    posterior = with_fantasies(learned.losses, features[works], groups, targets, waiting)
    # Where losses are noisy, the lowest one was lucky; the lowest mean was not.
    best = float(posterior.predict(features[works]).mean.min())
    if learned.success is None:
        return Merit(losses=posterior, best=best, success=None)
    success = with_fantasies(learned.success, features, groups, _labels(works), waiting)
    base_rate = float(np.where(works, 1.0, -1.0).mean())
    return Merit(losses=posterior, best=best, success=success, base_rate=base_rate)
