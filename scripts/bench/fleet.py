"""Several workers without waiting for them: which trial is asked for, and which finishes, when.

Whenever a worker is free, the algorithm is asked for a trial while the others are pending. How long
evaluations take is drawn beforehand and is the same for every algorithm.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Asked = TypeVar("Asked")

#: Standard deviation of the logarithm of a duration: one in six takes twice the median or more.
_SIGMA = 0.6


def durations(n: int, seed: int) -> list[float]:
    """Return how long each of n evaluations takes, in units of the median; by seed and number only."""
    found: list[float] = np.random.default_rng([seed, 2]).lognormal(0.0, _SIGMA, n).tolist()
    return found


def simulate(
    ask: Callable[[], Asked], finish: Callable[[Asked], None], lengths: Sequence[float], n_workers: int
) -> None:
    """Ask for as many trials as there are lengths, and finish each when its time has come.

    Parameters
    ----------
    ask : callable
        Returns the next trial.
    finish : callable
        Takes a trial that was asked for; with one worker, before the next is asked for.
    lengths : sequence of float
        How long the evaluation of each takes, in the order in which they are asked for.
    n_workers : int
        From 1 up.
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
