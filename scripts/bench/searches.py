"""Searches: one algorithm on one problem with one seed, and many of them in several processes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from contenders import Contender, contender
from fleet import durations, simulate
from outcomes import Kept, Outcome, Search
from peers.process import PeerError
from problems.families import make
from problems.problem import Problem
from problems.space import decode

from hpsearch.runtime.numerics import single_threaded


@dataclass(frozen=True, slots=True)
class Found:
    """The results of one algorithm."""

    best: np.ndarray  #: (problems, seeds, evaluations)
    cpu_s: np.ndarray  #: (problems, seeds), per suggestion


def gather(
    searches: Sequence[Search], outcomes: Mapping[Search, Outcome], *, believed: bool = False
) -> Mapping[str, Found]:
    """Return the outcomes as arrays, by algorithm.

    Parameters
    ----------
    searches : sequence of Search
        Every algorithm on every problem with every seed, in this order of nesting, equally long.
    outcomes : mapping
    believed : bool
        Whether the last loss is that of the trial that is believed to be best.
    """
    algorithms = list(dict.fromkeys(search.algorithm for search in searches))
    n_problems = len({search.problem for search in searches})
    found = [outcomes[search] for search in searches]
    n_evals = searches[0].n_evals
    best = np.array([outcome.best for outcome in found])
    if believed:
        best[:, -1] = [
            last if o.answer is None else o.answer for o, last in zip(found, best[:, -1], strict=True)
        ]
    cpu_s = np.array([outcome.cpu_s for outcome in found]) / n_evals
    best = best.reshape(len(algorithms), n_problems, -1, n_evals)
    return {name: Found(best[i], cpu_s.reshape(best.shape[:3])[i]) for i, name in enumerate(algorithms)}


def run_all(searches: Sequence[Search], kept: Kept, n_jobs: int) -> Mapping[Search, Outcome]:
    """Run searches, without those that are kept; print how far it is, on a terminal.

    Parameters
    ----------
    searches : sequence of Search
    kept : Kept
        Receives the outcomes.
    n_jobs : int
        Processes.
    """
    outcomes = {search: outcome for search in searches if (outcome := kept.find(search)) is not None}
    missing = [search for search in searches if search not in outcomes]
    is_shown = sys.stderr.isatty()
    with ProcessPoolExecutor(n_jobs) as pool:
        running = {pool.submit(run, search): search for search in missing}
        for future in as_completed(running):
            search = running[future]
            outcomes[search] = future.result()
            kept.add(search, outcomes[search])
            if is_shown:
                print(f"\r{len(outcomes)} of {len(searches)} searches", end="", file=sys.stderr, flush=True)
    if is_shown:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    return outcomes


def run(search: Search) -> Outcome:
    """Run one search."""
    problem = _problem(search.problem)
    evaluations = _Evaluations(problem, search.seed)
    algorithm: Contender | None = None
    answer = error = None
    try:
        algorithm = contender(search.algorithm)(problem.space, search.seed, search.n_evals)
        _simulate(algorithm, evaluations, search)
        if problem.noise is not None and (values := algorithm.answer()) is not None:
            answer = evaluations.true_loss(values)
    except PeerError as raised:
        error = str(raised)
    except Exception as raised:
        raised.add_note(f"in {search}")
        raise
    cpu_s = 0.0 if algorithm is None else algorithm.cpu_s
    return Outcome(best=evaluations.padded(search.n_evals), cpu_s=cpu_s, answer=answer, error=error)


def _simulate(algorithm: Contender, evaluations: _Evaluations, search: Search) -> None:
    def finish(asked: Any) -> None:
        trial, values = asked
        algorithm.tell(trial, evaluations.evaluate(values))

    simulate(algorithm.ask, finish, durations(search.n_evals, search.seed), search.n_workers)


@lru_cache(maxsize=8)
def _problem(name: str) -> Problem:
    return make(name)


class _Evaluations:
    """Evaluates the trials of a search, and records the best loss after each."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._best: list[float] = []
        self._problem = problem
        self._rng = np.random.default_rng([seed, 1])
        self._least_seen = np.inf

    def padded(self, n_evals: int) -> list[float]:
        """Return the best losses; after the last evaluation of a search that ended early they stay."""
        last = self._best[-1] if self._best else np.inf
        return [*self._best, *[last] * (n_evals - len(self._best))]

    def evaluate(self, values: Mapping[str, float | int]) -> float | None:
        """Return the observed loss, with noise; None if the trial fails."""
        true = self.true_loss(values)
        noise = self._problem.noise
        seen = true if true is None or noise is None else noise(true, self._rng)
        best = self._best[-1] if self._best else np.inf
        if true is not None and seen is not None and seen < self._least_seen:
            self._least_seen, best = seen, true
        self._best.append(best)
        return seen

    def true_loss(self, values: Mapping[str, float | int]) -> float | None:
        """Return the loss without noise; None if the trial fails."""
        with single_threaded():
            return self._problem.loss(decode(self._problem.space, values))
