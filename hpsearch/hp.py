"""The distributions of search spaces, with Hyperopt's names and meaning.

Each function returns a parameter for use anywhere in a nested structure of dicts, lists, tuples and plain
values, and in arithmetic. An object that is used in several places has one value in all of them. The label
names the parameter in results; two different objects must not have the same label.

"Rounded" means to the nearest multiple of ``q``, halves to the even multiple. The ends of a rounded range may
lie up to ``q / 2`` outside the bounds, or up to ``q / 2`` inside.

Every function raises ``SpaceError`` if the label is not a string of 1 to 200 characters or an argument is out
of its range; the message names the function, the label and the argument.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from hpsearch.errors import HpsearchWarning, SpaceError
from hpsearch.runtime.escaping import named
from hpsearch.space import arguments
from hpsearch.space.arguments import checked_label
from hpsearch.space.distribution import Numeric
from hpsearch.space.expression import Choice, Number, as_node

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


def uniform(label: str, low: float, high: float) -> Number:
    """Return a float that is uniform between ``low`` and ``high``.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    low, high : float
        Bounds, both included; ``low < high``.

    Examples
    --------
    >>> momentum = uniform("momentum", 0.5, 0.99)
    """
    return Number(checked_label(label), arguments.uniform("uniform", label, low, high))


def quniform(label: str, low: float, high: float, q: float) -> Number:
    """Return a float that is uniform between ``low`` and ``high``, rounded to a multiple of ``q``.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    low, high : float
        Bounds before rounding; ``low < high``.
    q : float
        Distance of the grid's values; positive.

    Examples
    --------
    >>> dropout = quniform("dropout", 0, 0.5, 0.1)
    """
    built = arguments.uniform("quniform", checked_label(label), low, high, q)
    _warn_of_single_value(label, built)
    return Number(label, built)


def uniformint(label: str, low: float, high: float) -> Number:
    """Return an int between ``low`` and ``high``, both included: ``quniform`` with ``q = 1``.

    The two bounds have half the probability of the other values; ``randint`` gives all the same one.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    low, high : float
        Bounds, both included, usually whole numbers; ``low < high``.

    Examples
    --------
    >>> depth = uniformint("depth", 2, 10)
    """
    built = arguments.uniform("uniformint", checked_label(label), low, high, 1.0)
    _warn_of_single_value(label, built)
    return Number(label, built)


def loguniform(label: str, low: float, high: float) -> Number:
    """Return a positive float whose logarithm is uniform.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    low, high : float
        Natural logarithms of the bounds, as in ``np.log(1e-5)``; ``low < high``.

    Examples
    --------
    >>> lr = loguniform("lr", np.log(1e-5), np.log(1e-1))
    """
    built = arguments.uniform("loguniform", checked_label(label), low, high)
    warn_of_raw_bounds("loguniform", label, low, high)
    return Number(label, built)


def qloguniform(label: str, low: float, high: float, q: float) -> Number:
    """Return a float like that of ``loguniform``, rounded to a multiple of ``q``.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    low, high : float
        Natural logarithms of the bounds before rounding; ``low < high``.
    q : float
        Distance of the grid's values; positive.

    Examples
    --------
    >>> batch_size = qloguniform("batch_size", np.log(16), np.log(1024), 16)
    """
    built = arguments.uniform("qloguniform", checked_label(label), low, high, q)
    warn_of_raw_bounds("qloguniform", label, low, high)
    _warn_of_single_value(label, built)
    return Number(label, built)


def normal(label: str, mu: float, sigma: float) -> Number:
    """Return a float from a normal distribution, without bounds.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    mu : float
        Mean.
    sigma : float
        Standard deviation; positive.

    Examples
    --------
    >>> offset = normal("offset", 0, 1)
    """
    return Number(checked_label(label), arguments.normal("normal", label, mu, sigma))


def qnormal(label: str, mu: float, sigma: float, q: float) -> Number:
    """Return a float like that of ``normal``, rounded to a multiple of ``q``.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    mu : float
        Mean.
    sigma : float
        Standard deviation; positive.
    q : float
        Distance of the grid's values; positive.

    Examples
    --------
    >>> shift = qnormal("shift", 0, 10, 1)
    """
    return Number(checked_label(label), arguments.normal("qnormal", label, mu, sigma, q))


def lognormal(label: str, mu: float, sigma: float) -> Number:
    """Return a positive float whose logarithm is normal.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    mu : float
        Mean of the natural logarithm of the value, so that the median is ``exp(mu)``.
    sigma : float
        Standard deviation of that logarithm; positive.

    Examples
    --------
    >>> penalty = lognormal("penalty", np.log(1e-2), 2)
    """
    return Number(checked_label(label), arguments.normal("lognormal", label, mu, sigma))


def qlognormal(label: str, mu: float, sigma: float, q: float) -> Number:
    """Return a float like that of ``lognormal``, rounded to a multiple of ``q``; it may be 0.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    mu : float
        Mean of the natural logarithm of the value, so that the median is ``exp(mu)``.
    sigma : float
        Standard deviation of that logarithm; positive.
    q : float
        Distance of the grid's values; positive.

    Examples
    --------
    >>> n_units = qlognormal("n_units", np.log(128), 1, 8)
    """
    return Number(checked_label(label), arguments.normal("qlognormal", label, mu, sigma, q))


def randint(label: str, low: int, high: int | None = None) -> Number:
    """Return an int with equal probabilities: ``low <= value < high``, or ``0 <= value < low``.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    low : int
        Smallest value; without ``high``, the number of values, which then begin at 0.
    high : int, optional
        One more than the largest value; ``low < high``, both within +-2**53.

    Examples
    --------
    >>> seed = randint("seed", 1000)
    >>> n_layers = randint("n_layers", 1, 5)
    """
    bounds = (0, low) if high is None else (low, high)
    return Number(checked_label(label), arguments.integer(label, *bounds))


def choice(label: str, options: Sequence[Any]) -> Choice:
    """Return one of several options with equal probabilities.

    In results, the value is the index of the option. Only the parameters of the chosen option are active.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    options : sequence
        At least one; each may be any value or structure, with parameters of its own.

    Examples
    --------
    >>> kernel = choice("kernel", ["linear", {"name": "rbf", "gamma": loguniform("gamma", -7, 2)}])
    """
    items = _options("choice", checked_label(label), options)
    return _choice("choice", label, arguments.equal(len(items)), items)


def pchoice(label: str, options: Sequence[tuple[float, Any]]) -> Choice:
    """Return one of several options, each with its own probability.

    In results, the value is the index of the option. Only the parameters of the chosen option are active.

    Parameters
    ----------
    label : str
        Name of the parameter in results; unique in the space.
    options : sequence of (probability, option) pairs
        Probabilities are not negative and add up to 1.

    Examples
    --------
    >>> optimizer = pchoice("optimizer", [(0.8, "adam"), (0.2, "sgd")])
    """
    items = _options("pchoice", checked_label(label), options)
    for i, item in enumerate(items):
        if not isinstance(item, list | tuple) or len(item) != 2:
            raise SpaceError(f"hp.pchoice({named(label)}): option {i} must be a pair (probability, option).")
    return _choice("pchoice", label, [p for p, _ in items], [option for _, option in items])


def _choice(name: str, label: str, probabilities: list[float], options: list[Any]) -> Choice:
    built = arguments.categorical(name, label, probabilities)
    nodes = (as_node(option, f"option {i} of {named(label)}") for i, option in enumerate(options))
    return Choice(label, built, tuple(nodes))


def _options(name: str, label: str, options: Any) -> list[Any]:
    """Return the options as a list; raises unless they are a sequence."""
    if isinstance(options, list | tuple | range) or (isinstance(options, np.ndarray) and options.ndim == 1):
        return list(options)
    raise SpaceError(
        f"hp.{name}({named(label)}): the options must be a list or a tuple, not a {type(options).__name__}."
    )


def warn_of_raw_bounds(name: str, label: str, low: float, high: float, depth: int = 3) -> None:
    """Warn when the bounds of a log-uniform parameter look like values instead of logarithms.

    Such bounds are short decimals, as logarithms rarely are, and give a range that is hardly ever intended:
    within 1 and e, or from just above 1.

    Parameters
    ----------
    name : str
        ``loguniform`` or ``qloguniform``, for the message.
    label : str
        Name of the parameter.
    low, high : float
        The bounds as the user gave them.
    depth : int
        Frames between this one and the user's call, to which the warning points; see ``warnings.warn``.
    """
    is_typed = all(float(f"{bound:.3g}") == bound for bound in (low, high))
    if is_typed and (0 <= low < high <= 1 or 0 < low <= 0.01):
        step = ", q" if name.startswith("q") else ""
        warnings.warn(
            f"hp.{name}({named(label)}, {low:g}, {high:g}{step}) ranges from {np.exp(low):.6g} to "
            f"{np.exp(high):.6g}, since its bounds are logarithms; for bounds on the value itself, "
            f"write hp.{name}({named(label)}, np.log({low or 1e-5:g}), np.log({high:g}){step}).",
            HpsearchWarning,
            stacklevel=depth,
        )


def _warn_of_single_value(label: str, built: Numeric) -> None:
    """Warn when a grid is so coarse that only one value can occur."""
    smallest, largest = built.support()
    if smallest == largest:
        warnings.warn(
            f"hp.{built.name}({named(label)}): q = {built.q:g} is so coarse that only the value "
            f"{smallest:g} can occur.",
            HpsearchWarning,
            stacklevel=3,
        )
