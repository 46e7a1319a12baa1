"""Hyperopt's ``pyll.base``: the names by which scripts and integrators handle graphs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpsearch.errors import SpaceError
from hpsearch.hyperopt.pyll.graph import Apply, Literal, as_apply, dfs, substituted, toposort
from hpsearch.hyperopt.pyll.symbols import SymbolTable, scope
from hpsearch.space.expression import Literal as PlainLiteral
from hpsearch.space.expression import Node, Number, evaluate

__all__ = [
    "Apply",
    "Literal",
    "SymbolTable",
    "as_apply",
    "clone",
    "dfs",
    "rec_eval",
    "scope",
    "toposort",
]


def rec_eval(
    expr: Any,
    deepcopy_inputs: bool = False,
    memo: Mapping[Apply, Any] | None = None,
    max_program_len: int | None = None,
    memo_gc: bool = True,
    print_trace: bool = False,
    print_node_on_error: bool = True,
) -> Any:
    """Compute the value of a graph, given the values of some of its nodes.

    Parameters
    ----------
    expr : any
        A graph, or nested containers that hold graphs.
    memo : mapping from Apply to value, optional
        What is known. For the ``hyperopt_param`` node of a choice that is the index of
        an option; ``Domain.memo_from_config`` makes such a mapping.
    deepcopy_inputs, max_program_len, memo_gc, print_trace, print_node_on_error
        Accepted for compatibility; containers are always fresh, and nothing is printed.

    Raises
    ------
    SpaceError
        If a parameter that is needed has no value, or an operation fails.
    """
    values: dict[str, Any] = {}
    known: dict[int, Node] = {}
    for face, value in (memo or {}).items():
        if face.label is not None and (face.part == "param" or isinstance(face.node, Number)):
            values[face.label] = value
        else:
            known[id(face.node)] = PlainLiteral(value)
    node = as_apply(expr).node
    return computed(substituted(node, known) if known else node, values)


def clone(expr: Any, memo: Mapping[Apply, Any] | None = None) -> Apply:
    """Return a graph in which the nodes of ``memo`` are replaced; the rest is shared."""
    known = {id(face.node): as_apply(other).node for face, other in (memo or {}).items()}
    return as_apply(substituted(as_apply(expr).node, known))


def computed(node: Node, values: Mapping[str, Any]) -> Any:
    """Compute the value of a node of a space from raw values that nobody has checked.

    Raises
    ------
    SpaceError
        Naming the label whose value is missing or is none, or the operation that fails.
    """
    try:
        return evaluate(node, values)
    except KeyError as error:
        raise SpaceError(
            f"The parameter {error.args[0]!r} has no value, but the options chosen need it; "
            f"there are values for {', '.join(map(repr, values)) or 'no parameter'}."
        ) from error
    except IndexError as error:
        raise SpaceError(
            f"The index of an option is out of range: the values are {dict(values)!r}."
        ) from error
    except (TypeError, ValueError) as error:
        raise SpaceError(
            f"The values {dict(values)!r} do not fit the space: each must be one number, "
            f"and that of a choice the index of its option ({error})."
        ) from error
