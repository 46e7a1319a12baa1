"""Points that a person writes: parameters by label, options by name, the others drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import named, shown
from hpsearch.space.distribution import Numeric
from hpsearch.space.expression import Choice, Literal
from hpsearch.space.literal import is_scalar
from hpsearch.space.tree import Space


def point_of(space: Space, params: Mapping[str, Any], rng: np.random.Generator) -> dict[str, float | int]:
    """Return the values of a point, the inverse of ``Space.params`` for what is given.

    Parameters
    ----------
    space : Space
        The space.
    params : mapping
        Some parameters by label, as ``Space.params`` shows them; an option is its value or its name.
    rng : Generator
        Draws the active parameters that are not given.

    Raises
    ------
    SpaceError
        If a label is unknown or not active, or a value is not possible; names it.
    """
    values: dict[str, float | int] = {}
    for parameter in space.parameters:
        label = parameter.label
        if not parameter.is_active(values):
            continue
        if label not in params:
            values[label] = parameter.distribution.sample(rng)
        elif isinstance(space.nodes[label], Choice):
            values[label] = _option(space, label, params[label])
        else:
            is_float = isinstance(parameter.distribution, Numeric)
            values[label] = _number(label, params[label], is_float=is_float)
    # Labels that are unknown or not active are refused with the values that are out of range.
    space.validate({**values, **{label: 0.0 for label in params if label not in values}})
    return values


def _number(label: str, value: Any, *, is_float: bool) -> float | int:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SpaceError(f"The value {shown(value)} of the parameter {named(label)} is not a number.")
    if is_float or not float(value).is_integer():
        return float(value)
    return int(value)


def _option(space: Space, label: str, value: Any) -> int:
    """Return the index of an option by its value, else by its name."""
    node, names = space.nodes[label], space.option_names(label)
    assert isinstance(node, Choice)
    for index, option in enumerate(node.options):
        if isinstance(option, Literal) and is_scalar(option.value) and _is_same(option.value, value):
            return index
    if isinstance(value, str) and value in names:
        return names.index(value)
    raise SpaceError(
        f"The value {shown(value)} of the parameter {named(label)} is not one of its options: "
        f"{', '.join(names)}."
    )


def _is_same(option: Any, value: Any) -> bool:
    """Whether two scalars are equal; True is not 1."""
    return isinstance(option, bool) == isinstance(value, bool) and bool(option == value)
