"""Points that a person gives: raw values by label, or the options themselves."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.space.expression import Choice, Node, as_python
from hpsearch.space.inverse import invert
from hpsearch.space.tree import Space


def raw_point(space: Space, point: Mapping[str, Any]) -> dict[str, Any]:
    """Return the raw values of a point, in which a choice may be its option instead of the index.

    Parameters
    ----------
    space : Space
        It decides what the labels mean.
    point : mapping
        For each active label the raw value. For a choice, a whole number that is an index of
        its options is that, as in Hyperopt; anything else is looked for among the options.
        An option with parameters of its own gives them values, too.

    Raises
    ------
    SpaceError
        If no option of a choice fits.
    """
    raw: dict[str, Any] = {}
    for label, node in space.nodes.items():
        if label not in point:
            continue
        value = as_python(point[label])
        if not isinstance(node, Choice) or _is_index(value, len(node.options)):
            raw[label] = value
        else:
            raw |= _found(node, label, value)
    return raw


def complete_point(space: Space, point: Mapping[str, Any]) -> dict[str, Any]:
    """Return the raw values of the active parameters of a point, all of which it must give.

    Raises
    ------
    SpaceError
        If a label is unknown, an active one missing, or no option of a choice fits.
    """
    unknown = [label for label in point if label not in space.nodes]
    if unknown:
        known = ", ".join(map(repr, space.nodes)) or "none"
        raise SpaceError(
            f"The point {dict(point)!r} has the label {unknown[0]!r}, but the space has only {known}."
        )
    raw = raw_point(space, point)
    active = space.active(raw)
    for label in active:
        if label not in raw:
            raise SpaceError(
                f"The point {dict(point)!r} lacks the parameter {label!r}, which its options need."
            )
    return {label: raw[label] for label in active}


def _is_index(value: Any, n: int) -> bool:
    """Whether a value is taken for the index of one of ``n`` options."""
    is_whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
    return is_whole and not isinstance(value, bool | np.bool_) and 0 <= value < n


def _found(node: Node, label: str, value: Any) -> dict[str, Any]:
    """Return the values under which a choice is a given option."""
    try:
        return invert(node, value)
    except SpaceError as error:
        raise SpaceError(f"No option of {label!r} is {value!r}; give the option or its index.") from error
