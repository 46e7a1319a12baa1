"""Nevergrad: ``ngopt``, which chooses an algorithm by space and budget. It has no failed trials."""

from __future__ import annotations

from typing import Any

import nevergrad
from problems.space import Choice, Int, Parameter, Space

from peers.adapter import Adapter, Values, WorstLoss, bounds

_ALGORITHMS = {"ngopt": "NGOpt"}


def make(algorithm: str, space: Space, seed: int, n_evals: int) -> Adapter:
    """Return an optimizer with its defaults, which divides the budget into phases."""
    return _Nevergrad(_ALGORITHMS[algorithm], space, seed, n_evals)


class _Nevergrad:
    def __init__(self, algorithm: str, space: Space, seed: int, n_evals: int) -> None:
        instrumented = _dict(space)
        instrumented.random_state.seed(seed)
        self._optimizer = nevergrad.optimizers.registry[algorithm](instrumented, budget=n_evals)
        self._space, self._worst = space, WorstLoss()

    def ask(self) -> tuple[Any, Values]:
        candidate = self._optimizer.ask()
        return candidate, _values(self._space, candidate.value)

    def tell(self, trial: Any, loss: float | None) -> None:
        self._optimizer.tell(trial, self._worst.in_place_of(loss))


def _dict(space: Space) -> Any:
    return nevergrad.p.Dict(**{label: _parameter(parameter) for label, parameter in space.items()})


def _parameter(parameter: Parameter) -> Any:
    if isinstance(parameter, Choice):
        options = [nevergrad.p.Dict(index=i, below=_dict(below)) for i, below in enumerate(parameter.spaces)]
        return nevergrad.p.Choice(options if any(parameter.spaces) else list(range(len(options))))
    low, high, is_log = bounds(parameter)
    kind = nevergrad.p.Log if is_log else nevergrad.p.Scalar
    number = kind(lower=low, upper=high)
    return number.set_integer_casting() if isinstance(parameter, Int) else number


def _values(space: Space, found: Any) -> dict[str, float | int]:
    values: dict[str, float | int] = {}
    for label, parameter in space.items():
        value = found[label]
        if isinstance(parameter, Choice) and any(parameter.spaces):
            values[label] = value["index"]
            values |= _values(parameter.spaces[value["index"]], value["below"])
        else:
            values[label] = value
    return values
