"""Which finished trials count as good, and how much each of them says.

The good ones are the best tenth, at most 25: more of them would blur the region they
mark, and the share must not grow without bound as a search goes on. Among them a better
rank weighs more (the recombination weights of evolution strategies, Hansen 2016,
arXiv 1604.00772, eq. 49), which unlike weights by loss survives outliers, infinities and
any monotone transformation of the objective.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.history import Floats

Rows = NDArray[np.intp]

#: Good trials are never more than this.
MAX_GOOD = 25


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of a history, in two groups."""

    good: Rows  #: (n_l,) the best first; of equal losses the earlier first
    bad: Rows  #: (n_g,) all others, in order of completion


def split(losses: Floats, gamma: float) -> Split:
    """Divide finished trials into good and bad.

    Parameters
    ----------
    losses : (n,) array
        NaN for a trial that failed. Neither that nor a loss of ``+inf`` is ever good: it
        says only where not to look. ``-inf`` is a loss like any other.
    gamma : float
        Share of the good ones, in (0, 1]. It counts from all finished trials, so that with
        many failures the good group is all that worked, and the model learns where that is.

    Returns
    -------
    Split
        ``len(good) == min(ceil(gamma n), 25, n_usable)``; every row is in one group.
    """
    n_usable = int(np.count_nonzero(losses < np.inf))
    # Less a little, for the product of a decimal fraction and a whole number may exceed a whole number.
    n_good = min(math.ceil(gamma * len(losses) - 1e-9), MAX_GOOD, n_usable)
    order = np.argsort(losses, kind="stable")  # NaN last
    return Split(good=order[:n_good], bad=np.sort(order[n_good:]))


def rank_weights(n: int) -> Floats:
    """Return the weights of ``n`` good trials, the best first: ``log(n + 1) - log(i)``, of mean 1.

    Returns
    -------
    (n,) array
        Positive and falling.
    """
    weights: Floats = np.log(n + 1) - np.log(np.arange(1, n + 1))
    return weights * (n / weights.sum()) if n else weights
