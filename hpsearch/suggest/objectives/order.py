"""One order for trials with several objectives or outcome limits, for suggesters that learn from one number.

Feasible trials come first: with one objective by their loss, with several by their non-domination rank. Of
equal rank, those come first that add most to the hypervolume, one by one. Values count by their rank among
all feasible trials there: no monotone change of an objective alters the order, and a trial that is bad in all
but one objective comes late. Infeasible trials follow by how much they exceed their limits, each in units of
its median excess, and failed trials have no place (constrained domination as in Deb et al. 2002, "A fast and
elitist multiobjective genetic algorithm: NSGA-II", section VI).
"""

from __future__ import annotations

import numpy as np

from hpsearch.core.front import Rows, ranks, thin
from hpsearch.core.history import Bools, Floats

#: Where the volume ends, in units of the worst rank of a value. The nearer, the fewer of the first places go
#: to the ends of the front, which hurts most with three objectives.
_REFERENCE = 1.5


def has_objectives(objectives: Floats) -> Bools:
    """Return which of (n, m) objectives are usable; a trial with NaN or ``inf`` counts as failed."""
    return np.asarray((objectives < np.inf).all(axis=1))


def keeps_limits(violations: Floats) -> Bools:
    """Return which of (n, k) violations are feasible: all of them known, and none positive."""
    return np.asarray((violations <= 0).all(axis=1))


def total_order(objectives: Floats, violations: Floats, n_exact: int) -> Floats:
    """Return the place of each trial, from 0 for the best.

    Parameters
    ----------
    objectives : (n, m) array
        Minimised; NaN or ``inf`` for a failed trial.
    violations : (n, k) array
        By how much each limit is exceeded, if positive; NaN if it is not known.
    n_exact : int
        Of so many trials, the order within a rank is that of the hypervolume; after them that of completion.

    Returns
    -------
    (n,) array
        Whole numbers; NaN for a failed trial.
    """
    works, is_kept = has_objectives(objectives), keeps_limits(violations)
    feasible, infeasible = np.flatnonzero(works & is_kept), np.flatnonzero(works & ~is_kept)
    order = np.concatenate(
        [
            feasible[_best_first(objectives[feasible], n_exact)],
            infeasible[np.argsort(_excess(violations[infeasible]), kind="stable")],
        ]
    )
    places = np.full(len(objectives), np.nan)
    places[order] = np.arange(len(order))
    return places


def _best_first(objectives: Floats, n_exact: int) -> Rows:
    """Return the indices of (n, m) usable objectives in order."""
    if objectives.shape[1] == 1:
        return np.argsort(objectives[:, 0], kind="stable")
    found, places = ranks(objectives), _value_ranks(objectives)
    reference = np.ceil(_REFERENCE * places.max(axis=0, initial=0.0)) + 1
    order, start = np.argsort(found, kind="stable"), 0
    while start < min(n_exact, len(order)):
        same = order[found[order] == found[order[start]]]
        first = thin(places[same], n_exact - start, reference)
        order[start : start + len(same)] = same[np.append(first, np.delete(np.arange(len(same)), first))]
        start += len(same)
    return order


def _value_ranks(objectives: Floats) -> Floats:
    """Return the rank of each of (n, m) values in its objective, from 0; equal values have the same one."""
    columns = [np.unique(column, return_inverse=True)[1].reshape(-1) for column in objectives.T]
    return np.column_stack(columns).astype(np.float64)


def _excess(violations: Floats) -> Floats:
    """Return the sum of what (n, k) violations exceed; one that is not known or infinite is as bad as any."""
    above = np.where(violations < np.inf, np.maximum(violations, 0.0), np.nan)
    units = [np.median(column[column > 0]) if (column > 0).any() else 1.0 for column in above.T]
    above /= np.array(units)
    return np.asarray(np.where(np.isnan(above), np.nanmax(above, axis=0, initial=1.0), above).sum(axis=1))
