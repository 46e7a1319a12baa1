"""The distributions of single parameters.

A numeric parameter is a latent variable, uniform or normal, that is optionally exponentiated, then optionally
rounded to a grid: ``value = round(exp(z) / q) * q``, halves to even. This covers nine of Hyperopt's
distributions; the others are a uniform integer and a categorical index. Sampling needs NumPy alone; special
functions belong to the suggesters.

``arguments`` builds and checks these values from a user's arguments.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Logarithms of the smallest and largest normal floats, between which ``exp`` is evaluated.
MIN_LOG, MAX_LOG = math.log(sys.float_info.min), math.log(sys.float_info.max)

#: Integers up to this size are exact as floats, the type of all values in a history.
MAX_INTEGER = 2**53

#: Relative tolerance for bounds and grid points, for values that went through other arithmetic.
SLACK = 1e-12


@dataclass(frozen=True, slots=True)
class Uniform:
    """A latent variable that is uniform on ``[low, high)``."""

    low: float
    high: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one latent value."""
        return float(rng.uniform(self.low, self.high))

    def draw_many(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw (n,) latent values.

        Parameters
        ----------
        rng : Generator
            Source of randomness.
        n : int
            Number of draws.
        """
        return rng.uniform(self.low, self.high, n)


@dataclass(frozen=True, slots=True)
class Normal:
    """A latent variable that is normal, without bounds."""

    mu: float
    sigma: float

    def draw(self, rng: np.random.Generator) -> float:
        """Draw one latent value."""
        return float(rng.normal(self.mu, self.sigma))

    def draw_many(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw (n,) latent values.

        Parameters
        ----------
        rng : Generator
            Source of randomness.
        n : int
            Number of draws.
        """
        return rng.normal(self.mu, self.sigma, n)


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

    def sample_many(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw (n,) values.

        Parameters
        ----------
        rng : Generator
            Source of randomness.
        n : int
            Number of draws.
        """
        values = self.latent.draw_many(rng, n)
        if self.is_log:
            values = np.exp(np.clip(values, MIN_LOG, MAX_LOG))
        if isinstance(self.latent, Uniform):
            values = np.clip(values, *self._bounds(self.latent))
        if not self.q:
            return values
        n_steps = values / self.q
        return np.where(np.abs(n_steps) < MAX_INTEGER, np.round(n_steps) * self.q, values)

    def from_latent(self, z: float) -> float:
        """Map a latent value, which may be infinite, to a value of the parameter.

        A ``z`` outside the range of a uniform latent gives the nearest value that can occur.
        """
        value = self._exp(z)
        if isinstance(self.latent, Uniform):
            low, high = self._bounds(self.latent)
            value = min(max(value, low), high)
        return self.grid(value)

    def grid(self, value: float) -> float:
        """Return the multiple of ``q`` nearest to a value, or the value without a grid."""
        # From 2**53 steps on, a float has no digits left to round.
        if not self.q or abs(value) / self.q >= MAX_INTEGER:
            return value
        return float(round(value / self.q) * self.q)

    def support(self) -> tuple[float, float]:
        """Return the smallest and the largest value that can occur; for a normal latent without limit."""
        return self.from_latent(-math.inf), self.from_latent(math.inf)

    def contains(self, value: float) -> bool:
        """Whether the value can occur, up to rounding: in the support, and on the grid if there is one."""
        low, high = self.support()
        if not low - SLACK * abs(low) <= value <= high + SLACK * abs(high):
            return False
        if not -sys.float_info.max <= value <= sys.float_info.max:
            return False
        return self.q is None or math.isclose(value, self.grid(value), rel_tol=SLACK, abs_tol=SLACK * self.q)

    def nearest(self, value: float) -> float:
        """Return the value nearest to a finite number among those that can occur."""
        low, high = self.support()
        return min(max(self.grid(float(value)), low), high)

    @property
    def n_values(self) -> int | None:
        """Number of values that can occur; None if infinite."""
        if self.q is None or isinstance(self.latent, Normal):
            return None
        low, high = self.support()
        return round((high - low) / self.q) + 1

    def _bounds(self, latent: Uniform) -> tuple[float, float]:
        """Return the bounds of the values before they are rounded to the grid."""
        low, high = self._exp(latent.low), self._exp(latent.high)
        if self.q:
            # A bound half-way between two grid points has no probability beyond it.
            return math.nextafter(low, math.inf), math.nextafter(high, -math.inf)
        return low, high

    def _exp(self, z: float) -> float:
        return math.exp(min(max(z, MIN_LOG), MAX_LOG)) if self.is_log else z


@dataclass(frozen=True, slots=True, kw_only=True)
class Integer:
    """An integer, uniform on ``low <= value < high``."""

    low: int
    high: int
    name: str = "randint"

    def sample(self, rng: np.random.Generator) -> int:
        """Draw one value."""
        return int(rng.integers(self.low, self.high))

    def sample_many(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw (n,) values.

        Parameters
        ----------
        rng : Generator
            Source of randomness.
        n : int
            Number of draws.
        """
        return rng.integers(self.low, self.high, n).astype(np.float64)

    def contains(self, value: float) -> bool:
        """Whether the value can occur."""
        return self.low <= value < self.high and value == int(value)

    @property
    def n_values(self) -> int:
        """Number of values that can occur."""
        return self.high - self.low


@dataclass(frozen=True, slots=True, kw_only=True)
class Categorical:
    """The index of an option."""

    probabilities: tuple[float, ...]  #: of each option; they add up to 1
    name: str = "choice"  #: "choice" or "pchoice"

    def sample(self, rng: np.random.Generator) -> int:
        """Draw one index."""
        rest = rng.random()
        for index, probability in enumerate(self.probabilities):
            rest -= probability
            if rest < 0:
                return index
        # The probabilities add up to slightly less than 1: return an option that can occur.
        return self.probabilities.index(max(self.probabilities))

    def sample_many(self, rng: np.random.Generator, n: int) -> Floats:
        """Draw (n,) indices.

        Parameters
        ----------
        rng : Generator
            Source of randomness.
        n : int
            Number of draws.
        """
        cumulative = np.cumsum(self.probabilities)
        drawn = np.searchsorted(cumulative / cumulative[-1], rng.random(n), side="right")
        return drawn.astype(np.float64)

    def contains(self, value: float) -> bool:
        """Whether the value is the index of an option that can occur."""
        in_range = 0 <= value < len(self.probabilities)
        return in_range and value == int(value) and self.probabilities[int(value)] > 0

    @property
    def n_values(self) -> int:
        """Number of options that can occur."""
        return sum(probability > 0 for probability in self.probabilities)


Distribution = Numeric | Integer | Categorical


def bounds_text(distribution: Distribution) -> str:
    """Describe the range of a distribution in the units of the parameter, not of its logarithm."""
    match distribution:
        case Categorical():
            return f"{len(distribution.probabilities)} options"
        case Integer():
            return f"{distribution.low} .. {distribution.high - 1}"
        case Numeric(latent=Normal(mu, sigma), is_log=True):
            text = f"median {math.exp(mu):.6g}, times or divided by {math.exp(min(sigma, MAX_LOG)):.6g}"
        case Numeric(latent=Normal(mu, sigma)):
            text = f"mean {mu:.6g}, sd {sigma:.6g}"
        case _:
            low, high = distribution.support()
            text = f"{low:.6g} .. {high:.6g}"
    is_stepped = distribution.q is not None and not distribution.is_integer
    return f"{text}, step {distribution.q:.6g}" if is_stepped else text
