"""Samplers with pruners: hpsearch's, as coordinator and workers run them, and Optuna's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from peers.process import Peer
from problems.space import Space as Declared
from problems.space import decode, expression

from fidelity.curves import CurveProblem
from hpsearch import hp
from hpsearch.coordination.trial_state import TrialState
from hpsearch.core.experiment import Algorithm
from hpsearch.core.stopping.curve import Curve
from hpsearch.core.stopping.decision import Policy, decide
from hpsearch.core.trial import State, Trial
from hpsearch.space.tree import Space
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.protocol import trial_rng
from hpsearch.suggest.stopping.learner import Learner
from hpsearch.suggest.stopping.rules import make_rule


def make_search(method: str, problem: CurveProblem, seed: int) -> OwnSearch | OptunaSearch:
    """Return a search.

    Parameters
    ----------
    method : str
        Sampler and pruner, as "tpe+auto" or "optuna.tpe+hyperband".
    problem : CurveProblem
        The problem to search.
    seed : int
        Seed of the sampler.
    """
    sampler, _, pruner = method.partition("+")
    if sampler.startswith("optuna."):
        return OptunaSearch(sampler.removeprefix("optuna."), pruner, problem, seed)
    return OwnSearch(sampler, pruner, problem, seed)


@dataclass(slots=True)
class _Running:
    trial: Trial
    curve: Curve = field(default_factory=Curve)


class OwnSearch:
    """hpsearch: workers decide by the last policy, and a coordinator reads what they report at once.

    Parameters
    ----------
    algorithm : str
        Name of the algorithm.
    pruner : str
        Name of the rule, or "none".
    problem : CurveProblem
        The problem to search.
    seed : int
        Seed of the experiment.
    """

    def __init__(self, algorithm: str, pruner: str, problem: CurveProblem, seed: int) -> None:
        self._declared: Declared = problem.space
        space = Space(expression(problem.space, hp))
        self._suggester = make_suggester(Algorithm(name=algorithm), space)
        self._state = TrialState(space)
        self._learner = None if pruner == "none" else Learner(make_rule(pruner, {}))
        self._policy: Policy | None = None
        self._version = 0
        self._seed = seed

    def ask(self) -> tuple[_Running, Mapping[str, Any]]:
        """Return the next trial and its configuration."""
        tid = self._state.next_tid
        history, pending = self._state.known
        (suggestion,) = self._suggester.suggest(history, pending, [trial_rng(self._seed, tid)])
        trial = Trial(exp_key="bench", tid=tid, values=suggestion.values)
        self._state.add_open([trial])
        return _Running(trial), decode(self._declared, suggestion.values)

    def report(self, trial: _Running, step: int, value: float) -> bool:
        """Report a value; return whether the trial stops."""
        if self._learner is None:
            return False
        reached = trial.curve.add(step, value)
        verdict = decide(self._policy, trial.curve, trial.trial.tid)
        is_stop = verdict is not None and verdict.is_stop
        if is_stop:
            self._finish(trial, State.PRUNED, None)
        elif reached:
            self._learn(trial, State.RUNNING, None)
        return is_stop

    def tell(self, trial: _Running, loss: float | None) -> None:
        """Report the loss of a trial that ran to its end."""
        if self._learner is not None and loss is not None:
            trial.curve.add(len(trial.curve.reports) + 1, loss)
        self._finish(trial, State.FAILED if loss is None else State.DONE, loss)

    def _finish(self, trial: _Running, state: State, loss: float | None) -> None:
        ended = Trial(exp_key="bench", tid=trial.trial.tid, values=trial.trial.values, state=state, loss=loss)
        self._state.add_final([ended])
        self._learn(trial, state, loss)

    def _learn(self, trial: _Running, state: State, loss: float | None) -> None:
        """Do what a coordinator does with a trial that it has read."""
        if self._learner is None:
            return
        curve = trial.curve
        last = (
            None
            if curve.last_step is None or curve.last_value is None
            else (curve.last_step, curve.last_value)
        )
        self._learner.set(trial.trial.tid, curve.rungs, loss, state, last)
        self._version += 1
        self._policy = self._learner.policy(self._version) or self._policy
        self._state.set_forecasts(self._learner.forecasts())


class OptunaSearch:
    """A sampler and a pruner of Optuna, in the environment of the peer.

    Parameters
    ----------
    algorithm : str
        One of the peer's samplers.
    pruner : str
        "none", "median", "asha" or "hyperband".
    problem : CurveProblem
        The problem to search.
    seed : int
        Seed of the sampler.
    """

    def __init__(self, algorithm: str, pruner: str, problem: CurveProblem, seed: int) -> None:
        name = f"{algorithm}+{pruner}"
        self._declared = problem.space
        self._peer = Peer("optuna", name, problem.space, seed, problem.n_steps)

    def ask(self) -> tuple[int, Mapping[str, Any]]:
        """Return the next trial and its configuration."""
        trial, values = self._peer.ask()
        return trial, decode(self._declared, values)

    def report(self, trial: int, step: int, value: float) -> bool:
        """Report a value; return whether the trial stops."""
        return self._peer.report(trial, step, value)

    def tell(self, trial: int, loss: float | None) -> None:
        """Report the loss of a trial that ran to its end."""
        self._peer.tell(trial, loss)
