"""A GP of a finished or running search, for questions about its whole space.

It has the kernel, the features and the priors of the search's own GP (``suggest.gp``), but another scale of
the losses (``loss_scale``). Its leave-one-out ``R2`` says how far it can be trusted. A long search is
represented by 300 trials: the best 100, and 200 others by their fixed ranks. If it cannot be trusted because
a few losses are huge for no reason that the parameters give, as after a training that diverges by chance,
those trials are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats, History
from hpsearch.report.numbers.loss_scale import LossScale, are_extreme, loss_scale
from hpsearch.suggest.gp.encoding import Encoding
from hpsearch.suggest.gp.fit import fit
from hpsearch.suggest.gp.kernel import correlation, distances
from hpsearch.suggest.gp.posterior import Posterior, condition
from hpsearch.suggest.tpe.split import fixed_ranks

#: Trials of a fit: the best, and others.
N_BEST, N_OTHERS = 100, 200
#: Leave-one-out R2 below which a surrogate is not trusted.
MIN_R2 = 0.3
#: R2 below which a fit without huge losses is tried, and the largest share of the trials that it leaves out.
_MIN_R2_WITH_EXTREMES, _MAX_EXTREME = 0.75, 0.2
#: Active features, on average, beyond which 300 trials say too little.
MAX_FEATURES = 60
#: Least noise of the GP of successes: the border of a failing region is never known exactly.
_SUCCESS_NOISE = 0.1
#: Starts of the fit: from the centre alone, it may end where a parameter that matters seems not to.
_STARTS = (0.0, -0.7)
#: Terms of a drawn function; the error of its covariance falls with the root of the number.
_N_WAVES = 512
#: Degrees of freedom of the spectral density of the Matern 5/2 kernel.
_SPECTRAL_FREEDOM = 5.0

#: Maps (m, D) features to (m, s) values of ``s`` functions.
Functions = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrogate:
    """A GP over a space, conditioned on trials."""

    encoding: Encoding
    posterior: Posterior
    scale: LossScale | None  #: of the losses; None: the GP predicts success (1) and failure (-1)
    offset: float  #: added to predictions; the mean of the targets
    r2: float  #: leave-one-out R2: 1 for perfect predictions, 0 for none better than the mean
    n_used: int  #: trials of the fit
    n_extreme: int = 0  #: trials left out for their huge losses

    def mean(self, x: Floats, active: Bools) -> Floats:
        """Return the predicted means, (m,), on the GP's scale.

        Parameters
        ----------
        x : (m, d) array
            Coordinates.
        active : (m, d) array of bool
            Which parameters are active.
        """
        return self.posterior.predict(self.encoding.features(x, active)).mean + self.offset

    def draw(self, n: int, rng: np.random.Generator) -> Functions:
        """Draw functions from the posterior.

        A function of the prior, a sum of random cosines (Rahimi and Recht 2007), is corrected at the trials
        by the kernel (Wilson et al. 2020, arXiv 2002.09309, equation 13).

        Parameters
        ----------
        n : int
            Number of functions.
        rng : Generator
            Source of randomness.
        """
        gp = self.posterior
        waves = rng.standard_normal((gp.scaled.shape[1], _N_WAVES))
        waves *= np.sqrt(_SPECTRAL_FREEDOM / rng.chisquare(_SPECTRAL_FREEDOM, _N_WAVES))
        phases, weights = rng.uniform(0, 2 * np.pi, _N_WAVES), rng.standard_normal((_N_WAVES, n))
        height = np.sqrt(2 * gp.signal / _N_WAVES)

        def prior(scaled: Floats) -> Floats:
            return np.asarray(height * np.cos(scaled @ waves + phases) @ weights)

        noise = np.sqrt(gp.noise) * rng.standard_normal((len(gp.scaled), n))
        missing = gp.inverse_root.T @ (gp.inverse_root @ (prior(gp.scaled) + noise))
        corrections = gp.weights[:, None] - missing

        def functions(features: Floats) -> Floats:
            scaled = features * gp.inverse_lengths
            covariance = gp.signal * correlation(distances(scaled, gp.scaled))[0]
            return np.asarray(prior(scaled) + covariance @ corrections + self.offset)

        return functions


def fit_losses(history: History, encoding: Encoding) -> Surrogate:
    """Return the surrogate of the losses.

    Parameters
    ----------
    history : History
        Finished trials, at least one with a finite loss.
    encoding : Encoding
        Of its space.
    """
    rows = _chosen_rows(history.losses, np.isfinite(history.losses))
    x = encoding.coordinates(history.values[rows])
    features, losses = encoding.features(x, history.active[rows]), history.losses[rows]
    found = _fitted_losses(encoding, features, losses)
    if found.r2 >= _MIN_R2_WITH_EXTREMES:
        return found
    extreme = are_extreme(features, losses)
    if not 0 < extreme.mean() <= _MAX_EXTREME:
        return found
    without = _fitted_losses(encoding, features[~extreme], losses[~extreme])
    return replace(without, n_extreme=int(extreme.sum())) if without.r2 > found.r2 else found


def fit_success(history: History, encoding: Encoding) -> Surrogate:
    """Return the surrogate of success, +1 for a trial with a loss and -1 for a failed one.

    Parameters
    ----------
    history : History
        Finished trials, at least one.
    encoding : Encoding
        Of its space.
    """
    rows = _chosen_rows(history.losses, np.ones(len(history), dtype=bool))
    x = encoding.coordinates(history.values[rows])
    features = encoding.features(x, history.active[rows])
    return _fitted(encoding, features, np.where(history.losses[rows] < np.inf, 1.0, -1.0), None)


def _fitted_losses(encoding: Encoding, features: Floats, losses: Floats) -> Surrogate:
    """Fit a GP to finite losses."""
    scale = loss_scale(features, losses)
    return _fitted(encoding, features, scale.apply(losses), scale)


def _fitted(encoding: Encoding, features: Floats, y: Floats, scale: LossScale | None) -> Surrogate:
    """Fit a GP to targets, which are losses on a scale or, without one, successes."""
    centre = float(y.mean())
    hyper = fit(features, encoding.groups, y - centre, shifts=_STARTS)
    if scale is None:
        hyper = replace(hyper, noise=max(hyper.noise, _SUCCESS_NOISE))
    posterior = condition(hyper, features, encoding.groups, y - centre)
    return Surrogate(
        encoding=encoding,
        posterior=posterior,
        scale=scale,
        offset=centre,
        r2=_leave_one_out_r2(posterior, y),
        n_used=len(y),
    )


def _leave_one_out_r2(posterior: Posterior, y: Floats) -> float:
    """Return the leave-one-out R2 (Rasmussen and Williams 2006, equation 5.12); 0 where all are equal."""
    if y.var() <= 0:
        return 0.0
    precisions = (posterior.inverse_root**2).sum(axis=0)
    return float(1 - ((posterior.weights / precisions) ** 2).mean() / y.var())


def _chosen_rows(losses: Floats, counts: Bools) -> NDArray[np.intp]:
    """Return the rows of a fit, in order: all that count, or the best and a fixed sample of the others."""
    rows = np.flatnonzero(counts)
    if len(rows) <= N_BEST + N_OTHERS:
        return rows
    order = rows[np.argsort(losses[rows], kind="stable")]  # NaN last
    others = order[N_BEST:]
    ranks = np.array(list(fixed_ranks(others.tolist())), dtype=np.uint64)
    sample = others[np.argsort(ranks, kind="stable")[:N_OTHERS]]
    return np.sort(np.concatenate([order[:N_BEST], sample]))
