"""A node of a space in one short line, for people."""

from __future__ import annotations

from hpsearch.runtime.escaping import escaped, shown
from hpsearch.space.expression import Choice, DictOf, Literal, Node, Number, Operation, TupleOf, children
from hpsearch.space.operations import SYMBOLS
from hpsearch.space.trust import Reference, qualname_of


def short_text(node: Node, limit: int = 60) -> str:
    """Describe a node in one line of at most ``limit`` characters."""
    text = escaped(_text(node, 3))
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _text(node: Node, depth: int) -> str:
    """Describe a node down to some depth, so that shared nodes cost nothing."""
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
            # Parameters have lines of their own wherever this is shown; the rest tells options apart.
            telling = [pair for pair in pairs if not isinstance(pair[1], Number | Choice)] or pairs
            told = [f"{key}: {_text(child, depth - 1)}" for key, child in telling]
            return "{" + ", ".join(told + ["..."] * (len(telling) < len(pairs))) + "}"
        case Number(label) | Choice(label):
            return label
        case Operation(name, (left, right)) if name in SYMBOLS:
            return f"({_text(left, depth - 1)} {SYMBOLS[name]} {_text(right, depth - 1)})"
        case Operation(name):
            return f"{name}({', '.join(_text(child, depth - 1) for child in children(node))})"
    return type(node).__name__
