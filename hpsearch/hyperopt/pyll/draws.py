"""The graph functions that draw random values with NumPy; sampling a graph sets their ``rng``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import reason

Draw = TypeVar("Draw", bound=Callable[..., Any])

#: Names of the functions that draw: they take ``rng`` and ``size``.
implicit_stochastic_symbols: set[str] = set()


def implicit_stochastic(f: Draw) -> Draw:
    """Mark a function as one that draws; a decorator to use below ``scope.define``."""
    implicit_stochastic_symbols.add(f.__name__)
    return f


def _drawing(f: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function as one that draws, and turn its errors into a ``SpaceError``."""

    @functools.wraps(f)
    def draw(*args: Any, **kwargs: Any) -> Any:
        try:
            return f(*args, **kwargs)
        except (TypeError, ValueError) as error:
            if isinstance(error, SpaceError):
                raise
            given = ", ".join([*map(repr, args), *(f"{k}={v!r}" for k, v in kwargs.items() if k != "rng")])
            raise SpaceError(f"{f.__name__}({given}) cannot be drawn: {reason(error)}.") from error

    return implicit_stochastic(draw)


@_drawing
def uniform(low: Any, high: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw from the uniform distribution on [low, high).

    Parameters
    ----------
    low, high : float or array
        Bounds.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    return _generator("uniform", rng).uniform(low, high, size)


@_drawing
def loguniform(low: Any, high: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw ``exp(uniform(low, high))``.

    Parameters
    ----------
    low, high : float or array
        Natural logarithms of the bounds.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    return _exp(_generator("loguniform", rng).uniform(low, high, size))


@_drawing
def quniform(low: Any, high: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw ``round(uniform(low, high) / q) * q``.

    Parameters
    ----------
    low, high : float or array
        Bounds.
    q : float or array
        Step of the grid, positive.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    return _rounded(_generator("quniform", rng).uniform(low, high, size), q)


@_drawing
def qloguniform(low: Any, high: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw ``round(exp(uniform(low, high)) / q) * q``.

    Parameters
    ----------
    low, high : float or array
        Natural logarithms of the bounds.
    q : float or array
        Step of the grid, positive.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    return _rounded(_exp(_generator("qloguniform", rng).uniform(low, high, size)), q)


@_drawing
def normal(mu: Any, sigma: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw from the normal distribution.

    Parameters
    ----------
    mu, sigma : float or array
        Mean and standard deviation.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    return _generator("normal", rng).normal(mu, sigma, size)


@_drawing
def qnormal(mu: Any, sigma: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw ``round(normal(mu, sigma) / q) * q``.

    Parameters
    ----------
    mu, sigma : float or array
        Mean and standard deviation.
    q : float or array
        Step of the grid, positive.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    return _rounded(_generator("qnormal", rng).normal(mu, sigma, size), q)


@_drawing
def lognormal(mu: Any, sigma: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw ``exp(normal(mu, sigma))``.

    Parameters
    ----------
    mu, sigma : float or array
        Mean and standard deviation of the logarithm.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    return _exp(_generator("lognormal", rng).normal(mu, sigma, size))


@_drawing
def qlognormal(mu: Any, sigma: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw ``round(exp(normal(mu, sigma)) / q) * q``.

    Parameters
    ----------
    mu, sigma : float or array
        Mean and standard deviation of the logarithm.
    q : float or array
        Step of the grid, positive.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    return _rounded(_exp(_generator("qlognormal", rng).normal(mu, sigma, size)), q)


@_drawing
def randint(low: Any, high: Any = None, rng: Any = None, size: Any = ()) -> Any:
    """Draw integers with equal probability.

    Parameters
    ----------
    low : int
        Lower bound, included; without ``high``, the upper bound of a range from 0.
    high : int, optional
        Upper bound, excluded.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    return _generator("randint", rng).integers(low, high, size)


@_drawing
def categorical(p: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw indexes ``i`` with probability ``p[i]``; without a size, an array of one index.

    Parameters
    ----------
    p : (k,) or (1, k) or (n, k) array-like
        Probabilities; with ``n`` rows, one row for each of ``n`` draws.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    generator = _generator("categorical", rng)
    shape = (1,) if size == () else tuple(np.atleast_1d(size))
    n = int(np.prod(shape))
    rows = np.atleast_2d(np.asarray(p, dtype=float))
    if len(rows) == 1:
        rows = np.repeat(rows, n, axis=0)
    drawn = [int(generator.multinomial(1, row).argmax()) for row in rows]
    return np.reshape(np.array(drawn, dtype=np.int64), shape)


@_drawing
def randint_via_categorical(p: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw like ``categorical``; the name that algorithms use in place of ``randint``.

    Parameters
    ----------
    p : (k,) or (1, k) or (n, k) array-like
        Probabilities of the indexes.
    rng, size
        Generator or RandomState, and shape of the result; () for a single value.
    """
    return categorical(p, rng, size)


def rng_from_seed(seed: Any) -> np.random.Generator:
    """Return a random generator for a seed; one for a ``RandomState`` shares its source."""
    if isinstance(seed, np.random.RandomState):  # default_rng accepts one from NumPy 2.2 on
        return np.random.Generator(seed._bit_generator)  # noqa: SLF001
    return np.random.default_rng(seed)


def _generator(name: str, rng: Any) -> np.random.Generator:
    """Return the generator, or raise ``SpaceError`` if the graph is evaluated instead of sampled."""
    if rng is None:
        raise SpaceError(
            f"scope.{name} draws a value, but it has no rng and no label: "
            f"use hp.{name}(label, ...) to search over it, or hyperopt.pyll.stochastic.sample to draw."
        )
    return rng_from_seed(rng)


def _exp(latent: Any) -> Any:
    """Return the exponential, infinite beyond the range of floats."""
    with np.errstate(over="ignore"):
        return np.exp(latent)


def _rounded(values: Any, q: Any) -> Any:
    """Return the nearest multiples of ``q``, halves to even."""
    return np.round(values / q) * q
