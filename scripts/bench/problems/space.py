"""Declared search spaces: numbers, integers, normal priors, and choices with parameters below them.

Unlike an ``hp`` structure, a declared space can be read by every peer: ranges, scales and conditions are
plain values. A space is a mapping from labels to parameters, and labels are unique within the whole space. A
configuration is flat: the values of the active parameters by label, a choice as its option.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np


@dataclass(frozen=True, slots=True)
class Float:
    """A number between two bounds, uniform, or uniform in its logarithm."""

    low: float
    high: float
    is_log: bool = False
    q: float | None = None  #: values are multiples of it


@dataclass(frozen=True, slots=True)
class Int:
    """An integer between two bounds, both included."""

    low: int
    high: int
    is_log: bool = False


@dataclass(frozen=True, slots=True)
class Normal:
    """A number with a normal prior; with ``is_log`` the prior is that of its logarithm."""

    mu: float
    sigma: float
    is_log: bool = False
    q: float | None = None  #: values are multiples of it


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several options; the space of the chosen one becomes active."""

    options: Sequence[Any]
    spaces: Sequence[Space]  #: one for each option, empty where it has no parameters

    @classmethod
    def of(cls, options: Sequence[Any]) -> Choice:
        """Return a choice whose options have no parameters."""
        return cls(tuple(options), ({},) * len(options))

    @classmethod
    def nested(cls, spaces: Mapping[Any, Space]) -> Choice:
        """Return a choice whose options have these spaces."""
        return cls(tuple(spaces), tuple(spaces.values()))


Number: TypeAlias = Float | Int | Normal
Parameter: TypeAlias = Number | Choice
Space: TypeAlias = Mapping[str, Parameter]

#: Values of the active parameters by label; a choice is the option itself.
Config: TypeAlias = Mapping[str, Any]


def snap(parameter: Number, x: float) -> float | int:
    """Return the legal value nearest to a number: rounded to the grid, and within the bounds."""
    if isinstance(parameter, Int):
        return int(min(max(round(x), parameter.low), parameter.high))
    if parameter.q:
        x = round(x / parameter.q) * parameter.q
    if isinstance(parameter, Float):
        x = min(max(x, parameter.low), parameter.high)
    return float(x)


def unit(parameter: Number, value: float) -> float:
    """Return the place of a value on the parameter's scale: 0 to 1 within bounds, or standard deviations."""
    if isinstance(parameter, Normal):
        latent = math.log(max(value, 1e-300)) if parameter.is_log else value
        return (latent - parameter.mu) / parameter.sigma
    low, high = latent_bounds(parameter)
    return ((math.log(value) if parameter.is_log else float(value)) - low) / (high - low)


def latent_bounds(parameter: Float | Int) -> tuple[float, float]:
    """Return the bounds of a number, or of its logarithm if it has that scale."""
    if parameter.is_log:
        return math.log(parameter.low), math.log(parameter.high)
    return float(parameter.low), float(parameter.high)


def from_latent(parameter: Number, z: float) -> float | int:
    """Return the legal value nearest to a number on the parameter's scale, which may be logarithmic."""
    return snap(parameter, math.exp(z) if parameter.is_log else z)


def sample(space: Space, rng: np.random.Generator) -> dict[str, Any]:
    """Draw a configuration from the priors."""
    config: dict[str, Any] = {}
    for label, parameter in space.items():
        match parameter:
            case Choice(options, spaces):
                index = int(rng.integers(len(options)))
                config[label] = options[index]
                config.update(sample(spaces[index], rng))
            case Normal(mu, sigma):
                config[label] = from_latent(parameter, rng.normal(mu, sigma))
            case Int(low, high, is_log=False):
                config[label] = int(rng.integers(low, high + 1))
            case _:
                config[label] = from_latent(parameter, rng.uniform(*latent_bounds(parameter)))
    return config


def leaves(space: Space) -> Iterator[tuple[str, Parameter]]:
    """Yield all labels and parameters, those below choices included."""
    for label, parameter in space.items():
        yield label, parameter
        if isinstance(parameter, Choice):
            for below in parameter.spaces:
                yield from leaves(below)


def decode(space: Space, values: Mapping[str, float | int]) -> dict[str, Any]:
    """Return the configuration of an optimizer's values: numbers, and indices of options.

    Parameters
    ----------
    space : mapping
    values : mapping
        By label; labels that are not active are ignored. Numbers are snapped to legal values.
    """
    config: dict[str, Any] = {}
    for label, parameter in space.items():
        if isinstance(parameter, Choice):
            index = int(values[label])
            config[label] = parameter.options[index]
            config.update(decode(parameter.spaces[index], values))
        else:
            config[label] = snap(parameter, values[label])
    return config


def expression(space: Space, hp: Any) -> dict[str, Any]:
    """Return the space in Hyperopt's vocabulary.

    Parameters
    ----------
    space : mapping
    hp : module
        ``hpsearch.hp`` or ``hyperopt.hp``.
    """
    return {label: _expression(label, parameter, hp) for label, parameter in space.items()}


def _expression(label: str, parameter: Parameter, hp: Any) -> Any:
    match parameter:
        case Choice(options, spaces):
            if not any(spaces):
                return hp.choice(label, list(range(len(options))))
            return hp.choice(label, [{"=": i} | expression(below, hp) for i, below in enumerate(spaces)])
        case Int(low, high, is_log=False):
            return hp.uniformint(label, low, high)
        case Int(low, high):
            return hp.qloguniform(label, math.log(low), math.log(high), 1)
        case Normal(mu, sigma, is_log, q):
            kind = getattr(hp, "q" * bool(q) + "log" * is_log + "normal")
            return kind(label, mu, sigma, *([q] if q else []))
        case Float(q=q, is_log=is_log):
            kind = getattr(hp, "q" * bool(q) + "log" * is_log + "uniform")
            return kind(label, *latent_bounds(parameter), *([q] if q else []))
