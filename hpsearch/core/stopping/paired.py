"""The signed-rank test of paired values (Wilcoxon 1945), one-sided."""

from __future__ import annotations

import math
from collections.abc import Sequence

#: Up to this many pairs the distribution is exact.
_MAX_EXACT = 25


def p_worse(differences: Sequence[float]) -> float:
    """Return how probable values at least this much worse are by chance.

    Parameters
    ----------
    differences : sequence of float
        A trial's values minus those of its rival, positive where the trial is worse. Zeros and differences
        that are not finite are left out.

    Returns
    -------
    float
        The p-value; 1 without pairs. Tied differences share the mean of their ranks, rounded down in sum,
        which makes the test slightly cautious.
    """
    used = sorted((d for d in differences if d and math.isfinite(d)), key=abs)
    n = len(used)
    if not n:
        return 1.0
    rank_sum = sum(rank for d, rank in zip(used, _ranks(used), strict=True) if d > 0)
    if n <= _MAX_EXACT:
        return _exact_tail(n, math.floor(rank_sum))
    mean, variance = n * (n + 1) / 4, n * (n + 1) * (2 * n + 1) / 24
    return 0.5 * math.erfc((rank_sum - 0.5 - mean) / math.sqrt(2 * variance))


def _ranks(used: Sequence[float]) -> list[float]:
    """Return the ranks of sorted absolute differences, from 1; equal ones share their mean."""
    sizes = [abs(d) for d in used]
    first = {size: i for i, size in reversed(list(enumerate(sizes)))}
    last = {size: i for i, size in enumerate(sizes)}
    return [(first[size] + last[size]) / 2 + 1 for size in sizes]


def _exact_tail(n: int, rank_sum: int) -> float:
    """Return the probability of at least this sum of ranks, if each sign is as likely as the other."""
    ways = [1] + [0] * (n * (n + 1) // 2)
    for rank in range(1, n + 1):
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    return float(sum(ways[max(rank_sum, 0) :]) / 2**n)
