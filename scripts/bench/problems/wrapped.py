"""Difficulties added to another problem: noise, heavy tails, plateaus, failures.

Scales come from 400 configurations of the inner problem, drawn from its priors with a fixed seed: the
quartiles, the median, and the 90 % quantile of their losses.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from problems.problem import Problem
from problems.space import Choice, Config, Parameter, sample, unit

#: Failures are drawn as hidden half spaces: how many, and how many configurations decide their place.
_N_HALF_SPACES, _N_PLACED = 3, 600


def noisy(inner: Problem, sigma: float) -> Problem:
    """Return a problem with normal noise of this standard deviation."""
    return replace(inner, noise=lambda true, rng: true + sigma * rng.normal())


def wrapped(mode: str, level: float, inner: Problem) -> Problem:
    """Return a problem with a difficulty of some level.

    Parameters
    ----------
    mode : str
        - ``noise``: normal, ``level`` times the range between the quartiles.
        - ``het``: Student's t with 3 degrees of freedom; grows with the distance to the optimum.
        - ``tail``: losses over twenty decades, from 1e-10. ``level`` is not used.
        - ``neg``: losses of both signs with cubic tails, times ten to the ``level``.
        - ``plateau``: the share of errors among ``level`` test points.
        - ``fail``: a share ``level`` of the space fails, always at the same places.
        - ``flaky``: a share ``level`` of the trials fails, anywhere.
    level : float
    inner : Problem
        Without noise; its optimum is known, except for ``fail``.
    """
    modes: dict[str, Callable[[float, Problem], Problem]] = {
        "noise": _noise,
        "het": _heteroscedastic,
        "tail": _tail,
        "neg": _negative,
        "plateau": _plateau,
        "fail": _hidden_failures,
        "flaky": _flaky,
    }
    return modes[mode](level, inner)


@dataclass(frozen=True, slots=True)
class _Scales:
    """Quantiles of the losses of random configurations."""

    median: float
    high: float  #: the 90 % quantile
    spread: float  #: between the quartiles


def _scales(problem: Problem) -> _Scales:
    rng = np.random.default_rng(12345)
    losses = [problem.loss(sample(problem.space, rng)) for _ in range(400)]
    reached = [loss for loss in losses if loss is not None]
    low, high = np.quantile(reached, [0.25, 0.75])
    return _Scales(float(np.median(reached)), float(np.quantile(reached, 0.9)), float(high - low))


def _optimum(problem: Problem) -> float:
    if problem.optimum is None:
        raise ValueError("This mode needs a problem whose optimum is known.")
    return problem.optimum


def _noise(level: float, inner: Problem) -> Problem:
    return noisy(inner, level * _scales(inner).spread)


def _heteroscedastic(level: float, inner: Problem) -> Problem:
    optimum, floor = _optimum(inner), 0.1 * _scales(inner).spread

    def noise(true: float, rng: np.random.Generator) -> float:
        size = level * (floor + (true - optimum) * 0.5)
        return float(true + size * abs(rng.standard_t(3)) * rng.choice([-1, 1]))

    return replace(inner, noise=noise)


_Map: TypeAlias = Callable[[float], float]


def _mapped(inner: Problem, mapping: _Map, optimum: float) -> Problem:
    """Return a problem with a function of the inner loss."""

    def loss(config: Config) -> float | None:
        found = inner.loss(config)
        return None if found is None else mapping(found)

    return replace(inner, loss=loss, optimum=optimum)


def _tail(_: float, inner: Problem) -> Problem:
    optimum = _optimum(inner)
    span = _scales(inner).high - optimum
    return _mapped(inner, lambda y: 10.0 ** min(20 * ((y - optimum) / span) - 10, 12), 1e-10)


def _negative(level: float, inner: Problem) -> Problem:
    scales = _scales(inner)

    def mapping(y: float) -> float:
        return ((y - scales.median) / scales.spread) ** 3 * 10**level

    return _mapped(inner, mapping, mapping(_optimum(inner)))


def _plateau(level: float, inner: Problem) -> Problem:
    optimum = _optimum(inner)
    span = _scales(inner).high - optimum
    return _mapped(inner, lambda y: math.ceil(level * min(1, 0.9 * (y - optimum) / span) - 1e-9) / level, 0.0)


def _hidden_failures(level: float, inner: Problem) -> Problem:
    rng = np.random.default_rng(12345)
    for _ in range(400):  # the draws of the scales come first
        sample(inner.space, rng)
    labels = list(inner.space)
    normals = np.random.default_rng(7).normal(size=(_N_HALF_SPACES, len(labels)))

    def depth(config: Config) -> float:
        """Return how far a configuration is behind the farthest of the planes."""
        return float((normals @ (_vector(inner, labels, config) - 0.5)).max())

    placed = [depth(sample(inner.space, rng)) for _ in range(_N_PLACED)]
    limit = np.quantile(placed, 1 - level)
    return replace(
        inner,
        loss=lambda config: None if depth(config) > limit else inner.loss(config),
        optimum=None,
    )


def _vector(problem: Problem, labels: Sequence[str], config: Config) -> np.ndarray:
    return np.array([_place(problem.space[label], config[label]) for label in labels])


def _place(parameter: Parameter, value: Any) -> float:
    if isinstance(parameter, Choice):
        return parameter.options.index(value) / max(1, len(parameter.options) - 1)
    return unit(parameter, value)


def _flaky(level: float, inner: Problem) -> Problem:
    return replace(inner, noise=lambda true, rng: None if rng.random() < level else true)
