"""Points that a user gives: raw values by label, or options instead of indexes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from hpsearch.errors import HpsearchWarning, SpaceError
from hpsearch.space.expression import Choice, Number, as_python
from hpsearch.space.inverse import invert
from hpsearch.space.tree import Space


def raw_point(space: Space, point: Mapping[str, Any]) -> dict[str, Any]:
    """Return the raw values of a point, which may give an option of a choice instead of its index.

    Parameters
    ----------
    space : Space
        The search space.
    point : mapping
        The raw value of each active label, alone or as the only item of a list, as in ``misc["vals"]`` of a
        document. Missing values (None, an empty list, or NaN as in a table of trials) and unknown labels are
        left out. For a choice, an integer in the range of its indexes is an index, as in Hyperopt; any other
        value is looked up among the options. An option also gives the values of the parameters in it.

    Raises
    ------
    SpaceError
        If no option of a choice matches, or the value is both an option and a different index.
    """
    raw: dict[str, Any] = {}
    for label, node in space.nodes.items():
        if label not in point:
            continue
        value = point[label]
        if _is_raw(node, value):
            raw[label] = value
        elif isinstance(node, Choice):
            raw |= _chosen(node, label, as_python(value))
        elif not _is_missing(only := as_python(_unpacked(value))):
            raw[label] = _number(label, only)
    return raw


def complete_point(space: Space, point: Mapping[str, Any]) -> dict[str, Any]:
    """Return the raw values of the active parameters of a point, which must be complete.

    Parameters
    ----------
    space : Space
        The search space.
    point : mapping
        As for ``raw_point``. An unknown label with a value causes a warning.

    Raises
    ------
    SpaceError
        If an active label is missing, no option of a choice matches, or the point violates a condition.
    """
    unknown = [label for label in point if label not in space.nodes and not _is_missing(point[label])]
    if unknown:
        known = ", ".join(map(repr, space.nodes)) or "none"
        warnings.warn(
            f"The point {dict(point)!r} has the label {unknown[0]!r}, which is ignored: "
            f"the space has only {known}.",
            HpsearchWarning,
            stacklevel=2,
        )
    raw = raw_point(space, point)
    active = space.active(raw)
    for label in active:
        if label not in raw:
            raise SpaceError(
                f"The point {dict(point)!r} lacks the parameter {label!r}, which its options need."
            )
    complete = {label: raw[label] for label in active}
    space.conditions.require(complete)
    return complete


def _is_raw(node: Choice | Number, value: Any) -> bool:
    """Whether a value can only be a raw one, not an option, a list or a missing value."""
    if isinstance(node, Choice):
        return type(value) is int and 0 <= value < len(node.options)
    return type(value) is int or (type(value) is float and not math.isnan(value))


def _chosen(node: Choice, label: str, value: Any) -> dict[str, Any]:
    """Return the raw values that a value for a choice implies, including parameters in its option."""
    n = len(node.options)
    if _is_index(value, n):
        return {label: value}
    index = as_python(_unpacked(value))
    try:
        found = invert(node, value)
    except SpaceError as error:
        if _is_missing(index):
            return {}
        if index is not value:
            return _chosen(node, label, index)
        raise SpaceError(f"No option of {label!r} is {value!r}; give the option or its index.") from error
    if index is not value and _is_index(index, n) and found[label] != index:
        raise SpaceError(
            f"{value!r} for {label!r} is one of its options, and also a list of one index; "
            f"give the index {index!r} or {found[label]!r} without brackets."
        )
    return found


def _number(label: str, value: Any) -> Any:
    """Return the value of a numeric parameter."""
    if not isinstance(value, Real):
        raise SpaceError(f"The value of {label!r} is {value!r:.80}; it must be one number.")
    return value


def _unpacked(value: Any) -> Any:
    """Return the only item of a list, None for an empty list, any other value unchanged."""
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim < 2):
        items = np.atleast_1d(value) if isinstance(value, np.ndarray) else value
        if len(items) == 0:
            return None
        if len(items) == 1:
            return items[0]
    return value


def _is_missing(value: Any) -> bool:
    """Whether a value means that a parameter has none."""
    value = as_python(_unpacked(value))
    return value is None or (isinstance(value, float) and math.isnan(value))


def _is_index(value: Any, n: int) -> bool:
    """Whether a value is an index of ``n`` options."""
    is_whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
    return is_whole and not isinstance(value, bool | np.bool_) and 0 <= value < n
