"""Algorithms with an ask-and-tell interface, for ``quality.py``: ours, and those of installed peers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from problems.space import Choice, Float, Int, Normal, Space, expression

from hpsearch import hp
from hpsearch.core.experiment import Algorithm
from hpsearch.core.history import History
from hpsearch.core.trial import State, Trial
from hpsearch.errors import MissingExtraError
from hpsearch.space import tree
from hpsearch.suggest.algorithms import ALGORITHMS, make_suggester
from hpsearch.suggest.protocol import trial_rng


class Contender(Protocol):
    """An algorithm on one space; trials without a reported loss are pending."""

    def ask(self) -> tuple[Any, Mapping[str, float | int]]:
        """Return the next trial's handle, for ``tell``, and its values: numbers, and indices of options."""
        ...

    def tell(self, trial: Any, loss: float | None) -> None:
        """Report the loss of a trial; None if it failed."""
        ...


def contender(name: str) -> Callable[[Space, int], Contender]:
    """Return a function of a space and a seed.

    Raises
    ------
    MissingExtraError
        If a peer is named that is not installed.
    """
    package, _, algorithm = name.partition(".")
    if package in ALGORITHMS:
        return lambda space, seed: _Ours(package, space, seed)
    makers: dict[str, Callable[..., Contender]] = {"optuna": _Optuna, "hyperopt": _Hyperopt}
    if package not in makers:
        raise ValueError(f"{name!r}: no such algorithm; there are {', '.join([*ALGORITHMS, *makers])}.")
    try:
        peer = importlib.import_module(package)
    except ImportError as error:
        raise MissingExtraError(name, "bench") from error
    return lambda space, seed: makers[package](peer, algorithm, space, seed)


class _Ours:
    def __init__(self, algorithm: str, space: Space, seed: int) -> None:
        searched = tree.Space(expression(space, hp))
        self._suggester = make_suggester(Algorithm(name=algorithm), searched)
        self._history = History(searched)
        self._pending: dict[int, tree.Values] = {}
        self._seed, self._n_asked = seed, 0

    def ask(self) -> tuple[int, tree.Values]:
        tid, pending = self._n_asked, list(self._pending.values())
        (suggestion,) = self._suggester.suggest(self._history, pending, [trial_rng(self._seed, tid)])
        self._n_asked += 1
        self._pending[tid] = suggestion.values
        return tid, suggestion.values

    def tell(self, trial: int, loss: float | None) -> None:
        state = State.FAILED if loss is None else State.DONE
        values = self._pending.pop(trial)
        self._history.add(Trial(exp_key="bench", tid=trial, values=values, state=state, loss=loss))


class _Hyperopt:
    """Hyperopt's ``fmin``, one trial at a time; its algorithms ignore pending trials."""

    def __init__(self, hyperopt: Any, algorithm: str, space: Space, seed: int) -> None:
        self._hyperopt = hyperopt
        self._suggest = importlib.import_module(f"hyperopt.{algorithm}").suggest
        self._domain = hyperopt.base.Domain(lambda config: None, expression(space, hyperopt.hp))
        self._trials, self._rng = hyperopt.Trials(), np.random.default_rng(seed)

    def ask(self) -> tuple[Any, Mapping[str, float | int]]:
        ids = self._trials.new_trial_ids(1)
        self._trials.refresh()
        docs = self._suggest(ids, self._domain, self._trials, self._rng.integers(2**31 - 1))
        self._trials.insert_trial_docs(docs)
        self._trials.refresh()
        (doc,) = (doc for doc in self._trials if doc["tid"] == ids[0])
        return doc, {label: found[0] for label, found in doc["misc"]["vals"].items() if found}

    def tell(self, trial: Any, loss: float | None) -> None:
        trial["state"] = self._hyperopt.JOB_STATE_DONE
        trial["result"] = {"status": "fail"} if loss is None else {"status": "ok", "loss": loss}
        self._trials.refresh()


class _Optuna:
    def __init__(self, optuna: Any, algorithm: str, space: Space, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        samplers = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}
        self._study = optuna.create_study(sampler=samplers[algorithm](seed=seed))
        self._failed = optuna.trial.TrialState.FAIL
        self._space = space

    def ask(self) -> tuple[Any, Mapping[str, float | int]]:
        trial = self._study.ask()
        return trial, _optuna_values(trial, self._space)

    def tell(self, trial: Any, loss: float | None) -> None:
        self._study.tell(trial, loss, state=self._failed if loss is None else None)


def _optuna_values(trial: Any, space: Space) -> dict[str, float | int]:
    """Ask Optuna for the active parameters, one by one; normal ones become ranges of three deviations."""
    values: dict[str, float | int] = {}
    for label, parameter in space.items():
        match parameter:
            case Choice(spaces=spaces):
                index = int(trial.suggest_categorical(label, list(range(len(spaces)))))
                values[label] = index
                values |= _optuna_values(trial, spaces[index])
            case Int(low, high, is_log):
                values[label] = trial.suggest_int(label, low, high, log=is_log)
            case Normal(mu, sigma, is_log):
                z = trial.suggest_float(label, mu - 3 * sigma, mu + 3 * sigma)
                values[label] = float(np.exp(z)) if is_log else z
            case Float(low, high, is_log, q):
                # Optuna has no logarithmic grids; the value is snapped later.
                step = None if is_log else q
                values[label] = trial.suggest_float(label, low, high, log=is_log, step=step)
    return values
