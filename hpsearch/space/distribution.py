"""The distributions of single parameters.

A numeric parameter is a latent variable, uniform or normal, that is optionally
exponentiated, then optionally rounded to a grid: ``value = round(exp(z) / q) * q``,
halves to even. Eleven of Hyperopt's distributions are that one sentence; the others
are a uniform integer and a categorical index. NumPy alone is needed to sample: what
needs special functions belongs to the suggesters.

The values are built by ``uniform``, ``normal``, ``integer`` and ``categorical``, which
check their arguments; a ``SpaceError`` names the parameter.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError

#: Logarithms of the smallest and largest normal floats: ``exp`` is clipped to them.
MIN_LOG, MAX_LOG = math.log(sys.float_info.min), math.log(sys.float_info.max)

#: Integers up to here are exact as floats, which is how the history of a search holds them.
MAX_INTEGER = 2**53

#: Relative slack of a bound or a grid point, for values that were computed in another way.
SLACK = 1e-12


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
        """Map a latent value, infinities included, to a value of the parameter.

        A ``z`` outside a uniform latent's range gives the nearest value that can occur.
        """
        value = self._exp(z)
        if isinstance(self.latent, Uniform):
            low, high = self._exp(self.latent.low), self._exp(self.latent.high)
            if self.q:
                # A bound that lies half-way between two grid points has no mass beyond it.
                low, high = math.nextafter(low, math.inf), math.nextafter(high, -math.inf)
            value = min(max(value, low), high)
        return self.grid(value)

    def grid(self, value: float) -> float:
        """Return the multiple of ``q`` nearest to a value, or the value when there is no grid."""
        # From 2**53 steps on, a float has no digits left that rounding could remove.
        if not self.q or abs(value) / self.q >= MAX_INTEGER:
            return value
        return float(round(value / self.q) * self.q)

    def support(self) -> tuple[float, float]:
        """Return the smallest and the largest value that can occur; infinite for a normal."""
        return self.from_latent(-math.inf), self.from_latent(math.inf)

    def contains(self, value: float) -> bool:
        """Whether the value can occur, up to rounding: in the support, and on the grid if any."""
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
        """How many values can occur; None when they are not finitely many."""
        if self.q is None or isinstance(self.latent, Normal):
            return None
        low, high = self.support()
        return round((high - low) / self.q) + 1

    def _exp(self, z: float) -> float:
        """Apply the exponential of a log parameter, within the range of floats."""
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

    def contains(self, value: float) -> bool:
        """Whether the value can occur."""
        return self.low <= value < self.high and value == int(value)

    @property
    def n_values(self) -> int:
        """How many values can occur."""
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
        # Rounding used up less than 1 in all; any option with mass will do.
        return self.probabilities.index(max(self.probabilities))

    def contains(self, value: float) -> bool:
        """Whether the value is the index of an option that can occur."""
        in_range = 0 <= value < len(self.probabilities)
        return in_range and value == int(value) and self.probabilities[int(value)] > 0

    @property
    def n_values(self) -> int:
        """How many options can occur."""
        return sum(probability > 0 for probability in self.probabilities)


Distribution = Numeric | Integer | Categorical

#: The numeric distributions by name: is_log, has a q, is_integer.
UNIFORMS: Mapping[str, tuple[bool, bool, bool]] = MappingProxyType(
    {
        "uniform": (False, False, False),
        "quniform": (False, True, False),
        "loguniform": (True, False, False),
        "qloguniform": (True, True, False),
        "uniformint": (False, True, True),
    }
)
NORMALS: Mapping[str, tuple[bool, bool, bool]] = MappingProxyType(
    {
        "normal": (False, False, False),
        "qnormal": (False, True, False),
        "lognormal": (True, False, False),
        "qlognormal": (True, True, False),
    }
)


def uniform(name: str, label: str, low: float, high: float, q: float | None = None) -> Numeric:
    """Return the distribution of one of ``UNIFORMS``; a log one takes the logarithms of its bounds.

    Raises
    ------
    SpaceError
        Unless the bounds are finite numbers, ``low < high``, their exponentials are
        floats where they are logarithms, and ``q > 0``.
    """
    is_log, is_quantised, is_integer = UNIFORMS[name]
    where = f"hp.{name}({label!r})"
    low, high = _finite(where, "low", low), _finite(where, "high", high)
    if not low < high:
        raise SpaceError(f"{where}: low must be below high, but they are {low:g} and {high:g}.")
    if not math.isfinite(high - low):
        raise SpaceError(f"{where}: the range from {low:g} to {high:g} is too wide for a float.")
    if is_log:
        _check_logarithm(where, "low", low)
        _check_logarithm(where, "high", high)
    step = _step(where, q) if is_quantised else None
    built = Numeric(name=name, latent=Uniform(low, high), is_log=is_log, q=step, is_integer=is_integer)
    if step:
        _check_grid(where, built, step)
    return built


def normal(name: str, label: str, mu: float, sigma: float, q: float | None = None) -> Numeric:
    """Return the distribution of one of ``NORMALS``; a log one takes the moments of the logarithm.

    Raises
    ------
    SpaceError
        Unless ``mu`` and ``sigma`` are finite numbers, ``sigma > 0`` and ``q > 0``.
    """
    is_log, is_quantised, is_integer = NORMALS[name]
    where = f"hp.{name}({label!r})"
    mu, sigma = _finite(where, "mu", mu), _finite(where, "sigma", sigma)
    if sigma <= 0:
        raise SpaceError(f"{where}: sigma must be positive, but it is {sigma:g}.")
    # No generator draws a normal 40 standard deviations out: with this, every draw is finite.
    if not math.isfinite(abs(mu) + 40 * sigma):
        raise SpaceError(f"{where}: mu = {mu:g} with sigma = {sigma:g} reaches beyond the range of floats.")
    if is_log:
        _check_logarithm(where, "mu", mu)
    step = _step(where, q) if is_quantised else None
    return Numeric(name=name, latent=Normal(mu, sigma), is_log=is_log, q=step, is_integer=is_integer)


def integer(label: str, low: int, high: int) -> Integer:
    """Return the uniform distribution of the integers ``low <= value < high``.

    Raises
    ------
    SpaceError
        Unless both are whole numbers within +-2**53 and ``low < high``.
    """
    where = f"hp.randint({label!r})"
    for name, bound in (("low", low), ("high", high)):
        if isinstance(bound, bool | np.bool_) or not isinstance(bound, Integral):
            raise SpaceError(f"{where}: {name} must be an int, but it is {bound!r}.")
        if abs(int(bound)) > MAX_INTEGER:
            raise SpaceError(f"{where}: {name} must lie within +-2**53, but it is {bound}.")
    if not low < high:
        raise SpaceError(f"{where}: there is no integer from {low} up to, but not including, {high}.")
    return Integer(low=int(low), high=int(high))


def categorical(name: str, label: str, probabilities: Sequence[float]) -> Categorical:
    """Return the distribution of an index with these probabilities, brought to a sum of 1.

    Raises
    ------
    SpaceError
        Unless there is at least one, none is negative, and their sum is within 1e-6 of 1.
    """
    where = f"hp.{name}({label!r})"
    if not probabilities:
        raise SpaceError(f"{where}: there must be at least one option.")
    checked = [_finite(where, f"the probability of option {i}", p) for i, p in enumerate(probabilities)]
    for i, probability in enumerate(checked):
        if probability < 0:
            raise SpaceError(f"{where}: the probability of option {i} is negative, {probability:g}.")
    total = math.fsum(checked)
    if abs(total - 1) > 1e-6:
        raise SpaceError(f"{where}: the probabilities must add up to 1, but their sum is {total:g}.")
    # Sums that are 1 up to rounding stay as they are, so that normalising twice changes nothing.
    if abs(total - 1) > SLACK:
        checked = [probability / total for probability in checked]
    return Categorical(probabilities=tuple(checked), name=name)


def equal(n: int) -> list[float]:
    """Return ``n`` equal probabilities."""
    return [1 / n for _ in range(n)]


def bounds_text(distribution: Distribution) -> str:
    """Describe the values of a distribution in the units of the parameter, not of its logarithm."""
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


def _finite(where: str, what: str, value: Any) -> float:
    """Return a finite number as a float, or raise a sentence about it."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise SpaceError(f"{where}: {what} must be a number, but it is {_shown(value)}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SpaceError(f"{where}: {what} must be finite, but it is {_shown(value)}.")
    return number + 0.0  # turns -0.0 into 0.0, so that equal bounds look equal


def _step(where: str, q: Any) -> float:
    """Return a grid step that was checked."""
    step = _finite(where, "q", q)
    if step <= 0:
        raise SpaceError(f"{where}: q must be positive, but it is {step:g}.")
    return step


def _check_grid(where: str, built: Numeric, q: float) -> None:
    """Raise unless a grid is fine enough to leave a choice, and coarse enough for floats."""
    smallest, largest = built.support()
    if smallest == largest:
        raise SpaceError(f"{where}: q = {q:g} is so coarse that only the value {smallest:g} can occur.")
    if max(abs(smallest), abs(largest)) / q >= MAX_INTEGER:
        raise SpaceError(f"{where}: q = {q:g} is finer than floats can resolve near {largest:g}.")


def _check_logarithm(where: str, what: str, value: float) -> None:
    """Raise unless ``exp(value)`` is a positive float of full precision."""
    if not MIN_LOG < value < MAX_LOG:
        raise SpaceError(
            f"{where}: {what} is a logarithm, and exp({value:g}) is outside the range of floats; "
            f"take the logarithm of the bound that you mean, such as np.log(1e-5)."
        )


def _shown(value: Any) -> str:
    """Return a value as text of bounded length; a node of a space by its type."""
    text = repr(value) if isinstance(value, Real | str | bytes | None) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."
