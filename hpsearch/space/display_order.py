"""The order in which people read parameters: as in the structure, ``layer_2`` before ``layer_10``."""

from __future__ import annotations

import re
from typing import Any

from hpsearch.space.expression import Choice, DictOf, Node, Number, children, rank_of_key

_DIGITS = re.compile(r"([0-9]{1,18})")

#: A sort key of texts: runs of digits compare as numbers.
NaturalKey = tuple[tuple[int, int | str], ...]


def natural_key(text: str) -> NaturalKey:
    """Return a sort key of a text under which numbers in it count by size.

    Examples
    --------
    >>> sorted(["layer_10", "layer_2", "layer_1"], key=natural_key)
    ['layer_1', 'layer_2', 'layer_10']
    """
    return tuple((0, int(part)) if part.isdecimal() else (1, part) for part in _DIGITS.split(text) if part)


def display_order(root: Node) -> tuple[str, ...]:
    """Return the labels of all parameters in reading order.

    A choice comes before the parameters of its options, and the items of a dict are in natural order. Unlike
    ``Space.parameters``, which indexes arrays, this order is only for people.

    Parameters
    ----------
    root : Node
        The structure of a space.
    """
    found: dict[str, None] = {}
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Number | Choice):
            found[node.label] = None
        stack.extend(reversed(_ordered_children(node)))
    return tuple(found)


def _ordered_children(node: Node) -> tuple[Node, ...]:
    if not isinstance(node, DictOf):
        return children(node)
    return tuple(child for _, child in sorted(node.items, key=lambda item: _natural_rank(item[0])))


def _natural_rank(key: Any) -> tuple[str, Any]:
    kind, rank = rank_of_key(key)
    return kind, natural_key(rank) if isinstance(rank, str) else rank
