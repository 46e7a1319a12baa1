"""Simulation of several workers: the order in which trials are suggested and finish.

Whenever a worker is free, the algorithm suggests a trial while the others are pending. The durations of
evaluations are drawn beforehand, the same for every algorithm.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Asked = TypeVar("Asked")

#: Standard deviation of the logarithm of a duration: one in six is at least twice the median.
_SIGMA = 0.6


def durations(n: int, seed: int) -> list[float]:
    """Return the durations of n evaluations, in units of the median; functions of seed and number."""
    found: list[float] = np.random.default_rng([seed, 2]).lognormal(0.0, _SIGMA, n).tolist()
    return found


def simulate(
    ask: Callable[[], Asked], finish: Callable[[Asked], None], lengths: Sequence[float], n_workers: int
) -> None:
    """Ask for one trial per length, and finish each after its length.

    Parameters
    ----------
    ask : callable
        Returns the next trial.
    finish : callable
        Receives each trial when it ends; with one worker, before the next call of ``ask``.
    lengths : sequence of float
        Duration of each evaluation, in the order of ``ask``; positive.
    n_workers : int
        Positive.
    """
    running: list[tuple[float, int, Asked]] = []  # by end, then by number
    now = 0.0
    for number, length in enumerate(lengths):
        if len(running) == n_workers:
            now, _, asked = heapq.heappop(running)
            finish(asked)
        heapq.heappush(running, (now + length, number, ask()))
    while running:
        finish(heapq.heappop(running)[2])
