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

import bisect
import functools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Floats

Rows = NDArray[np.intp]
Number = TypeVar("Number", int, float)

#: Largest number of good trials.
MAX_GOOD = 25
#: Bad trials in the sample: the newest, and a sample of the older ones.
N_NEWEST = N_OLDER = 64

_64_BITS = 2**64 - 1

#: How the number of good trials may grow with the number of all.
GROWTHS = ("linear", "sqrt")


@dataclass(frozen=True, slots=True, kw_only=True)
class HistorySummary:
    """The rows of a history that TPE uses; of bounded size."""

    n: int = 0  #: trials of the history
    #: loss and row of up to ``MAX_GOOD`` trials with a usable loss, in order; of equal ones the earlier first
    best: Sequence[tuple[float, int]] = ()
    #: fixed rank and row of up to ``N_OLDER`` trials older than the newest ``N_NEWEST``, in order
    older: Sequence[tuple[int, int]] = ()


#: The summary of an empty history.
EMPTY = HistorySummary()


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
    new, aged = range(before.n, n), range(max(before.n - N_NEWEST, 0), max(n - N_NEWEST, 0))
    return HistorySummary(
        n=n,
        best=_first(before.best, zip(losses[new.start :].tolist(), new, strict=True), MAX_GOOD),
        older=_first(before.older, zip(fixed_ranks(aged), aged, strict=True), N_OLDER),
    )


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
    good = [row for _, row in summary.best[:n_good]]
    sample = sorted([row for _, row in summary.older])
    sample.extend(range(max(summary.n - N_NEWEST, 0), summary.n))
    is_good = set(good)
    bad = [row for row in sample if row not in is_good]
    return Split(good=np.array(good, dtype=np.intp), bad=np.array(bad, dtype=np.intp))


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


@functools.cache
def good_log_weights(n: int, prior_weight: float) -> Floats:
    """Return the normalized log weights of a mixture of ``n`` good trials and the prior.

    Parameters
    ----------
    n : int
        Number of good trials.
    prior_weight : float
        Weight of the prior, in trials; positive.

    Returns
    -------
    (n + 1,) array
        Those of the trials, the best first, then that of the prior; not writable.
    """
    return _log_weights(rank_weights(n), prior_weight)


@functools.cache
def bad_log_weights(n: int, prior_weight: float) -> Floats:
    """Return the same for ``n`` bad trials, which have equal weights.

    Parameters
    ----------
    n : int
        Number of bad trials in the sample.
    prior_weight : float
        Weight of the prior, in trials; positive.

    Returns
    -------
    (n + 1,) array
        Those of the trials, then that of the prior; not writable.
    """
    return _log_weights(np.ones(n), prior_weight)


def fixed_ranks(rows: Iterable[int]) -> Iterator[int]:
    """Yield a pseudo-random number for each row number: the finalizer of SplitMix64 (Steele et al. 2014)."""
    for row in rows:
        z = (row + 1) * 0x9E3779B97F4A7C15 & _64_BITS
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _64_BITS
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _64_BITS
        yield z ^ (z >> 31)


def _log_weights(weights: Floats, prior_weight: float) -> Floats:
    with_prior = np.append(weights, prior_weight)
    found: Floats = np.log(with_prior / with_prior.sum())
    found.setflags(write=False)
    return found


def _first(
    before: Sequence[tuple[Number, int]], new: Iterable[tuple[Number, int]], n: int
) -> Sequence[tuple[Number, int]]:
    """Return the first ``n`` of ordered pairs and new ones; those with NaN or ``inf`` never count."""
    found = list(before)
    for pair in new:
        if pair[0] < math.inf and (len(found) < n or pair < found[-1]):
            bisect.insort(found, pair)
            del found[n:]
    return found
