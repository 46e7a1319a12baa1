"""Hyperopt's ``pyll_utils``: the ``hp`` functions as graph nodes, and the conditions of parameters.

Each ``hp`` function takes a label, then the arguments of its distribution by position or by name.
As in Hyperopt, a call fails immediately only for a label that is not text, or a lower bound that is
not below the upper one. All other arguments are checked when a ``Domain`` or a ``Space`` is made.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Real
from typing import Any

from hpsearch.errors import SpaceError
from hpsearch.hp import warn_of_raw_bounds
from hpsearch.hyperopt.exceptions import DuplicateLabel
from hpsearch.hyperopt.pyll.functions import hyperopt_param
from hpsearch.hyperopt.pyll.graph import Apply, Literal, MissingArgument, apply, as_apply
from hpsearch.hyperopt.pyll.symbols import scope

__all__ = [
    "EQ",
    "Apply",
    "Cond",
    "DuplicateLabel",
    "Literal",
    "MissingArgument",
    "as_apply",
    "expr_to_config",
    "hp_choice",
    "hp_lognormal",
    "hp_loguniform",
    "hp_normal",
    "hp_pchoice",
    "hp_qlognormal",
    "hp_qloguniform",
    "hp_qnormal",
    "hp_quniform",
    "hp_randint",
    "hp_uniform",
    "hp_uniformint",
    "hyperopt_param",
    "scope",
    "validate_distribution_range",
    "validate_label",
]


def validate_label(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate an ``hp`` function so that its label may be text, bytes, or a literal of either."""

    @functools.wraps(f)
    def labelled(label: Any, *args: Any, **kwargs: Any) -> Any:
        value = label.obj if isinstance(label, Literal) else label
        if isinstance(value, bytes):
            value = value.decode()
        if not isinstance(value, str):
            raise TypeError(f"The first argument of an hp function must be a string label, not {value!r}.")
        return f(value, *args, **kwargs)

    return labelled


def validate_distribution_range(f: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate an ``hp`` function so that it rejects a ``low`` that is not below ``high``.

    As in Hyperopt, a bound of 0 is checked only when the space is made.
    """

    @functools.wraps(f)
    def ranged(label: Any, *args: Any, **kwargs: Any) -> Any:
        given = dict(zip(("low", "high"), args, strict=False)) | kwargs
        low, high = given.get("low"), given.get("high")
        if isinstance(low, Real) and isinstance(high, Real) and low and high and not low < high:
            where = f"{f.__name__.replace('hp_', 'hp.')}({label!r})"
            raise SpaceError(f"{where}: low must be below high, but they are {low} and {high}.")
        return f(label, *args, **kwargs)

    return ranged


@validate_label
@validate_distribution_range
def hp_uniform(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a uniform float.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    *args, **kwargs
        ``low`` and ``high``: bounds; ``low < high``.
    """
    return _number("float", label, "uniform", args, kwargs)


@validate_label
@validate_distribution_range
def hp_quniform(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a uniform float, rounded: ``round(uniform(low, high) / q) * q``.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    *args, **kwargs
        ``low`` and ``high``: bounds; ``q``: step, positive.
    """
    return _number("float", label, "quniform", args, kwargs)


@validate_label
@validate_distribution_range
def hp_uniformint(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a uniform int.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    *args, **kwargs
        ``low`` and ``high``: bounds, both included. ``q`` is ignored; the step is 1.
    """
    kwargs["q"] = 1.0
    parameter = apply("hyperopt_param", label, apply("quniform", *args[:2], **kwargs))
    parameter.is_integer = True
    return apply("int", apply("float", parameter))


@validate_label
@validate_distribution_range
def hp_loguniform(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a log-uniform float: ``exp(uniform(low, high))``.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    *args, **kwargs
        ``low`` and ``high``: natural logarithms of the bounds.
    """
    _warn("loguniform", label, args, kwargs)
    return _number("float", label, "loguniform", args, kwargs)


@validate_label
@validate_distribution_range
def hp_qloguniform(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a log-uniform float, rounded: ``round(exp(uniform(low, high)) / q) * q``.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    *args, **kwargs
        ``low`` and ``high``: natural logarithms of the bounds; ``q``: step, positive.
    """
    _warn("qloguniform", label, args, kwargs)
    return _number("float", label, "qloguniform", args, kwargs)


@validate_label
def hp_normal(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a normal float.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    *args, **kwargs
        ``mu``: mean; ``sigma``: standard deviation, positive.
    """
    return _number("float", label, "normal", args, kwargs)


@validate_label
def hp_qnormal(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a normal float, rounded: ``round(normal(mu, sigma) / q) * q``.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    *args, **kwargs
        ``mu``: mean; ``sigma``: standard deviation, positive; ``q``: step, positive.
    """
    return _number("float", label, "qnormal", args, kwargs)


@validate_label
def hp_lognormal(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a log-normal float: ``exp(normal(mu, sigma))``.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    *args, **kwargs
        ``mu`` and ``sigma``: mean and standard deviation of the logarithm.
    """
    return _number("float", label, "lognormal", args, kwargs)


@validate_label
def hp_qlognormal(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a log-normal float, rounded: ``round(exp(normal(mu, sigma)) / q) * q``.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    *args, **kwargs
        ``mu`` and ``sigma``: mean and standard deviation of the logarithm; ``q``: step, positive.
    """
    return _number("float", label, "qlognormal", args, kwargs)


@validate_label
def hp_randint(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a uniform int.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    *args, **kwargs
        ``high`` alone for ``0 <= value < high``, or ``low`` and ``high`` for ``low <= value < high``.
    """
    return _number("int", label, "randint", args, kwargs)


@validate_label
def hp_choice(label: str, options: Iterable[Any]) -> Apply:
    """Return one of several options with equal probability.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    options : iterable
        At least one option; of a dict, its keys. Options may contain other parameters.
    """
    items = list(options)
    return apply("switch", apply("hyperopt_param", label, apply("randint", len(items))), *items)


@validate_label
def hp_pchoice(label: str, p_options: Iterable[tuple[float, Any]]) -> Apply:
    """Return one of several options with given probabilities.

    Parameters
    ----------
    label : str
        Name of the parameter, unique in the space.
    p_options : iterable of (float, any)
        Pairs (probability, option); the probabilities sum to 1.

    Raises
    ------
    SpaceError
        If an item is not a pair.
    """
    pairs = list(p_options)
    for i, pair in enumerate(pairs):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise SpaceError(f"hp.pchoice({label!r}): option {i} must be a pair (probability, option).")
    draw = apply("categorical", tuple(p for p, _ in pairs))
    return apply("switch", apply("hyperopt_param", label, draw), *(option for _, option in pairs))


@dataclass(frozen=True, slots=True)
class Cond:
    """The condition that a parameter has a value."""

    name: str  #: label of the parameter
    val: Any  #: value to compare with
    op: str = "="  #: comparison operator

    def __str__(self) -> str:
        return f"{self.name} {self.op} {self.val}"


def EQ(name: str, val: Any) -> Cond:  # noqa: N802 - Hyperopt's name
    """Return the condition that a choice selects an option.

    Parameters
    ----------
    name : str
        Label of the choice.
    val : int
        Index of the option.
    """
    return Cond(name, val)


def expr_to_config(expr: Any, conditions: tuple[Any, ...] | None, hps: dict[str, Any]) -> None:
    """Collect the parameters of a space and the conditions under which each is active.

    Parameters
    ----------
    expr : any
        A space.
    conditions : tuple or None
        Conditions that hold for the whole space.
    hps : dict
        Receives an entry for each label: ``node`` (the distribution), ``label`` and ``conditions``,
        a set of tuples; the parameter is active if all conditions of any one tuple hold. A parameter
        below every option of a choice has the conditions of that choice.

    Raises
    ------
    DuplicateLabel
        If two parameters share a label.
    """
    above = tuple(conditions or ())
    counts: dict[str, int] = {}
    stack: list[tuple[Apply, tuple[Any, ...]]] = [(as_apply(expr), above)]
    seen: set[tuple[Apply, tuple[Any, ...]]] = set()
    while stack:
        node, holding = stack.pop()
        if (node, holding) in seen:
            continue
        seen.add((node, holding))
        index = node.pos_args[0] if node.name == "switch" and node.pos_args else None
        if index is not None and index.name == "hyperopt_param":
            label = index.arg["label"].obj
            options = node.pos_args[1:]
            counts[label] = len(options)
            stack += [(option, (*holding, EQ(label, i))) for i, option in enumerate(options)]
            stack.append((index, holding))
        elif node.name == "hyperopt_param":
            label, drawn = node.arg["label"].obj, node.arg["obj"]
            entry = hps.setdefault(label, {"node": drawn, "label": label, "conditions": set()})
            if entry["node"] is not drawn:
                raise DuplicateLabel(f"Two different parameters have the label {label!r}; rename one.")
            entry["conditions"].add(holding)
        else:
            stack.extend((below, holding) for below in node.inputs())
    for entry in hps.values():
        _drop_complete_choice(entry, above, counts)


def _drop_complete_choice(entry: dict[str, Any], above: tuple[Any, ...], counts: dict[str, int]) -> None:
    """Drop the conditions of a parameter that is active under every option of one outermost choice."""
    rests = [holding[len(above) :] for holding in entry["conditions"]]
    if len(rests) > 1 and all(len(rest) == 1 for rest in rests):
        labels = {rest[0].name for rest in rests}
        if len(labels) == 1 and len(rests) == counts.get(labels.pop()):
            entry["conditions"] = {above}


def _number(kind: str, label: str, draw: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Apply:
    """Return the node of a parameter, converted to float or int."""
    return apply(kind, apply("hyperopt_param", label, apply(draw, *args, **kwargs)))


def _warn(name: str, label: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Warn at the user's line about bounds that look like values instead of their logarithms."""
    given = dict(zip(("low", "high"), args, strict=False)) | kwargs
    low, high = given.get("low"), given.get("high")
    if isinstance(low, Real) and isinstance(high, Real) and low < high:
        warn_of_raw_bounds(name, label, float(low), float(high), depth=6)
