"""A problem: a space, a loss over it, and what is known about both."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from problems.space import Config, Space

#: What is observed in place of a loss; None for a trial that fails.
Noise: TypeAlias = Callable[[float, np.random.Generator], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A space, and an objective to minimize over it."""

    space: Space
    loss: Callable[[Config], float | None]  #: without noise; None where the trial fails
    optimum: float | None = None  #: the least loss; None if it is not known exactly
    noise: Noise | None = None  #: None for a deterministic objective


def instance_rng(family: str, instance: int) -> np.random.Generator:
    """Return the generator that an instance of a family is drawn from, the same in every process."""
    return np.random.default_rng([zlib.crc32(family.encode()), instance])
