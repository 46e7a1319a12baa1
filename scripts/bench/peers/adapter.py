"""What the adapter of a peer provides, and what several adapters need.

Adapters run under the Python of the peer's environment, which has the peer and NumPy, and not hpsearch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

from problems.space import Float, Int, Normal, Number

#: Numbers by label, and indices of options; labels that are not active may be among them.
Values: TypeAlias = Mapping[str, float | int]


class Adapter(Protocol):
    """A peer on one space, with its defaults."""

    def ask(self) -> tuple[Any, Values]:
        """Return the next trial's handle, for ``tell``, and its values."""
        ...

    def tell(self, trial: Any, loss: float | None) -> None:
        """Report the loss of a trial; None if it failed."""
        ...


class PruningAdapter(Adapter, Protocol):
    """A peer that may stop trials early."""

    def report(self, trial: Any, step: int, value: float) -> bool:
        """Report a value of a running trial; return whether it stops."""
        ...


class OutcomesAdapter(Adapter, Protocol):
    """A peer that knows several objectives and outcome limits."""

    def tell_outcomes(self, trial: Any, losses: list[float], amounts: list[float]) -> None:
        """Report the losses of a trial, and by how much it exceeds its limits."""
        ...


def bounds(parameter: Number) -> tuple[float, float, bool]:
    """Return the bounds of a parameter, and whether it has a logarithmic scale.

    Few peers have normal priors; the others search three standard deviations to each side.
    """
    if isinstance(parameter, Float | Int):
        return parameter.low, parameter.high, parameter.is_log
    low, high = parameter.mu - 3 * parameter.sigma, parameter.mu + 3 * parameter.sigma
    if parameter.is_log:
        return math.exp(low), math.exp(high), True
    return low, high, False


def uniform_in_place_of_normal(parameter: Number) -> Float | Int:
    """Return a parameter without a normal prior."""
    if not isinstance(parameter, Normal):
        return parameter
    low, high, is_log = bounds(parameter)
    return Float(low, high, is_log, None if is_log else parameter.q)


class WorstLoss:
    """The worst loss so far, for peers without failed trials: it takes the place of the loss of one."""

    def __init__(self) -> None:
        self._worst: float | None = None

    def in_place_of(self, loss: float | None) -> float:
        """Return the loss, or if there is none the worst one; 1e6 before any."""
        if loss is None:
            return 1e6 if self._worst is None else self._worst
        self._worst = loss if self._worst is None else max(self._worst, loss)
        return loss
