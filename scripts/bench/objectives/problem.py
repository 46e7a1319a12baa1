"""A problem with several objectives or outcome limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from problems.space import Config, Space

#: What an evaluation returns: the objectives, minimised, and by how much each limit is exceeded.
Measured: TypeAlias = tuple[list[float], list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeProblem:
    """A space, and what is measured at its points."""

    space: Space
    measure: Callable[[Config], Measured]
    n_objectives: int = 1
    n_limits: int = 0
    #: upper corner of the hypervolume, and the hypervolume of the front if it is known exactly
    reference: tuple[float, ...] = ()
    volume: float | None = None
    #: the least feasible loss if it is known
    optimum: float | None = None
