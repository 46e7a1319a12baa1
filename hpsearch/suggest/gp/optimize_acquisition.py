"""Maximize the acquisition: random candidates, then changes of single parameters, then gradients.

Candidates come from the prior and from changes to the best trials. A local search continues from the best
few: each round proposes changes of one parameter at a time (another option, the next grid values, steps of
all sizes in a number) and takes the best one. A choice that activates other parameters draws values for
them. Continuous parameters then follow the gradient, from all starts at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from hpsearch.core.history import Bools, Floats
from hpsearch.suggest.allowed import AllowedPoints
from hpsearch.suggest.gp.acquisition import Acquisition
from hpsearch.suggest.gp.encoding import Encoding
from hpsearch.suggest.gp.kernel import Indices
from hpsearch.suggest.preference import Preference

_N_DRAWN = 512  #: candidates from the prior
_N_CHANGED = 256  #: candidates near the best trials
_N_STARTS = 4  #: candidates from which the local search starts
_N_PROPOSALS = 3  #: changes of each parameter in a round
_N_ROUNDS = 6  #: rounds of changes
_N_CLIMBS = 25  #: iterations of L-BFGS-B
_N_REDRAWS = 4  #: sets of candidates that are drawn while conditions forbid some
_BELIEVED = 0.25  #: share of the candidates from the prior that have believed parameters from the beliefs
_N_HALVINGS = 6  #: halvings of a climb whose end conditions forbid
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
    allowed: AllowedPoints | None = None  #: conditions of the space; None: all points are allowed
    prefer: Preference | None = None  #: a user's beliefs, which multiply the acquisition


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
        Coordinates of values that can occur; if conditions forbid all candidates, there are none.
    """
    drawn, changed = _drawn(region, _N_DRAWN, rng), _changed(region, _N_CHANGED, rng)
    if region.allowed is not None:
        drawn = _replaced(region, drawn, lambda n: _drawn(region, n, rng))
        changed = _replaced(region, changed, lambda n: _changed(region, n, rng))
    pool = np.vstack([drawn, changed])
    if not len(pool):
        return pool
    pool, scores = _evaluated(acquisition, region, pool)
    order = np.argsort(-scores, kind="stable")
    x, best = pool[order[:_N_STARTS]], scores[order[:_N_STARTS]]
    x, best = _walk(acquisition, region, x, best, rng)
    x, best = _climb(acquisition, region, x, best)
    found = np.argsort(-best, kind="stable")
    return np.vstack([x[found], pool[order]])


def _evaluated(acquisition: Acquisition, region: CandidateRegion, x: Floats) -> tuple[Floats, Floats]:
    """Return candidates with kept parameters and on values that can occur, and their scores.

    A score is the acquisition, weighted by beliefs; ``-inf`` for a candidate that conditions forbid.
    """
    x = _possible(region, x)
    active = region.encoding.active(x)
    scores = acquisition.at(region.encoding.features(x, active))
    if region.prefer is not None:
        scores += region.prefer.scores(x, active)
    if region.allowed is not None:
        scores[~region.allowed.mask(region.encoding.values(x), active)] = -np.inf
    return x, scores


def _possible(region: CandidateRegion, x: Floats) -> Floats:
    """Return candidates with kept parameters and on values that can occur."""
    return region.encoding.snap(np.where(region.kept, region.elite[0], x))


def _drawn(region: CandidateRegion, n: int, rng: np.random.Generator) -> Floats:
    """Draw n points from the prior, some of them with the parameters that beliefs are about from those."""
    encoding, (low, high) = region.encoding, region.box
    x = encoding.draw(n, region.box, rng)
    if region.prefer is not None:
        values = region.prefer.mixed_in(encoding.values(x), rng, _BELIEVED)
        believed = encoding.coordinates(values)
        x = np.where(encoding.is_choice, believed, np.clip(believed, low, high))
    return x


def _replaced(region: CandidateRegion, x: Floats, draw: Callable[[int], Floats]) -> Floats:
    """Return allowed candidates, of (n, d) and in place of those that conditions forbid; fewer if few are."""
    assert region.allowed is not None
    encoding, found, n_missing = region.encoding, list[Floats](), len(x)
    for _ in range(_N_REDRAWS):
        x = _possible(region, x)
        is_allowed = region.allowed.mask(encoding.values(x), encoding.active(x))
        found.append(x[is_allowed][:n_missing])
        n_missing -= len(found[-1])
        if not n_missing:
            break
        x = draw(len(x))
    return np.vstack(found)


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
        total, slope = float(scores.sum()), gradient[rows, places]
        if region.prefer is not None:
            moved = np.array(x)
            moved[rows, columns] = free_values
            total += float(region.prefer.scores(moved, active).sum())
            slope = slope + region.prefer.slope(free_values, columns)
        return -total, -slope

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
    start = x
    # The end of a climb may be forbidden; then the way to it may still lead up.
    for _ in range(1 if region.allowed is None else _N_HALVINGS):
        reached, scores = _evaluated(acquisition, region, climbed)
        gain = scores > best
        x, best = np.where(gain[:, None], reached, x), np.where(gain, scores, best)
        climbed = np.where((scores > -np.inf)[:, None], climbed, (start + climbed) / 2)
    return x, best
