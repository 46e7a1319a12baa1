"""Evaluation of an expression: from values of the parameters to a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import reason, shown
from hpsearch.space.distribution import Integer
from hpsearch.space.expression import Choice, DictOf, Literal, Node, Number, Operation, TupleOf

#: Operands shown in a message.
_MAX_OPERANDS = 3


def evaluate(node: Node, values: Mapping[str, float]) -> Any:
    """Return the value of a node.

    An operation that is used in several places is computed once. Containers are copied for each place, so
    that an objective may modify them.

    Parameters
    ----------
    node : Node
        The root of the expression.
    values : mapping
        Raw values by label, at least of the active parameters.

    Raises
    ------
    SpaceError
        If an operation fails.
    KeyError
        If a parameter has no value.
    """
    computed: dict[int, Any] = {}

    def value_of(node: Node) -> Any:
        match node:
            case Literal(value):
                return value
            case TupleOf(items):
                return tuple(value_of(item) for item in items)
            case DictOf(pairs):
                return {key: value_of(child) for key, child in pairs}
            case Number(label, distribution):
                is_int = isinstance(distribution, Integer) or distribution.is_integer
                return int(values[label]) if is_int else float(values[label])
            case Choice(label, _, options):
                return value_of(options[int(values[label])])
            case Operation():
                if id(node) not in computed:
                    args = [value_of(arg) for arg in node.args]
                    keywords = {key: value_of(child) for key, child in node.keywords}
                    computed[id(node)] = _perform(node, args, keywords)
                return computed[id(node)]
        raise TypeError(f"{type(node).__name__} is not a node of a space")

    return value_of(node)


def _perform(node: Operation, args: list[Any], keywords: dict[str, Any]) -> Any:
    try:
        # Overflow gives an infinity and an undefined result NaN, whatever error state the user has set.
        with np.errstate(all="ignore"):
            return node.perform(args, keywords)
    except Exception as error:
        operands = ", ".join(shown(arg) for arg in args[:_MAX_OPERANDS])
        rest = ", ..." if len(args) > _MAX_OPERANDS else ""
        raise SpaceError(f"{node.name}({operands}{rest}) in the space failed: {reason(error)}.") from error
