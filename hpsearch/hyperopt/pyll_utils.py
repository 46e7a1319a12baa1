"""Hyperopt's ``pyll_utils``: the vocabulary of spaces as graphs, and the conditions of parameters.

Each function takes a label, then the arguments of its distribution as ``hpsearch.hp`` has them. A
node that is built and thrown away costs nothing: whether arguments make a distribution is checked
when a ``Domain`` or a ``Space`` is made. Only two things are refused at once, since Hyperopt refuses
them at once: a label that is no text, and a lower bound that is not below the upper one.
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
    """Let a function of a label take text, bytes, or a literal of either; to be used as a decorator."""

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
    """Let a function of a label refuse a ``low`` that is not below ``high``; to be used as a decorator.

    Bounds of 0 are left to the checks of the space, as in Hyperopt.
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
    """Return a float, uniform between ``low`` and ``high``."""
    return _number("float", label, "uniform", args, kwargs)


@validate_label
@validate_distribution_range
def hp_quniform(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a float, uniform between ``low`` and ``high``, rounded to a multiple of ``q``."""
    return _number("float", label, "quniform", args, kwargs)


@validate_label
@validate_distribution_range
def hp_uniformint(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return an int between ``low`` and ``high``, both included, whatever ``q`` is."""
    kwargs["q"] = 1.0
    parameter = apply("hyperopt_param", label, apply("quniform", *args[:2], **kwargs))
    parameter.is_integer = True
    return apply("int", apply("float", parameter))


@validate_label
@validate_distribution_range
def hp_loguniform(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a float whose logarithm is uniform between ``low`` and ``high``."""
    _warn("loguniform", label, args, kwargs)
    return _number("float", label, "loguniform", args, kwargs)


@validate_label
@validate_distribution_range
def hp_qloguniform(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a float as ``hp_loguniform``, rounded to a multiple of ``q``."""
    _warn("qloguniform", label, args, kwargs)
    return _number("float", label, "qloguniform", args, kwargs)


@validate_label
def hp_normal(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a float, normal with mean ``mu`` and deviation ``sigma``."""
    return _number("float", label, "normal", args, kwargs)


@validate_label
def hp_qnormal(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a float as ``hp_normal``, rounded to a multiple of ``q``."""
    return _number("float", label, "qnormal", args, kwargs)


@validate_label
def hp_lognormal(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a positive float whose logarithm is normal with mean ``mu`` and deviation ``sigma``."""
    return _number("float", label, "lognormal", args, kwargs)


@validate_label
def hp_qlognormal(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return a float as ``hp_lognormal``, rounded to a multiple of ``q``."""
    return _number("float", label, "qlognormal", args, kwargs)


@validate_label
def hp_randint(label: str, *args: Any, **kwargs: Any) -> Apply:
    """Return an int: ``low <= value < high``, or ``0 <= value < low`` without ``high``."""
    return _number("int", label, "randint", args, kwargs)


@validate_label
def hp_choice(label: str, options: Iterable[Any]) -> Apply:
    """Return one of several options; of a dict, one of its keys."""
    items = list(options)
    return apply("switch", apply("hyperopt_param", label, apply("randint", len(items))), *items)


@validate_label
def hp_pchoice(label: str, p_options: Iterable[tuple[float, Any]]) -> Apply:
    """Return one of several options, given as (probability, option).

    Raises
    ------
    SpaceError
        If one is no pair.
    """
    pairs = list(p_options)
    for i, pair in enumerate(pairs):
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise SpaceError(f"hp.pchoice({label!r}): option {i} must be a pair (probability, option).")
    draw = apply("categorical", tuple(p for p, _ in pairs))
    return apply("switch", apply("hyperopt_param", label, draw), *(option for _, option in pairs))


@dataclass(frozen=True, slots=True)
class Cond:
    """That a parameter has a value."""

    name: str  #: the label
    val: Any  #: the value
    op: str = "="  #: the comparison

    def __str__(self) -> str:
        return f"{self.name} {self.op} {self.val}"


def EQ(name: str, val: Any) -> Cond:  # noqa: N802 - Hyperopt's name
    """Return the condition that a choice has one of its options."""
    return Cond(name, val)


def expr_to_config(expr: Any, conditions: tuple[Any, ...] | None, hps: dict[str, Any]) -> None:
    """Write into ``hps``, by label, the parameters of a space and when each is active.

    Parameters
    ----------
    expr : any
        A space.
    conditions : tuple or None
        What holds in all of the space.
    hps : dict
        Changed: each entry gets ``node`` (the distribution), ``label`` and ``conditions``, a set
        of tuples of which any one must hold. A parameter that is below every option of one choice
        has the conditions of that choice.

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
        _forget_complete_choice(entry, above, counts)


def _forget_complete_choice(entry: dict[str, Any], above: tuple[Any, ...], counts: dict[str, int]) -> None:
    """Drop the conditions of a parameter that is active under each option of one outermost choice."""
    rests = [holding[len(above) :] for holding in entry["conditions"]]
    if len(rests) > 1 and all(len(rest) == 1 for rest in rests):
        labels = {rest[0].name for rest in rests}
        if len(labels) == 1 and len(rests) == counts.get(labels.pop()):
            entry["conditions"] = {above}


def _number(kind: str, label: str, draw: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Apply:
    """Return the node of a number, brought into its type."""
    return apply(kind, apply("hyperopt_param", label, apply(draw, *args, **kwargs)))


def _warn(name: str, label: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Warn of bounds that look like values instead of their logarithms, where the user wrote them."""
    given = dict(zip(("low", "high"), args, strict=False)) | kwargs
    low, high = given.get("low"), given.get("high")
    if isinstance(low, Real) and isinstance(high, Real) and low < high:
        warn_of_raw_bounds(name, label, float(low), float(high), depth=6)
