"""Hyperopt's ``hp``: our vocabulary, with the leniency that Hyperopt's scripts rely on.

Arguments and meaning are those of ``hpsearch.hp``. What is different: the nodes have the
shape of Hyperopt's graphs, and the options of a choice may be any iterable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hpsearch import hp as plain
from hpsearch.hyperopt.pyll.graph import Apply, Literal

__all__ = [
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "pchoice",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
    "uniformint",
]


def uniform(label: str, low: float, high: float) -> Apply:
    """Return a float, uniform between the bounds; see ``hpsearch.hp.uniform``."""
    return Apply(plain.uniform(_text(label), low, high))


def quniform(label: str, low: float, high: float, q: float) -> Apply:
    """Return a rounded float, uniform between the bounds; see ``hpsearch.hp.quniform``."""
    return Apply(plain.quniform(_text(label), low, high, q))


def uniformint(label: str, low: float, high: float, q: float = 1.0) -> Apply:
    """Return an int between the bounds, whatever ``q`` is; see ``hpsearch.hp.uniformint``."""
    return Apply(plain.uniformint(_text(label), low, high))


def loguniform(label: str, low: float, high: float) -> Apply:
    """Return a float with a uniform logarithm between the bounds; see ``hpsearch.hp.loguniform``."""
    return Apply(plain.loguniform(_text(label), low, high))


def qloguniform(label: str, low: float, high: float, q: float) -> Apply:
    """Return a rounded float with a uniform logarithm; see ``hpsearch.hp.qloguniform``."""
    return Apply(plain.qloguniform(_text(label), low, high, q))


def normal(label: str, mu: float, sigma: float) -> Apply:
    """Return a normal float; see ``hpsearch.hp.normal``."""
    return Apply(plain.normal(_text(label), mu, sigma))


def qnormal(label: str, mu: float, sigma: float, q: float) -> Apply:
    """Return a rounded normal float; see ``hpsearch.hp.qnormal``."""
    return Apply(plain.qnormal(_text(label), mu, sigma, q))


def lognormal(label: str, mu: float, sigma: float) -> Apply:
    """Return a float with a normal logarithm; see ``hpsearch.hp.lognormal``."""
    return Apply(plain.lognormal(_text(label), mu, sigma))


def qlognormal(label: str, mu: float, sigma: float, q: float) -> Apply:
    """Return a rounded float with a normal logarithm; see ``hpsearch.hp.qlognormal``."""
    return Apply(plain.qlognormal(_text(label), mu, sigma, q))


def randint(label: str, low: int, high: int | None = None) -> Apply:
    """Return an int below ``high``, or below ``low`` without it; see ``hpsearch.hp.randint``."""
    return Apply(plain.randint(_text(label), low, high))


def choice(label: str, options: Iterable[Any]) -> Apply:
    """Return one of several options; of a dict, one of its keys; see ``hpsearch.hp.choice``."""
    return Apply(plain.choice(_text(label), list(options)))


def pchoice(label: str, p_options: Iterable[tuple[float, Any]]) -> Apply:
    """Return one of several options, given as (probability, option); see ``hpsearch.hp.pchoice``."""
    return Apply(plain.pchoice(_text(label), list(p_options)))


def _text(label: Any) -> str:
    """Return a label as text.

    Raises
    ------
    TypeError
        If it is not text, bytes, or a literal of either.
    """
    value = label.obj if isinstance(label, Literal) else label
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise TypeError(f"The first argument of an hp function must be a string label, but it is {value!r}.")
    return value
