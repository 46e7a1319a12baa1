"""How much each parameter matters in a whole space: total effects of a function on it.

For a function ``f`` of points drawn from the prior, the total effect of parameter ``j`` is the share of the
variance of ``f`` that vanishes when all parameters but ``j`` are fixed (Saltelli et al. 2008, "Global
sensitivity analysis: the primer", section 4.5; the estimator is Jansen's, 1999)::

    T_j = E[(f(x) - f(x'))^2] / (2 Var f),     x' = x with parameter j drawn again

In a conditional space ``x'`` also has new values of the parameters that the new option opens. Where ``j`` is
inactive, ``x' = x``. The effect of a set of parameters redraws all of them; ``T_i + T_j - T_ij`` is the share
that both have only together: their interaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Bools, Floats
from hpsearch.suggest.gp.encoding import Encoding

#: Bins of a number for its first-order effect.
_N_BINS = 16

#: Maps (m, d) coordinates and the (m, d) mask of active parameters to (m,) or (m, s) values.
Function = Callable[[Floats, Bools], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointPairs:
    """Pairs of points of a space, from its prior."""

    encoding: Encoding
    first: Floats  #: (n, d) coordinates
    second: Floats  #: (n, d) coordinates
    active: Bools  #: (n, d) under ``first``

    def __len__(self) -> int:
        return len(self.first)

    def head(self, n: int) -> PointPairs:
        """Return the first ``n`` pairs."""
        return PointPairs(
            encoding=self.encoding, first=self.first[:n], second=self.second[:n], active=self.active[:n]
        )

    def redrawn(self, columns: Sequence[int]) -> tuple[Floats, Bools, Bools]:
        """Return the first points with some parameters drawn again.

        Parameters
        ----------
        columns : sequence of int
            The parameters.

        Returns
        -------
        (n, d) array, (n, d) array of bool, (n,) array of bool
            Coordinates, which parameters are active, and in which points one of them was active before.
        """
        chosen = np.zeros(self.first.shape[1], dtype=bool)
        chosen[list(columns)] = True
        x = np.where(chosen & self.active, self.second, self.first)
        return x, self.encoding.active(x), np.asarray(self.active[:, chosen].any(axis=1))


def point_pairs(encoding: Encoding, n: int, rng: np.random.Generator) -> PointPairs:
    """Draw pairs of points, each parameter evenly over its prior (a Latin hypercube, McKay et al. 1979).

    Parameters
    ----------
    encoding : Encoding
        Of the space; for one branch of it, with the choice decided.
    n : int
        Number of pairs.
    rng : Generator
        Source of randomness.
    """
    d = len(encoding.is_choice)
    box = encoding.box(np.zeros((0, d)))
    levels = (rng.permuted(np.tile(np.arange(n), (2 * d, 1)), axis=1).T + rng.random((n, 2 * d))) / n
    first, second = (encoding.snap(encoding.place(half, box)) for half in (levels[:, :d], levels[:, d:]))
    return PointPairs(encoding=encoding, first=first, second=second, active=encoding.active(first))


def total_effects(function: Function, pairs: PointPairs, sets: Sequence[Sequence[int]]) -> Floats:
    """Return the total effects of sets of parameters, as shares of the variance.

    Parameters
    ----------
    function : callable
        Returns one value a point, or ``s``.
    pairs : PointPairs
        The points.
    sets : sequence of k sequences of int
        Columns of the parameters of each set.

    Returns
    -------
    (k,) or (k, s) array
        Not negative; zeros where the function is constant.
    """
    before = function(pairs.first, pairs.active)
    squares = []
    for columns in sets:
        x, active, has_changed = pairs.redrawn(columns)
        changes = np.zeros(before.shape)
        if has_changed.any():
            changes[has_changed] = function(x[has_changed], active[has_changed]) - before[has_changed]
        squares.append((changes**2).mean(axis=0))
    variance = before.var(axis=0)
    # Of a constant function, only rounding errors are left.
    is_constant = variance <= 1e-18 * np.maximum((before**2).mean(axis=0), 1e-300)
    return np.asarray(
        np.where(is_constant, 0.0, np.array(squares).reshape(len(sets), *variance.shape) / 2)
        / np.where(is_constant, 1.0, variance)
    )


def first_order_effects(values: Floats, pairs: PointPairs) -> Floats:
    """Return the share of the variance that each parameter explains alone.

    It is the variance between bins of the parameter, less what chance makes of it; points without the
    parameter have their own bin.

    Parameters
    ----------
    values : (n,) array
        The function at the first points.
    pairs : PointPairs
        The points.

    Returns
    -------
    (d,) array
        In [0, 1].
    """
    variance, n = values.var(), len(values)
    if variance <= 0:
        return np.zeros(pairs.first.shape[1])
    effects = []
    for column, active, is_choice in zip(
        pairs.first.T, pairs.active.T, pairs.encoding.is_choice, strict=True
    ):
        bins = np.full(n, -1)
        if is_choice:
            bins[active] = column[active].astype(np.intp)
        else:
            ranks = np.argsort(np.argsort(column[active], kind="stable"), kind="stable")
            bins[active] = ranks * _N_BINS // max(len(ranks), 1)
        _, index, sizes = np.unique(bins, return_inverse=True, return_counts=True)
        means = np.bincount(index, values) / sizes
        between = (sizes * (means - values.mean()) ** 2).sum() / n
        within = max(variance - between, 0.0)
        chance = within * (len(sizes) - 1) / max(n - len(sizes), 1)
        effects.append(min(max((between - chance) / variance, 0.0), 1.0))
    return np.array(effects)
