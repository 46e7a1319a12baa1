"""Searches: one algorithm on one problem with one seed, and many of them in several processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from contenders import contender
from fleet import durations, simulate
from problems.families import make
from problems.problem import Problem
from problems.space import decode

from hpsearch.runtime.numerics import single_threaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What determines a search, and with it the result."""

    algorithm: str
    problem: str
    seed: int
    n_evals: int
    n_workers: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a search."""

    best: Sequence[float]  #: after each evaluation, the loss without noise of the best seen; inf before any
    cpu_s: float  #: of the algorithm, over all evaluations


@dataclass(frozen=True, slots=True)
class Found:
    """The results of one algorithm."""

    best: np.ndarray  #: (problems, seeds, evaluations)
    cpu_s: np.ndarray  #: (problems, seeds), per suggestion


def run_all(
    algorithms: Sequence[str],
    problems: Sequence[str],
    n_seeds: int,
    n_evals: int,
    n_workers: int,
    n_jobs: int,
) -> Mapping[str, Found]:
    """Run every algorithm on every problem with every seed.

    Parameters
    ----------
    algorithms, problems : sequence of str
    n_seeds, n_evals : int
    n_workers : int
        Simulated, in each search.
    n_jobs : int
        Processes.
    """
    searches = [
        Search(algorithm=algorithm, problem=problem, seed=seed, n_evals=n_evals, n_workers=n_workers)
        for algorithm, problem, seed in product(algorithms, problems, range(n_seeds))
    ]
    outcomes = _outcomes(searches, n_jobs)
    shape = (len(algorithms), len(problems), n_seeds)
    best = np.array([outcome.best for outcome in outcomes]).reshape(*shape, n_evals)
    cpu_s = np.array([outcome.cpu_s / n_evals for outcome in outcomes]).reshape(shape)
    return {name: Found(best[i], cpu_s[i]) for i, name in enumerate(algorithms)}


def _outcomes(searches: Sequence[Search], n_jobs: int) -> list[Outcome]:
    """Return the outcomes in order; print how far it is, on a terminal."""
    found = []
    with ProcessPoolExecutor(n_jobs) as pool:
        for outcome in pool.map(search, searches):
            found.append(outcome)
            if sys.stderr.isatty():
                print(f"\r{len(found)} of {len(searches)} searches", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return found


def search(settings: Search) -> Outcome:
    """Run one search."""
    problem = _problem(settings.problem)
    algorithm = contender(settings.algorithm)(problem.space, settings.seed)
    run = _Run(problem, settings.seed)

    def ask() -> Any:
        with run.timed():
            return algorithm.ask()

    def finish(asked: Any) -> None:
        trial, values = asked
        loss = run.evaluate(values)
        with run.timed():
            algorithm.tell(trial, loss)

    try:
        simulate(ask, finish, durations(settings.n_evals, settings.seed), settings.n_workers)
    except Exception as error:
        error.add_note(f"in {settings}")
        raise
    return Outcome(run.best, run.cpu_s)


@lru_cache(maxsize=8)
def _problem(name: str) -> Problem:
    return make(name)


class _Run:
    """Evaluates the trials of a search, and records the best loss after each."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.best: list[float] = []
        self.cpu_s = 0.0
        self._problem = problem
        self._rng = np.random.default_rng([seed, 1])
        self._least_seen = np.inf

    def evaluate(self, values: Mapping[str, float | int]) -> float | None:
        """Return the observed loss, with noise; None if the trial fails."""
        with single_threaded():
            true = self._problem.loss(decode(self._problem.space, values))
        noise = self._problem.noise
        seen = true if true is None or noise is None else noise(true, self._rng)
        best = self.best[-1] if self.best else np.inf
        if true is not None and seen is not None and seen < self._least_seen:
            self._least_seen, best = seen, true
        self.best.append(best)
        return seen

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Add the CPU time of a block to that of the algorithm."""
        started = time.process_time()
        with single_threaded():
            yield
        self.cpu_s += time.process_time() - started
