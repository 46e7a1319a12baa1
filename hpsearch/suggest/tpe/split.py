"""Which finished trials count as good, and how much each of them says; which of the bad ones speak.

The good ones are the best tenth, at most 25: more of them would blur the region they
mark, and the share must not grow without bound as a search goes on. Among them a better
rank weighs more (the recombination weights of evolution strategies, Hansen 2016,
arXiv 1604.00772, eq. 49), which unlike weights by loss survives outliers, infinities and
any monotone transformation of the objective.

Of the bad ones a sample stands for all, so that a suggestion costs the same after a hundred
thousand trials as after a hundred: the newest, and a uniform sample of those before. Which
these are depends on the number of trials alone (each has a fixed random rank, and those with
the lowest stay: bottom-k sampling), so that any process comes to the same sample, whether it
saw the trials come in one by one or reads them all at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Floats

Rows = NDArray[np.intp]

#: Good trials are never more than this.
MAX_GOOD = 25
#: The newest trials that all speak, and those of the others that do.
N_NEWEST = N_OLDER = 64


#: How the number of good trials may grow with that of all.
GROWTHS = ("linear", "sqrt")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySummary:
    """What is kept of a history of any length."""

    n: int  #: trials of the history
    best: Rows  #: up to ``MAX_GOOD`` rows with a usable loss, the best first; of equals the earlier first
    older: Rows  #: up to ``N_OLDER`` rows from before the newest ``N_NEWEST``, by their fixed ranks


#: Of a history without trials.
EMPTY = HistorySummary(n=0, best=np.zeros(0, dtype=np.intp), older=np.zeros(0, dtype=np.intp))


def summarize(losses: Floats, before: HistorySummary = EMPTY) -> HistorySummary:
    """Return the summary of a history, at the cost of the trials since an earlier summary.

    Parameters
    ----------
    losses : (n,) array
        NaN for a trial that failed. Neither that nor a loss of ``+inf`` is ever good: it
        says only where not to look. ``-inf`` is a loss like any other.
    before : HistorySummary
        Of the first ``before.n`` of them.
    """
    n = len(losses)
    candidates = np.concatenate([before.best, np.arange(before.n, n)])
    candidates = candidates[losses[candidates] < np.inf]
    best = candidates[np.argsort(losses[candidates], kind="stable")[:MAX_GOOD]]
    aged_out = np.arange(max(before.n - N_NEWEST, 0), max(n - N_NEWEST, 0))
    older = np.concatenate([before.older, aged_out])
    older = older[np.argsort(_fixed_ranks(older), kind="stable")[:N_OLDER]]
    return HistorySummary(n=n, best=best, older=older)


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of a history, in two groups."""

    good: Rows  #: (n_l,) the best first; of equal losses the earlier first
    bad: Rows  #: (n_g,) those of the others that speak, in order of completion


def split(summary: HistorySummary, n_good: int) -> Split:
    """Divide finished trials into good and bad.

    Parameters
    ----------
    summary : HistorySummary
        Of all of them.
    n_good : int
        How many are good, if as many have a usable loss and it is not more than ``MAX_GOOD``.
    """
    good = summary.best[:n_good]
    newest = np.arange(max(summary.n - N_NEWEST, 0), summary.n)
    speaking = np.concatenate([np.sort(summary.older), newest])
    return Split(good=good, bad=speaking[~(speaking[:, None] == good).any(axis=1)])


def n_good(n: int, gamma: float, growth: str) -> int:
    """Return how many of ``n`` finished trials are good, rounded up: ``gamma n``, or ``gamma sqrt(n)``.

    It counts from all finished trials, so that with many failures the good group is all that
    worked, and the model learns where that is.

    Parameters
    ----------
    n : int
        Finished trials, failed ones included.
    gamma : float
        Positive.
    growth : str
        "linear", or "sqrt", which is Hyperopt's rule.
    """
    # Less a little, for the product of a decimal fraction and a whole number may exceed a whole number.
    return math.ceil(gamma * (n if growth == "linear" else math.sqrt(n)) - 1e-9)


def rank_weights(n: int) -> Floats:
    """Return the weights of ``n`` good trials, the best first: ``log(n + 1) - log(i)``, of mean 1.

    Returns
    -------
    (n,) array
        Positive and falling.
    """
    weights: Floats = np.log(n + 1) - np.log(np.arange(1, n + 1))
    return weights * (n / weights.sum()) if n else weights


def _fixed_ranks(rows: Rows) -> NDArray[np.uint64]:
    """Return a pseudo-random number for each row number: the finaliser of SplitMix64 (Steele et al. 2014)."""
    z = (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
