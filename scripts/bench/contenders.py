"""Algorithms with an ask-and-tell interface, for ``quality.py``: ours, and those of installed peers."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
from problems import Problem

from hpsearch import hp
from hpsearch.core.experiment import Algorithm
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.errors import MissingExtraError
from hpsearch.runtime.numerics import single_threaded
from hpsearch.space.distribution import Categorical, Distribution, Integer, Normal, Numeric
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.algorithms import ALGORITHMS, make_suggester
from hpsearch.suggest.protocol import trial_rng


class Run:
    """One search: evaluates trials, and records the best loss after each finished one."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem = problem
        self.best: list[float] = []  #: after each trial, the loss without noise of the best seen
        self.cpu_s = 0.0  #: of the algorithm
        self._rng = np.random.default_rng([seed, 1])
        self._least_seen = np.inf

    def evaluate(self, config: Any) -> float | None:
        """Return the noisy loss of a configuration; None if it fails."""
        true = self.problem.loss(config)
        seen = None if true is None else true + self.problem.noise * self._rng.standard_normal()
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


class Contender(Protocol):
    """An algorithm on one space; trials without a reported loss are pending."""

    def ask(self) -> tuple[Any, Any]:
        """Return the next trial's handle, for ``tell``, and its configuration."""
        ...

    def tell(self, trial: Any, loss: float | None) -> None:
        """Report the loss of a trial; None if it failed."""
        ...


def contender(name: str) -> Callable[[Problem, int], Contender]:
    """Return a function of a problem and a seed.

    Raises
    ------
    MissingExtraError
        If a peer is named that is not installed.
    """
    package, _, algorithm = name.partition(".")
    if package in ALGORITHMS:
        return lambda problem, seed: _Ours(package, problem, seed)
    try:
        peer = importlib.import_module(package)
    except ImportError as error:
        raise MissingExtraError(name, "bench") from error
    makers: dict[str, Callable[..., Contender]] = {"optuna": _Optuna, "hyperopt": _Hyperopt}
    make = makers[package]
    return lambda problem, seed: make(peer, algorithm, problem, seed)


class _Ours:
    def __init__(self, algorithm: str, problem: Problem, seed: int) -> None:
        self._space = Space(problem.space(hp))
        self._suggester = make_suggester(Algorithm(name=algorithm), self._space)
        self._history = History(self._space)
        self._pending: dict[int, Values] = {}
        self._seed, self._n_asked = seed, 0

    def ask(self) -> tuple[int, Any]:
        tid, pending = self._n_asked, list(self._pending.values())
        (suggestion,) = self._suggester.suggest(self._history, pending, [trial_rng(self._seed, tid)])
        self._n_asked += 1
        self._pending[tid] = suggestion.values
        return tid, self._space.config(suggestion.values)

    def tell(self, trial: int, loss: float | None) -> None:
        state = State.FAILED if loss is None else State.DONE
        values = self._pending.pop(trial)
        self._history.add(Trial(exp_key="bench", tid=trial, values=values, state=state, loss=loss))


class _Hyperopt:
    """Hyperopt's ``fmin``, one trial at a time; its algorithms ignore pending trials."""

    def __init__(self, hyperopt: Any, algorithm: str, problem: Problem, seed: int) -> None:
        self._hyperopt, self._space = hyperopt, problem.space(hyperopt.hp)
        self._suggest = importlib.import_module(f"hyperopt.{algorithm}").suggest
        self._domain = hyperopt.base.Domain(lambda config: None, self._space)
        self._trials, self._rng = hyperopt.Trials(), np.random.default_rng(seed)

    def ask(self) -> tuple[Any, Any]:
        ids = self._trials.new_trial_ids(1)
        self._trials.refresh()
        docs = self._suggest(ids, self._domain, self._trials, self._rng.integers(2**31 - 1))
        self._trials.insert_trial_docs(docs)
        self._trials.refresh()
        (doc,) = (doc for doc in self._trials if doc["tid"] == ids[0])
        values = {label: found[0] for label, found in doc["misc"]["vals"].items() if found}
        return doc, self._hyperopt.space_eval(self._space, values)

    def tell(self, trial: Any, loss: float | None) -> None:
        trial["state"] = self._hyperopt.JOB_STATE_DONE
        trial["result"] = {"status": "fail"} if loss is None else {"status": "ok", "loss": loss}
        self._trials.refresh()


class _Optuna:
    def __init__(self, optuna: Any, algorithm: str, problem: Problem, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}
        self._study = optuna.create_study(sampler=samplers[algorithm](seed=seed))
        self._failed = optuna.trial.TrialState.FAIL
        self._space = Space(problem.space(hp))

    def ask(self) -> tuple[Any, Any]:
        trial = self._study.ask()
        return trial, self._space.config(_optuna_values(trial, self._space))

    def tell(self, trial: Any, loss: float | None) -> None:
        self._study.tell(trial, loss, state=self._failed if loss is None else None)


def _optuna_values(trial: Any, space: Space) -> Values:
    """Ask Optuna for the active parameters, one by one."""
    values: dict[str, float | int] = {}
    for parameter in space.parameters:
        if parameter.is_active(values):
            values[parameter.label] = _optuna_value(trial, parameter.label, parameter.distribution)
    return values


def _optuna_value(trial: Any, label: str, distribution: Distribution) -> float | int:
    """Ask for one value; normal parameters, which Optuna lacks, become ranges of three deviations."""
    match distribution:
        case Categorical(probabilities=probabilities):
            return int(trial.suggest_categorical(label, list(range(len(probabilities)))))
        case Integer(low=lowest, high=end):
            return int(trial.suggest_int(label, lowest, end - 1))
        case Numeric(latent=Normal(mu, sigma), is_log=is_log):
            z = trial.suggest_float(label, mu - 3 * sigma, mu + 3 * sigma)
            return distribution.nearest(float(np.exp(z)) if is_log else z)
        case Numeric(is_log=is_log, q=q):
            low, high = distribution.support()
            if is_log and q:  # Optuna has no grids of logarithms other than the whole numbers
                return distribution.nearest(trial.suggest_float(label, low, high, log=True))
            return float(trial.suggest_float(label, low, high, log=is_log, step=q))
