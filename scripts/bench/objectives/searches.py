"""Searches of the problems with several outcomes: one algorithm, one problem, one seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from contenders import is_ours
from peers.process import Peer
from problems.space import decode, expression

from hpsearch import hp
from hpsearch.core.experiment import Algorithm
from hpsearch.core.goal import Goal
from hpsearch.core.history import History
from hpsearch.core.hypervolume import hypervolume
from hpsearch.core.outcomes import Limit, Objective, Outcomes
from hpsearch.core.trial import State, Trial
from hpsearch.runtime.numerics import single_threaded
from hpsearch.space import tree
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.protocol import trial_rng
from objectives import fronts, limits
from objectives.problem import OutcomeProblem

#: Problems with several objectives, by name.
FRONTS: Mapping[str, Callable[[], OutcomeProblem]] = {
    "zdt1": lambda: fronts.zdt(1),
    "zdt3": lambda: fronts.zdt(3),
    "dtlz2": lambda: fronts.dtlz2(2),
    "dtlz2x3": lambda: fronts.dtlz2(3),
    "lcbench": lambda: fronts.surrogate("lcbench"),
    "xgboost": lambda: fronts.surrogate("rbv2_xgboost"),
    "digits": fronts.digits,
}
#: Problems with outcome limits, by name.
LIMITS: Mapping[str, Callable[[], OutcomeProblem]] = {
    "waves": limits.waves,
    "corner": limits.corner,
    "vessel": limits.vessel,
    "ball": limits.ball,
    "xgboost-limit": limits.xgboost,
}


class Searcher(Protocol):
    """An algorithm with trials of several outcomes."""

    @property
    def cpu_s(self) -> float:
        """CPU time of the algorithm so far."""
        ...

    def ask(self) -> tuple[Any, Mapping[str, float | int]]:
        """Return the next trial and its values."""
        ...

    def tell(self, trial: Any, losses: Sequence[float], amounts: Sequence[float]) -> None:
        """Report what was measured."""
        ...


def run(algorithm: str, name: str, seed: int, n_evals: int) -> dict[str, Any]:
    """Return the losses and the amounts of a search's trials, and the CPU time of a suggestion.

    Parameters
    ----------
    algorithm : str
        One of ours, or "optuna." and "tpe", "nsgaii" or "gp".
    name : str
        Of the problem.
    seed, n_evals : int
        Of the search.
    """
    problem = {**FRONTS, **LIMITS}[name]()
    searcher: Searcher = (
        _Ours(algorithm, problem, seed) if is_ours(algorithm) else _Theirs(algorithm, problem, seed, n_evals)
    )
    found = []
    for _ in range(n_evals):
        trial, values = searcher.ask()
        with single_threaded():
            losses, amounts = problem.measure(decode(problem.space, values))
        searcher.tell(trial, losses, amounts)
        found.append((losses, amounts))
    losses_of_all, amounts_of_all = zip(*found, strict=True)
    return {"losses": losses_of_all, "amounts": amounts_of_all, "cpu_ms": 1e3 * searcher.cpu_s / n_evals}


def volumes(losses: np.ndarray, reference: Sequence[float], at: Sequence[int]) -> list[float]:
    """Return the hypervolume after some numbers of trials.

    Parameters
    ----------
    losses : (n, m) array
    reference : sequence of m floats
    at : sequence of int
    """
    return [hypervolume(losses[:n], np.array(reference)) for n in at]


def best_feasible(losses: np.ndarray, amounts: np.ndarray, at: Sequence[int]) -> list[float]:
    """Return the least feasible loss after some numbers of trials; ``inf`` without one.

    Parameters
    ----------
    losses : (n, 1) array
    amounts : (n, k) array
    at : sequence of int
    """
    kept = np.where((amounts <= 0).all(axis=1), losses[:, 0], np.inf)
    return [float(kept[:n].min()) for n in at]


class _Ours:
    def __init__(self, algorithm: str, problem: OutcomeProblem, seed: int) -> None:
        space = tree.Space(expression(problem.space, hp))
        names = [f"f{i}" for i in range(problem.n_objectives)]
        self._outcomes = Outcomes(
            objectives=tuple(Objective(name=name, goal=Goal(metric=name)) for name in names),
            limits=tuple(Limit(name=f"c{i}") for i in range(problem.n_limits)),
        )
        self._history, self._seed, self.cpu_s = History(space, self._outcomes), seed, 0.0
        self._suggester = make_suggester(Algorithm(name=algorithm), space)

    def ask(self) -> tuple[int, tree.Values]:
        tid, started = len(self._history), time.process_time()
        with single_threaded():
            (suggestion,) = self._suggester.suggest(self._history, [], [trial_rng(self._seed, tid)])
        self.cpu_s += time.process_time() - started
        self._values = suggestion.values
        return tid, suggestion.values

    def tell(self, trial: int, losses: Sequence[float], amounts: Sequence[float]) -> None:
        several = dict(zip(self._outcomes.names, losses, strict=True))
        self._history.add(
            Trial(
                exp_key="bench",
                tid=trial,
                values=self._values,
                state=State.DONE,
                loss=losses[0] if len(losses) == 1 else None,
                losses=several if len(losses) > 1 else None,
                violations={f"c{i}": amount for i, amount in enumerate(amounts)},
            )
        )


class _Theirs:
    def __init__(self, algorithm: str, problem: OutcomeProblem, seed: int, n_evals: int) -> None:
        peer, _, name = algorithm.partition(".")
        self._peer = Peer(peer, name, problem.space, seed, n_evals, n_objectives=problem.n_objectives)

    @property
    def cpu_s(self) -> float:
        return self._peer.cpu_s

    def ask(self) -> tuple[int, dict[str, float | int]]:
        return self._peer.ask()

    def tell(self, trial: int, losses: Sequence[float], amounts: Sequence[float]) -> None:
        self._peer.tell_outcomes(trial, losses, amounts)
