"""A fleet in simulated time: each step of a trial takes about one unit, and nothing waits."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from fidelity.curves import CurveProblem

#: Spread of the logarithm of the pace of trials.
_PACE_SIGMA = 0.2


class Search(Protocol):
    """A sampler with its pruner, as the fleet sees it."""

    def ask(self) -> tuple[Any, Mapping[str, Any]]:
        """Return the next trial's handle and configuration."""
        ...

    def report(self, trial: Any, step: int, value: float) -> bool:
        """Report a value before the last step; return whether the trial stops here."""
        ...

    def tell(self, trial: Any, loss: float | None) -> None:
        """Report the loss of a trial that ran to its end; None if it diverged."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a search found, at what cost."""

    found: list[tuple[float, float]]  #: steps spent so far, and the lowest final loss
    n_trials: int
    n_full: int  #: trials that ran to their end


def simulate(problem: CurveProblem, search: Search, n_workers: int, n_steps: int, seed: int) -> Trace:
    """Run a search until its workers have spent a number of steps.

    Parameters
    ----------
    problem : CurveProblem
        What is minimized.
    search : Search
        Suggests trials, and stops some of them.
    n_workers : int
        Trials at a time.
    n_steps : int
        Steps of all workers together.
    seed : int
        Seed of the pace of the trials.
    """
    rng = np.random.default_rng([seed, 11])
    best, n_trials, n_full, found = math.inf, 0, 0, []
    reports: list[tuple[float, int, int, float, Any, Any]] = []  # time, number, step, pace, trial, curve

    def start(now: float) -> None:
        nonlocal n_trials
        trial, config = search.ask()
        pace = float(np.exp(rng.normal(0, _PACE_SIGMA)))
        n_trials += 1
        heapq.heappush(reports, (now + pace, n_trials, 1, pace, trial, problem.curve(config)))

    for worker in range(n_workers):
        start(1e-3 * worker)
    while reports[0][0] * n_workers <= n_steps:
        now, number, step, pace, trial, curve = heapq.heappop(reports)
        value = float(curve[step - 1])
        if step < problem.n_steps:
            if search.report(trial, step, value):
                start(now)
            else:
                heapq.heappush(reports, (now + pace, number, step + 1, pace, trial, curve))
            continue
        n_full += 1
        search.tell(trial, value if math.isfinite(value) else None)
        if value < best:
            best = value
            found.append((now * n_workers, best))
        start(now)
    return Trace(found=found, n_trials=n_trials, n_full=n_full)
