"""Matching the options of a choice with those of an earlier version of it, by content and not by index.

An option is recognized if it is equal, parameters compared by their labels; else if its literals differ only
in case and punctuation ("ReLU" and "relu"), or in the type of a number; else by the parameters that are in it
and in no other option. Whatever is ambiguous has no match.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from numbers import Real
from typing import Any

from hpsearch.space.expression import Choice, DictOf, Literal, Node, Number, Operation, TupleOf, children
from hpsearch.space.trust import Reference, defining_module, qualname_of

#: What identifies an option; None if nothing does.
Key = Hashable | None


def match_options(there: Sequence[Node], here: Sequence[Node]) -> dict[int, int]:
    """Match the options of one choice with those of another.

    Parameters
    ----------
    there, here : sequence of Node
        The options.

    Returns
    -------
    dict of int to int
        Index here by index there, for the options that match; each index occurs at most once.
    """
    found: dict[int, int] = {}
    own_there, own_here = _own_labels(there), _own_labels(here)
    tiers: tuple[tuple[Sequence[Key], Sequence[Key]], ...] = (
        (list(map(_content, there)), list(map(_content, here))),
        (list(map(_name, there)), list(map(_name, here))),
        (own_there, own_here),
    )
    for keys_there, keys_here in tiers:
        left_there = _unique(keys_there, found.keys())
        left_here = _unique(keys_here, found.values())
        found |= {left_there[key]: left_here[key] for key in left_there if key in left_here}
    return found


def _unique(keys: Sequence[Key], used: Any) -> dict[Key, int]:
    """Return the indexes of unused options by key, for keys of a single one."""
    taken = set(used)
    left = [(key, i) for i, key in enumerate(keys) if key is not None and i not in taken]
    counts = Counter(key for key, _ in left)
    return {key: i for key, i in left if counts[key] == 1}


def _content(option: Node) -> Key:
    """Return a digest of an option: its structure and literals, with parameters as labels."""
    return _digest(option, _exact)


def _name(option: Node) -> Key:
    """Return the literals of an option, without case, punctuation and types; None if it has none."""
    literals: list[str] = []

    def collect(node: Node) -> None:
        if isinstance(node, Literal):
            literals.append(_relaxed(node.value))
        elif isinstance(node, DictOf):
            for key, item in node.items:
                if isinstance(item, Literal):
                    literals.append(f"{_relaxed(key)}={_relaxed(item.value)}")
        elif isinstance(node, TupleOf):
            for item in node.items:
                collect(item)

    collect(option)
    return tuple(sorted(literals)) if any(literals) else None


def _own_labels(options: Sequence[Node]) -> list[Key]:
    """Return for each option the labels that are in no other; None where there are none."""
    below = [_labels(option) for option in options]
    counts = Counter(label for labels in below for label in labels)
    own = [frozenset(label for label in labels if counts[label] == 1) for labels in below]
    return [labels or None for labels in own]


def _labels(root: Node) -> set[str]:
    """Return the labels of all parameters at and below a node."""
    found, seen, stack = set[str](), set[int](), [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Number | Choice):
            found.add(node.label)
        stack += children(node)
    return found


def _digest(root: Node, literal: Callable[[Any], str]) -> str:
    """Return a digest of an expression; a shared node is visited once."""
    made: dict[int, str] = {}

    def digest(node: Node) -> str:
        if id(node) not in made:
            made[id(node)] = hashlib.sha256("\0".join(parts(node)).encode()).hexdigest()
        return made[id(node)]

    def parts(node: Node) -> list[str]:
        match node:
            case Literal(value):
                return ["literal", literal(value)]
            case Number(label) | Choice(label):
                return ["parameter", label]
            case TupleOf(items):
                return ["tuple", *map(digest, items)]
            case DictOf(pairs):
                return ["dict", *(f"{literal(key)}:{digest(item)}" for key, item in pairs)]
            case Operation(name, args, keywords):
                return ["operation", name, *map(digest, args), *(f"{k}={digest(v)}" for k, v in keywords)]
        return [type(node).__name__]

    return digest(root)


def _exact(value: Any) -> str:
    """Return text that is equal for equal literals; a stored reference equals the object that it names."""
    if isinstance(value, Reference):
        return str(value)
    name = qualname_of(value)
    return f"{type(value).__name__} {value!r}" if name is None else f"{defining_module(value)}:{name}"


def _relaxed(value: Any) -> str:
    """Return a literal as text without case and punctuation, and a number without its type."""
    if isinstance(value, Real) and not isinstance(value, bool):
        return repr(float(value))
    text = value if isinstance(value, str) else _exact(value)
    return "".join(filter(str.isalnum, text.rpartition(":")[2])).casefold()
