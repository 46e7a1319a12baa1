"""The functions of a graph that draw values, as NumPy does; ``rng`` is set when a graph is sampled."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import reason

Draw = TypeVar("Draw", bound=Callable[..., Any])

#: Names of the functions that take ``rng`` and ``size``.
implicit_stochastic_symbols: set[str] = set()


def implicit_stochastic(f: Draw) -> Draw:
    """Mark a function as one that draws; to be used as a decorator under ``scope.define``."""
    implicit_stochastic_symbols.add(f.__name__)
    return f


def _drawing(f: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a function of ours as one that draws, whose errors are sentences."""

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
    """Draw uniform floats from ``low`` to ``high``."""
    return _generator("uniform", rng).uniform(low, high, size)


@_drawing
def loguniform(low: Any, high: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw floats whose logarithms are uniform from ``low`` to ``high``."""
    return _exp(_generator("loguniform", rng).uniform(low, high, size))


@_drawing
def quniform(low: Any, high: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw as ``uniform``, rounded to multiples of ``q``."""
    return _rounded(_generator("quniform", rng).uniform(low, high, size), q)


@_drawing
def qloguniform(low: Any, high: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw as ``loguniform``, rounded to multiples of ``q``."""
    return _rounded(_exp(_generator("qloguniform", rng).uniform(low, high, size)), q)


@_drawing
def normal(mu: Any, sigma: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw normal floats with mean ``mu`` and deviation ``sigma``."""
    return _generator("normal", rng).normal(mu, sigma, size)


@_drawing
def qnormal(mu: Any, sigma: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw as ``normal``, rounded to multiples of ``q``."""
    return _rounded(_generator("qnormal", rng).normal(mu, sigma, size), q)


@_drawing
def lognormal(mu: Any, sigma: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw floats whose logarithms are normal."""
    return _exp(_generator("lognormal", rng).normal(mu, sigma, size))


@_drawing
def qlognormal(mu: Any, sigma: Any, q: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw as ``lognormal``, rounded to multiples of ``q``."""
    return _rounded(_exp(_generator("qlognormal", rng).normal(mu, sigma, size)), q)


@_drawing
def randint(low: Any, high: Any = None, rng: Any = None, size: Any = ()) -> Any:
    """Draw integers from ``low`` up to, but not including, ``high``; from 0 to ``low`` without ``high``."""
    return _generator("randint", rng).integers(low, high, size)


@_drawing
def categorical(p: Any, rng: Any = None, size: Any = ()) -> Any:
    """Draw indexes ``i`` with probability ``p[i]``, an array of one where no size is given.

    Parameters
    ----------
    p : (k,) or (1, k) or (n, k) array-like
        Probabilities; with ``n`` rows, one row for each of ``n`` draws.
    rng : Generator
        The source of randomness.
    size : int or tuple
        The shape of the draws.
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
    """Draw as ``categorical``: the name under which an algorithm may replace ``randint``."""
    return categorical(p, rng, size)


def rng_from_seed(seed: Any) -> np.random.Generator:
    """Return a generator of random numbers."""
    return np.random.default_rng(seed)


def _generator(name: str, rng: Any) -> np.random.Generator:
    """Return what draws, or raise a sentence if a graph is evaluated that was to be sampled."""
    if rng is None:
        raise SpaceError(
            f"scope.{name} draws a value, but it has no rng and no label: "
            f"write hp.{name}(label, ...) to search over it, or draw with hyperopt.pyll.stochastic.sample."
        )
    # A RandomState draws under other names; both have the same source.
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)


def _exp(latent: Any) -> Any:
    """Return the exponential; infinite beyond the range of floats."""
    with np.errstate(over="ignore"):
        return np.exp(latent)


def _rounded(values: Any, q: Any) -> Any:
    """Return the nearest multiples of ``q``, halves to even."""
    return np.round(values / q) * q
