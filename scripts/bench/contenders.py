"""Searches over one problem, for ``quality.py``: ours, and those of the peers that are installed."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from problems import Problem

from hpsearch import hp
from hpsearch.blas import single_threaded
from hpsearch.errors import MissingExtraError
from hpsearch.experiment import Algorithm
from hpsearch.history import History
from hpsearch.space.distribution import Categorical, Distribution, Integer, Normal, Numeric
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.algorithms import ALGORITHMS, make_suggester
from hpsearch.suggest.protocol import trial_rng
from hpsearch.trial import State, Trial


class Run:
    """One search: evaluates, and keeps what was best after each trial."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self.problem = problem
        self.best: list[float] = []  #: after each trial, the loss without noise of the best seen
        self.cpu_s = 0.0  #: of the algorithm
        self._rng = np.random.default_rng([seed, 1])
        self._least_seen = np.inf

    def evaluate(self, config: Any) -> float | None:
        """Return the loss of a configuration, noise included; None where it fails."""
        true = self.problem.loss(config)
        seen = None if true is None else true + self.problem.noise * self._rng.standard_normal()
        best = self.best[-1] if self.best else np.inf
        if true is not None and seen is not None and seen < self._least_seen:
            self._least_seen, best = seen, true
        self.best.append(best)
        return seen

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the CPU time of the block as the algorithm's."""
        started = time.process_time()
        with single_threaded():
            yield
        self.cpu_s += time.process_time() - started


def contender(name: str) -> Callable[[Run, int, int], None]:
    """Return a function of a run, a number of evaluations and a seed.

    Raises
    ------
    MissingExtraError
        If a peer is named that is not installed.
    """
    package, _, algorithm = name.partition(".")
    if package in ALGORITHMS:
        return lambda run, n, seed: _ours(package, run, n, seed)
    try:
        peer = importlib.import_module(package)
    except ImportError as error:
        raise MissingExtraError(name, "bench") from error
    search = {"optuna": _optuna, "hyperopt": _hyperopt}[package]
    return lambda run, n, seed: search(peer, algorithm, run, n, seed)


def _ours(algorithm: str, run: Run, n: int, seed: int) -> None:
    space = Space(run.problem.space(hp))
    suggester, history = make_suggester(Algorithm(name=algorithm), space), History(space)
    for tid in range(n):
        with run.timed():
            (suggestion,) = suggester.suggest(history, [], [trial_rng(seed, tid)])
        loss = run.evaluate(space.config(suggestion.values))
        state = State.FAILED if loss is None else State.DONE
        history.add(Trial(exp_key="bench", tid=tid, values=suggestion.values, state=state, loss=loss))


def _hyperopt(hyperopt: Any, algorithm: str, run: Run, n: int, seed: int) -> None:
    suggest = importlib.import_module(f"hyperopt.{algorithm}").suggest

    def timed(*args: Any, **kwargs: Any) -> Any:
        with run.timed():
            return suggest(*args, **kwargs)

    def objective(config: Any) -> Any:
        loss = run.evaluate(config)
        return {"status": "fail"} if loss is None else {"status": "ok", "loss": loss}

    hyperopt.fmin(
        objective,
        run.problem.space(hyperopt.hp),
        algo=timed,
        max_evals=n,
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
        verbose=False,
        return_argmin=False,
        trials=hyperopt.Trials(),
    )


def _optuna(optuna: Any, algorithm: str, run: Run, n: int, seed: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    samplers = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}
    study = optuna.create_study(sampler=samplers[algorithm](seed=seed))
    space = Space(run.problem.space(hp))
    for _ in range(n):
        with run.timed():
            trial = study.ask()
            values = _optuna_values(trial, space)
        loss = run.evaluate(space.config(values))
        with run.timed():
            study.tell(trial, loss, state=None if loss is not None else optuna.trial.TrialState.FAIL)


def _optuna_values(trial: Any, space: Space) -> Values:
    """Ask Optuna for the active parameters, one after the other."""
    values: dict[str, float | int] = {}
    for parameter in space.parameters:
        if parameter.is_active(values):
            values[parameter.label] = _optuna_value(trial, parameter.label, parameter.distribution)
    return values


def _optuna_value(trial: Any, label: str, distribution: Distribution) -> float | int:
    """Ask for one value; Optuna has no normal parameters, they become ranges of three deviations."""
    match distribution:
        case Categorical(probabilities=probabilities):
            return int(trial.suggest_categorical(label, list(range(len(probabilities)))))
        case Integer(low=low, high=high):
            return int(trial.suggest_int(label, low, high - 1))
        case Numeric(latent=Normal(mu, sigma), is_log=is_log):
            z = trial.suggest_float(label, mu - 3 * sigma, mu + 3 * sigma)
            return distribution.nearest(float(np.exp(z)) if is_log else z)
        case Numeric(is_log=is_log, q=q):
            low, high = distribution.support()
            if is_log and q:  # Optuna has no grids of logarithms other than the whole numbers
                return distribution.nearest(trial.suggest_float(label, low, high, log=True))
            return float(trial.suggest_float(label, low, high, log=is_log, step=q))
