"""Distributions from the arguments of ``hp`` or of a stored document, with checks.

Every ``SpaceError`` names the function, the parameter and the wrong argument.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import named, shown
from hpsearch.space.distribution import (
    MAX_INTEGER,
    MAX_LOG,
    MIN_LOG,
    SLACK,
    Categorical,
    Integer,
    Normal,
    Numeric,
    Uniform,
)

#: Characters of a label, which is part of each trial's document, and of messages.
MAX_LABEL = 200

#: The numeric distributions by name: (is_log, has a q, is_integer).
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


def checked_label(label: Any) -> str:
    """Return a label if it can be stored.

    Raises
    ------
    SpaceError
        Unless it is a string of 1 to ``MAX_LABEL`` characters that UTF-8 can encode, without NUL.
    """
    if not isinstance(label, str) or not label:
        raise SpaceError(f"The label of a parameter must be a non-empty string, but it is {shown(label)}.")
    if len(label) > MAX_LABEL:
        raise SpaceError(f"The label {shown(label)} has {len(label)} characters; use at most {MAX_LABEL}.")
    if "\0" in label or any("\ud800" <= character <= "\udfff" for character in label):
        raise SpaceError(f"The label {shown(label)} has a character that cannot be stored.")
    return label


def uniform(name: str, label: str, low: float, high: float, q: float | None = None) -> Numeric:
    """Return a uniform or log-uniform distribution.

    Parameters
    ----------
    name : str
        A key of ``UNIFORMS``.
    label : str
        Label of the parameter, for messages.
    low, high : float
        Finite bounds, ``low < high``; natural logarithms of the bounds for a log distribution.
    q : float, optional
        Grid step; positive, for a distribution that has one.

    Raises
    ------
    SpaceError
        If an argument is out of its range.
    """
    is_log, is_quantised, is_integer = UNIFORMS[name]
    where = f"hp.{name}({named(label)})"
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
    """Return a normal or lognormal distribution.

    Parameters
    ----------
    name : str
        A key of ``NORMALS``.
    label : str
        Label of the parameter, for messages.
    mu, sigma : float
        Mean and standard deviation of the value, or of its logarithm; finite, ``sigma > 0``.
    q : float, optional
        Grid step; positive, for a distribution that has one.

    Raises
    ------
    SpaceError
        If an argument is out of its range.
    """
    is_log, is_quantised, is_integer = NORMALS[name]
    where = f"hp.{name}({named(label)})"
    mu, sigma = _finite(where, "mu", mu), _finite(where, "sigma", sigma)
    if sigma <= 0:
        raise SpaceError(f"{where}: sigma must be positive, but it is {sigma:g}.")
    # No generator draws a normal 40 standard deviations from the mean, so every draw is finite.
    if not math.isfinite(abs(mu) + 40 * sigma):
        raise SpaceError(f"{where}: mu = {mu:g} with sigma = {sigma:g} reaches beyond the range of floats.")
    if is_log:
        _check_logarithm(where, "mu", mu)
    step = _step(where, q) if is_quantised else None
    return Numeric(name=name, latent=Normal(mu, sigma), is_log=is_log, q=step, is_integer=is_integer)


def integer(label: str, low: int, high: int) -> Integer:
    """Return the uniform distribution of the integers ``low <= value < high``.

    Parameters
    ----------
    label : str
        Label of the parameter, for messages.
    low, high : int
        Within +-2**53, ``low < high``.

    Raises
    ------
    SpaceError
        If an argument is out of its range.
    """
    where = f"hp.randint({named(label)})"
    for name, bound in (("low", low), ("high", high)):
        if isinstance(bound, bool | np.bool_) or not isinstance(bound, Integral):
            raise SpaceError(f"{where}: {name} must be an int, but it is {shown(bound)}.")
        if abs(int(bound)) > MAX_INTEGER:
            raise SpaceError(f"{where}: {name} must lie within +-2**53, but it is {shown(int(bound))}.")
    if not low < high:
        raise SpaceError(f"{where}: there is no integer from {low} up to, but not including, {high}.")
    return Integer(low=int(low), high=int(high))


def categorical(name: str, label: str, probabilities: Sequence[float]) -> Categorical:
    """Return the distribution of an index, with probabilities normalized to a sum of 1.

    Parameters
    ----------
    name : str
        ``choice`` or ``pchoice``.
    label : str
        Label of the parameter, for messages.
    probabilities : sequence of float
        At least one; not negative, with a sum within 1e-6 of 1.

    Raises
    ------
    SpaceError
        If the probabilities are not valid.
    """
    where = f"hp.{name}({named(label)})"
    if not probabilities:
        raise SpaceError(f"{where}: there must be at least one option.")
    checked = [_finite(where, f"the probability of option {i}", p) for i, p in enumerate(probabilities)]
    for i, probability in enumerate(checked):
        if probability < 0:
            raise SpaceError(f"{where}: the probability of option {i} is negative, {probability:g}.")
    total = math.fsum(checked)
    if abs(total - 1) > 1e-6:
        raise SpaceError(f"{where}: the probabilities must add up to 1, but their sum is {total:g}.")
    # Keep sums that are 1 up to rounding, so that normalizing twice changes nothing.
    if abs(total - 1) > SLACK:
        checked = [probability / total for probability in checked]
    return Categorical(probabilities=tuple(checked), name=name)


def equal(n: int) -> list[float]:
    """Return ``n`` equal probabilities."""
    return [1 / n for _ in range(n)]


def _finite(where: str, what: str, value: Any) -> float:
    """Return a number as a float; raises unless it is finite."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise SpaceError(f"{where}: {what} must be a number, but it is {shown(value)}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SpaceError(f"{where}: {what} must be finite, but it is {shown(value)}.")
    return number + 0.0  # turns -0.0 into 0.0


def _step(where: str, q: Any) -> float:
    step = _finite(where, "q", q)
    if step <= 0:
        raise SpaceError(f"{where}: q must be positive, but it is {step:g}.")
    return step


def _check_grid(where: str, built: Numeric, q: float) -> None:
    smallest, largest = built.support()
    if max(abs(smallest), abs(largest)) / q >= MAX_INTEGER:
        hint = ", the exponential of high" if built.is_log else ""
        raise SpaceError(f"{where}: q = {q:g} is finer than floats can resolve near {largest:g}{hint}.")


def _check_logarithm(where: str, what: str, value: float) -> None:
    if not MIN_LOG < value < MAX_LOG:
        raise SpaceError(
            f"{where}: {what} is a logarithm, and exp({value:g}) is outside the range of floats; "
            f"pass the logarithm of the bound, such as np.log(1e-5)."
        )
