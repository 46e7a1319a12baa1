"""Short descriptions of nodes, for people."""

from __future__ import annotations

from hpsearch.runtime.escaping import escaped, shown
from hpsearch.space.expression import Choice, DictOf, Literal, Node, Number, Operation, TupleOf, children
from hpsearch.space.operations import SYMBOLS
from hpsearch.space.trust import Reference, qualname_of


def short_text(node: Node, limit: int = 60) -> str:
    """Describe a node in one line.

    Parameters
    ----------
    node : Node
        Part of a space.
    limit : int
        Most characters; at least 3.
    """
    text = escaped(_text(node, 3))
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _text(node: Node, depth: int) -> str:
    """Describe a node down to ``depth`` levels, which bounds the cost for shared nodes."""
    if depth == 0:
        return "..."
    match node:
        case Literal(Reference() as reference):
            return reference.partition(":")[2]
        case Literal(value):
            return qualname_of(value) or shown(value)
        case TupleOf(items):
            return f"({', '.join(_text(item, depth - 1) for item in items)})"
        case DictOf(pairs):
            # Parameters are listed elsewhere; the other items distinguish options.
            chosen = [pair for pair in pairs if not isinstance(pair[1], Number | Choice)] or pairs
            texts = [f"{key}: {_text(child, depth - 1)}" for key, child in chosen]
            return "{" + ", ".join(texts + ["..."] * (len(chosen) < len(pairs))) + "}"
        case Number(label) | Choice(label):
            return label
        case Operation(name, (left, right)) if name in SYMBOLS:
            return f"({_text(left, depth - 1)} {SYMBOLS[name]} {_text(right, depth - 1)})"
        case Operation(name):
            return f"{name}({', '.join(_text(child, depth - 1) for child in children(node))})"
    return type(node).__name__
