"""Maximize the acquisition: random candidates, then changes of single parameters, then gradients.

Candidates come from the prior and from changes to the best trials. A local search continues from the best
few: each round proposes changes of one parameter at a time (another option, the next grid values, steps of
all sizes in a number) and takes the best one. A choice that activates other parameters draws values for
them. Continuous parameters then follow the gradient, from all starts at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from hpsearch.core.history import Bools, Floats
from hpsearch.suggest.gp.acquisition import Acquisition
from hpsearch.suggest.gp.encoding import Encoding
from hpsearch.suggest.gp.kernel import Indices

_N_DRAWN = 512  #: candidates from the prior
_N_CHANGED = 256  #: candidates near the best trials
_N_STARTS = 4  #: candidates from which the local search starts
_N_PROPOSALS = 3  #: changes of each parameter in a round
_N_ROUNDS = 6  #: rounds of changes
_N_CLIMBS = 25  #: iterations of L-BFGS-B
#: A grid finer than this share of the range is optimized as continuous, and rounded afterwards.
_FINE = 0.05
#: Step sizes are between ``10**_STEPS[0]`` and ``10**_STEPS[1]`` of the range.
_STEPS = (-3.0, -0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRegion:
    """Where to search for candidates, in coordinates."""

    encoding: Encoding
    box: tuple[Floats, Floats]  #: lower and upper ends, (d,) each
    elite: Floats  #: (e, d) coordinates of the best trials, e > 0, the best first
    kept: Bools  #: (d,) which parameters keep their values in the best trial


def ranked(acquisition: Acquisition, region: CandidateRegion, rng: np.random.Generator) -> Floats:
    """Return candidates with high acquisition, the best first.

    Parameters
    ----------
    acquisition : Acquisition
        What to maximize.
    region : CandidateRegion
        Where to search.
    rng : Generator
        Source of randomness.

    Returns
    -------
    (m, d) array
        Coordinates of values that can occur.
    """
    pool = np.vstack([region.encoding.draw(_N_DRAWN, region.box, rng), _changed(region, _N_CHANGED, rng)])
    pool, scores = _evaluated(acquisition, region, pool)
    order = np.argsort(-scores, kind="stable")
    x, best = pool[order[:_N_STARTS]], scores[order[:_N_STARTS]]
    x, best = _walk(acquisition, region, x, best, rng)
    x, best = _climb(acquisition, region, x, best)
    found = np.argsort(-best, kind="stable")
    return np.vstack([x[found], pool[order]])


def _evaluated(acquisition: Acquisition, region: CandidateRegion, x: Floats) -> tuple[Floats, Floats]:
    """Return candidates with kept parameters and on values that can occur, and their scores."""
    encoding = region.encoding
    x = encoding.snap(np.where(region.kept, region.elite[0], x))
    return x, acquisition.at(encoding.features(x, encoding.active(x)))


def _changed(region: CandidateRegion, n: int, rng: np.random.Generator) -> Floats:
    """Return n points that differ from the best trials in about three parameters, at least a quarter."""
    origin = region.elite[rng.integers(len(region.elite), size=n)]
    drawn = region.encoding.draw(n, region.box, rng)
    is_changed = rng.random(drawn.shape) < max(0.25, 3 / max(drawn.shape[1], 1))
    stepped = _stepped(region, origin, rng)
    moved = np.where(region.encoding.is_choice, drawn, stepped)
    # Parameters that are inactive in the origin are always drawn.
    was_active = region.encoding.active(origin)
    kept = np.where(region.encoding.is_choice, origin, np.clip(origin, *region.box))
    return np.where(~was_active, drawn, np.where(is_changed, moved, kept))


def _stepped(region: CandidateRegion, x: Floats, rng: np.random.Generator) -> Floats:
    """Return coordinates a step of random size away, at least to the next grid value."""
    sizes = 10 ** rng.uniform(*_STEPS, size=x.shape) * rng.standard_normal(x.shape)
    least = region.encoding.steps(x)
    sizes = np.where(np.abs(sizes) < least, np.copysign(least, sizes), sizes)
    return np.clip(x + sizes, *region.box)


def _walk(
    acquisition: Acquisition, region: CandidateRegion, x: Floats, best: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Improve (s, d) points by rounds of changes of one parameter each."""
    x, best = np.array(x), np.array(best)
    for _ in range(_N_ROUNDS):
        may_change = region.encoding.active(x) & ~region.kept
        repeats, columns = np.nonzero(np.repeat(may_change, _N_PROPOSALS, axis=0))
        if not len(columns):
            break
        starts = repeats // _N_PROPOSALS
        proposals = _changed_in(region, x[starts], np.arange(len(starts)), columns, rng)
        proposals, scores = _evaluated(acquisition, region, proposals)
        order = np.lexsort((-scores, starts))
        firsts = order[np.unique(starts[order], return_index=True)[1]]
        better = firsts[scores[firsts] > best[starts[firsts]] + 1e-9]
        if not len(better):
            break
        x[starts[better]], best[starts[better]] = proposals[better], scores[better]
    return x, best


def _changed_in(
    region: CandidateRegion, x: Floats, rows: Indices, columns: Indices, rng: np.random.Generator
) -> Floats:
    """Return (m, d) points, each changed in one column, with values for newly active parameters."""
    encoding = region.encoding
    was_active = encoding.active(x)
    drawn = encoding.draw(len(x), region.box, rng)
    stepped = _stepped(region, x, rng)
    moved = np.array(x)
    is_choice = encoding.is_choice[columns]
    moved[rows, columns] = stepped[rows, columns]
    there, which = rows[is_choice], columns[is_choice]
    moved[there, which] = encoding.other_options(x[there, which], which, rng)
    opened = encoding.active(moved) & ~was_active
    return np.where(opened, drawn, moved)


def _climb(
    acquisition: Acquisition, region: CandidateRegion, x: Floats, best: Floats
) -> tuple[Floats, Floats]:
    """Improve the continuous and finely gridded parameters of (s, d) points by gradients."""
    encoding = region.encoding
    active = encoding.active(x)
    free = active & ~encoding.is_choice & (encoding.steps(x) < _FINE)
    rows, columns = np.nonzero(free)
    if not len(rows):
        return x, best
    features = encoding.features(x, active)
    places = encoding.first_features(columns)

    def loss(free_values: Floats) -> tuple[float, Floats]:
        features[rows, places] = free_values
        scores, gradient = acquisition.with_gradient(features)
        return -float(scores.sum()), -gradient[rows, places]

    low, high = region.box
    found = minimize(
        loss,
        x[rows, columns],
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(low[columns], high[columns], strict=True)),
        options={"maxiter": _N_CLIMBS, "ftol": 1e-6, "gtol": 1e-4},
    )
    climbed = np.array(x)
    climbed[rows, columns] = found.x
    climbed, scores = _evaluated(acquisition, region, climbed)
    gain = scores > best
    return np.where(gain[:, None], climbed, x), np.where(gain, scores, best)
