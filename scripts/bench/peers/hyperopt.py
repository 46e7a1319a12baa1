"""Hyperopt: ``tpe``, ``anneal`` and ``atpe``. Its algorithms ignore pending trials."""

from __future__ import annotations

import importlib
from typing import Any

import hyperopt
import numpy as np
from hyperopt.utils import coarse_utcnow
from problems.space import Choice, Float, Int, Parameter, Space, expression

from peers.adapter import Adapter, Values, WorstLoss, uniform_in_place_of_normal


def make(algorithm: str, space: Space, seed: int, n_evals: int) -> Adapter:
    """Return an algorithm as ``fmin`` runs it, one trial at a time."""
    return _Hyperopt(algorithm, space, seed)


class _Hyperopt:
    def __init__(self, algorithm: str, space: Space, seed: int) -> None:
        self._suggest = importlib.import_module(f"hyperopt.{algorithm}").suggest
        # `atpe` knows neither failed trials, nor normal priors, nor `uniformint`.
        self._worst = WorstLoss() if algorithm == "atpe" else None
        searched = _for_atpe(space) if algorithm == "atpe" else space
        self._domain = hyperopt.base.Domain(lambda config: None, expression(searched, hyperopt.hp))
        self._trials, self._rng = hyperopt.Trials(), np.random.default_rng(seed)

    def ask(self) -> tuple[Any, Values]:
        ids = self._trials.new_trial_ids(1)
        self._trials.refresh()
        docs = self._suggest(ids, self._domain, self._trials, int(self._rng.integers(2**31 - 1)))
        self._trials.insert_trial_docs(docs)
        self._trials.refresh()
        (doc,) = (doc for doc in self._trials._dynamic_trials if doc["tid"] == ids[0])
        doc["book_time"] = coarse_utcnow()
        return doc, {label: found[0] for label, found in doc["misc"]["vals"].items() if len(found)}

    def tell(self, trial: Any, loss: float | None) -> None:
        if self._worst is not None:
            loss = self._worst.in_place_of(loss)
        trial["refresh_time"] = coarse_utcnow()  # `atpe` reads the duration
        trial["state"] = hyperopt.JOB_STATE_DONE
        trial["result"] = {"status": "fail"} if loss is None else {"status": "ok", "loss": loss}
        self._trials.refresh()


def _for_atpe(space: Space) -> Space:
    return {label: _without_priors(parameter) for label, parameter in space.items()}


def _without_priors(parameter: Parameter) -> Parameter:
    if isinstance(parameter, Choice):
        return Choice(parameter.options, [_for_atpe(space) for space in parameter.spaces])
    uniform = uniform_in_place_of_normal(parameter)
    if isinstance(uniform, Int) and not uniform.is_log:
        return Float(uniform.low, uniform.high, q=1)
    return uniform
