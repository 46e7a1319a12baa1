"""The distributions of single parameters.

A numeric parameter is a latent variable, uniform or normal, that is optionally
exponentiated, then optionally rounded to a grid: ``value = round(exp(z) / q) * q``,
halves to even. Eleven of Hyperopt's distributions are that one sentence; the others
are a uniform integer and a categorical index. NumPy alone is needed to sample: what
needs special functions belongs to the suggesters.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Uniform:
    """A latent variable that is uniform on ``[low, high)``."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one latent value."""
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True, slots=True)
class Normal:
    """A latent variable that is normal, and unbounded."""

    mu: float
    sigma: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one latent value."""
        return float(rng.normal(self.mu, self.sigma))


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """A real parameter: ``value = grid(exp(z))`` of a latent ``z``."""

    name: str  #: Hyperopt's name of the distribution: "uniform", "qlognormal", "uniformint", ...
    latent: Uniform | Normal  #: the distribution of ``z``
    is_log: bool = False  #: whether ``z`` is the logarithm of the value
    q: float | None = None  #: grid step; values are multiples of it
    is_integer: bool = False  #: whether the objective receives an int; the raw value stays a float

    def sample(self, rng: np.random.Generator) -> float:
        """Draw one value."""
        return self.from_latent(self.latent.draw(rng))

    def from_latent(self, z: float) -> float:
        """Map a latent value to a value of the parameter."""
        value = math.exp(z) if self.is_log else z
        return float(np.round(value / self.q) * self.q) if self.q else value

    def support(self) -> tuple[float, float]:
        """Return the smallest and the largest value that can occur; both may be infinite."""
        if isinstance(self.latent, Uniform):
            return self.from_latent(self.latent.low), self.from_latent(self.latent.high)
        return (0.0 if self.is_log else -math.inf), math.inf

    def contains(self, value: float) -> bool:
        """Whether the value can occur: in the support, and on the grid where there is one."""
        low, high = self.support()
        if not math.isfinite(value) or not low <= value <= high:
            return False
        return self.q is None or value == float(np.round(value / self.q) * self.q)


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer:
    """An integer, uniform on ``low <= value < high``."""

    low: int
    high: int
    name: str = "randint"

    def sample(self, rng: np.random.Generator) -> int:
        """Draw one value."""
        return int(rng.integers(self.low, self.high))

    def contains(self, value: float) -> bool:
        """Whether the value can occur."""
        return value == int(value) and self.low <= value < self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Categorical:
    """The index of an option."""

    probabilities: tuple[float, ...]  #: of each option; they add up to 1
    name: str = "choice"  #: "choice" or "pchoice"

    def sample(self, rng: np.random.Generator) -> int:
        """Draw one index."""
        return int(rng.choice(len(self.probabilities), p=self.probabilities))

    def contains(self, value: float) -> bool:
        """Whether the value is the index of an option that can occur."""
        return value == int(value) and 0 <= value < len(self.probabilities) and self.probabilities[int(value)] > 0


Distribution = Numeric | Integer | Categorical
