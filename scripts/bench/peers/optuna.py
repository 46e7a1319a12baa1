"""Optuna: ``tpe``, ``gp``, ``cmaes``, ``nsgaii``, and ``auto``, the AutoSampler of OptunaHub.

A name such as "tpe+hyperband" adds a pruner with its defaults: "median", "asha" (successive halving) or
"hyperband"; trials may then run at the same time, so TPE counts pending ones (``constant_liar``).

OptunaHub downloads the AutoSampler, unless ``OPTUNAHUB_REGISTRY`` names the folder ``package`` of a local
copy of its registry.
"""

from __future__ import annotations

import math
import os
from typing import Any

import optuna
from problems.space import Choice, Float, Int, Normal, Space

from peers.adapter import Adapter, Values


def make(algorithm: str, space: Space, seed: int, n_evals: int, n_objectives: int = 1) -> Adapter:
    """Return a sampler with its defaults; with a pruner, ``n_evals`` is the last step of a full trial."""
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    algorithm, _, pruner = algorithm.partition("+")
    if not pruner:
        return _Optuna(_sampler(algorithm, seed), space, n_objectives=n_objectives)
    is_tpe = algorithm == "tpe"
    sampler = (
        optuna.samplers.TPESampler(seed=seed, constant_liar=True) if is_tpe else _sampler(algorithm, seed)
    )
    return _Optuna(sampler, space, _pruner(pruner, n_evals))


def _pruner(name: str, n_steps: int) -> Any:
    match name:
        case "median":
            return optuna.pruners.MedianPruner()
        case "asha":
            return optuna.pruners.SuccessiveHalvingPruner()
        case "hyperband":
            return optuna.pruners.HyperbandPruner(max_resource=n_steps)
        case _:
            return optuna.pruners.NopPruner()


def _sampler(algorithm: str, seed: int) -> Any:
    if algorithm in ("gp", "auto"):
        import torch

        torch.set_num_threads(1)
    if algorithm == "cmaes":
        return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    if algorithm == "auto":
        return _auto_sampler()(seed=seed)
    samplers = {
        "tpe": optuna.samplers.TPESampler,
        "gp": optuna.samplers.GPSampler,
        "nsgaii": optuna.samplers.NSGAIISampler,
    }
    return samplers[algorithm](seed=seed)


def _auto_sampler() -> Any:
    import optunahub

    if registry := os.environ.get("OPTUNAHUB_REGISTRY"):
        return optunahub.load_local_module("samplers/auto_sampler", registry_root=registry).AutoSampler
    return optunahub.load_module("samplers/auto_sampler").AutoSampler


class _Optuna:
    def __init__(self, sampler: Any, space: Space, pruner: Any = None, n_objectives: int = 1) -> None:
        directions = ["minimize"] * n_objectives
        self._study = optuna.create_study(sampler=sampler, pruner=pruner, directions=directions)
        self._space = space

    def ask(self) -> tuple[Any, Values]:
        trial = self._study.ask()
        return trial, _values(trial, self._space)

    def tell(self, trial: Any, loss: float | None) -> None:
        self._study.tell(trial, loss, state=optuna.trial.TrialState.FAIL if loss is None else None)

    def tell_outcomes(self, trial: Any, losses: list[float], amounts: list[float]) -> None:
        for i, amount in enumerate(amounts):
            trial.set_constraint(f"c{i}", amount)
        self._study.tell(trial, losses)

    def report(self, trial: Any, step: int, value: float) -> bool:
        trial.report(value, step)
        if not trial.should_prune():
            return False
        self._study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        return True


def _values(trial: Any, space: Space) -> dict[str, float | int]:
    """Ask for the active parameters, one by one; normal ones become ranges of three deviations."""
    values: dict[str, float | int] = {}
    for label, parameter in space.items():
        match parameter:
            case Choice(spaces=spaces):
                index = int(trial.suggest_categorical(label, list(range(len(spaces)))))
                values[label] = index
                values |= _values(trial, spaces[index])
            case Int(low, high, is_log):
                values[label] = trial.suggest_int(label, low, high, log=is_log)
            case Normal(mu, sigma, is_log):
                z = trial.suggest_float(label, mu - 3 * sigma, mu + 3 * sigma)
                values[label] = math.exp(z) if is_log else z
            case Float(low, high, is_log, q):
                # Optuna has no logarithmic grids; the value is snapped later.
                values[label] = trial.suggest_float(label, low, high, log=is_log, step=None if is_log else q)
    return values
