"""Split of finished trials into good and bad ones, their weights, and a bounded sample of the bad ones.

The good ones are the best tenth, at most 25: more would blur the region that they mark. Among them a better
rank has more weight (the recombination weights of evolution strategies, Hansen 2016, arXiv 1604.00772,
equation 49). Unlike weights by loss, these do not depend on outliers, infinities or monotone transformations
of the objective.

A sample represents the bad ones, so that a suggestion costs the same after a hundred thousand trials as after
a hundred: the newest, and a uniform sample of the older ones. The sample depends on the number of trials
alone: each trial has a fixed pseudo-random rank, and those with the lowest ranks stay (bottom-k sampling). So
every process gets the same sample, whether it sees the trials one by one or reads them all at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Floats

Rows = NDArray[np.intp]

#: Largest number of good trials.
MAX_GOOD = 25
#: Bad trials in the sample: the newest, and a sample of the older ones.
N_NEWEST = N_OLDER = 64

#: How the number of good trials may grow with the number of all.
GROWTHS = ("linear", "sqrt")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySummary:
    """The rows of a history that TPE uses; of bounded size."""

    n: int  #: trials of the history
    best: (
        Rows  #: up to ``MAX_GOOD`` rows with a usable loss, the best first; of equal losses the earlier first
    )
    older: Rows  #: up to ``N_OLDER`` rows older than the newest ``N_NEWEST``, by their fixed ranks


#: The summary of an empty history.
EMPTY = HistorySummary(n=0, best=np.zeros(0, dtype=np.intp), older=np.zeros(0, dtype=np.intp))


def summarize(losses: Floats, before: HistorySummary = EMPTY) -> HistorySummary:
    """Return the summary of a history, at the cost of the trials since an earlier summary.

    Parameters
    ----------
    losses : (n,) array
        NaN for a failed trial. Trials with NaN or ``+inf`` are never good; ``-inf`` is a loss like any other.
    before : HistorySummary
        Summary of the first ``before.n`` trials.
    """
    n = len(losses)
    candidates = np.concatenate([before.best, np.arange(before.n, n)])
    candidates = candidates[losses[candidates] < np.inf]
    best = candidates[np.argsort(losses[candidates], kind="stable")[:MAX_GOOD]]
    aged_out = np.arange(max(before.n - N_NEWEST, 0), max(n - N_NEWEST, 0))
    older = np.concatenate([before.older, aged_out])
    older = older[np.argsort(fixed_ranks(older), kind="stable")[:N_OLDER]]
    return HistorySummary(n=n, best=best, older=older)


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of a history, in two groups."""

    good: Rows  #: (n_l,) the best first; of equal losses the earlier first
    bad: Rows  #: (n_g,) the sample of the others, in order of completion


def split(summary: HistorySummary, n_good: int) -> Split:
    """Divide finished trials into good and bad.

    Parameters
    ----------
    summary : HistorySummary
        Summary of all finished trials.
    n_good : int
        Number of good trials; limited by ``MAX_GOOD`` and by the number of usable losses.
    """
    good = summary.best[:n_good]
    newest = np.arange(max(summary.n - N_NEWEST, 0), summary.n)
    sample = np.concatenate([np.sort(summary.older), newest])
    return Split(good=good, bad=sample[~(sample[:, None] == good).any(axis=1)])


def n_good(n: int, gamma: float, growth: str) -> int:
    """Return the number of good trials, rounded up: ``gamma n``, or ``gamma sqrt(n)``.

    Failures count, so that with many failures all successful trials are good and the model learns where
    trials succeed.

    Parameters
    ----------
    n : int
        Finished trials, failed ones included.
    gamma : float
        Share of good trials, or factor of the square root; positive.
    growth : str
        "linear", or "sqrt" for Hyperopt's rule.
    """
    # Subtract a little, since the product of a decimal fraction and an integer may exceed an integer.
    return math.ceil(gamma * (n if growth == "linear" else math.sqrt(n)) - 1e-9)


def rank_weights(n: int) -> Floats:
    """Return the weights of ``n`` good trials, the best first: ``log(n + 1) - log(i)``, scaled to mean 1.

    Returns
    -------
    (n,) array
        Positive and decreasing.
    """
    weights: Floats = np.log(n + 1) - np.log(np.arange(1, n + 1))
    return weights * (n / weights.sum()) if n else weights


def fixed_ranks(rows: Rows) -> NDArray[np.uint64]:
    """Return a pseudo-random number for each row number: the finalizer of SplitMix64 (Steele et al. 2014)."""
    z = (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
