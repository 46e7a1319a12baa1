"""SMAC3: ``hpo``, its facade for hyperparameters. A failed trial is a crashed one, with the worst cost."""

from __future__ import annotations

import logging
import tempfile
from typing import Any

import ConfigSpace
import smac
from problems.space import Choice, Int, Parameter, Space
from smac.runhistory.dataclasses import TrialValue
from smac.runhistory.enumerations import StatusType

from peers.adapter import Adapter, Values, WorstLoss, bounds

_FACADES = {"hpo": smac.HyperparameterOptimizationFacade}


def make(algorithm: str, space: Space, seed: int, n_evals: int) -> Adapter:
    """Return a facade with its defaults."""
    logging.disable(logging.WARNING)
    return _Smac(algorithm, space, seed, n_evals)


class _Smac:
    def __init__(self, algorithm: str, space: Space, seed: int, n_evals: int) -> None:
        searched = ConfigSpace.ConfigurationSpace(seed=seed)
        _add(searched, space, None)
        self._folder = tempfile.TemporaryDirectory()
        scenario = smac.Scenario(
            searched, deterministic=True, n_trials=n_evals, seed=seed, output_directory=self._folder.name
        )
        self._facade = _FACADES[algorithm](
            scenario, lambda config, seed=0: 0.0, overwrite=True, logging_level=False
        )
        self._worst = WorstLoss()

    def ask(self) -> tuple[Any, Values]:
        info = self._facade.ask()
        return info, dict(info.config)

    def tell(self, trial: Any, loss: float | None) -> None:
        status = StatusType.CRASHED if loss is None else StatusType.SUCCESS
        self._facade.tell(trial, TrialValue(cost=self._worst.in_place_of(loss), time=0.1, status=status))


def _add(searched: Any, space: Space, condition: tuple[Any, int] | None) -> None:
    """Add the parameters of a space that is active under an option of a choice, or always."""
    for label, parameter in space.items():
        added = _parameter(label, parameter)
        searched.add(added)
        if condition is not None:
            searched.add(ConfigSpace.EqualsCondition(added, *condition))
        if isinstance(parameter, Choice):
            for index, below in enumerate(parameter.spaces):
                _add(searched, below, (added, index))


def _parameter(label: str, parameter: Parameter) -> Any:
    if isinstance(parameter, Choice):
        return ConfigSpace.CategoricalHyperparameter(label, list(range(len(parameter.spaces))))
    if isinstance(parameter, Int):
        return ConfigSpace.UniformIntegerHyperparameter(
            label, parameter.low, parameter.high, log=parameter.is_log
        )
    low, high, is_log = bounds(parameter)
    return ConfigSpace.UniformFloatHyperparameter(label, low, high, log=is_log)
