"""What the document of a space names and calls, found without decoding it.

Decoding a trusted space imports what its document names, and evaluating it calls functions.
A worker that does not trust the document looks before that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hpsearch.space.operations import OPERATIONS
from hpsearch.space.restricted_operations import CALLS, is_allowed


@dataclass(frozen=True, slots=True)
class References:
    """What lies outside of the document and is reached by it."""

    imports: frozenset[str]  #: "module:qualified.name"
    #: Operations that may reach what no import names, such as an attribute of a value or a call of a result.
    unrestricted: frozenset[str]


def references_of(document: Mapping[str, Any]) -> References:
    """Return what the document of a space reaches; a damaged one rather reaches more than less.

    Parameters
    ----------
    document : mapping
        ``Space.to_json()``, or anything that somebody put in its place.
    """
    imports: set[str] = set()
    unrestricted: set[str] = set()
    for part in _objects(document):
        if "import" in part:
            imports.add(str(part["import"]))
        if _is_loose(part):
            unrestricted.add(str(part.get("name")))
    return References(frozenset(imports), frozenset(unrestricted))


def _objects(document: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object of a JSON document, however deep it is nested."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            yield value
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value


def _is_loose(part: Mapping[str, Any]) -> bool:
    """Whether an object is an operation that is applied in another way than ``closed`` lists."""
    name, args, pairs = part.get("name"), part.get("args"), part.get("keywords", [])
    if args is None and "keywords" not in part and name not in OPERATIONS:
        return False  # a distribution, or no operation at all
    if not isinstance(name, str) or not isinstance(args, list) or not isinstance(pairs, list):
        return True
    if name in CALLS:
        return not _is_direct(args)
    keywords = [pair[0] if isinstance(pair, list) and pair else None for pair in pairs]
    return not is_allowed(name, len(args), [str(keyword) for keyword in keywords])


def _is_direct(args: list[Any]) -> bool:
    """Whether an operation calls what it names itself, and no result of another."""
    match args:
        case [{"import": str()}, *_]:
            return True
    return False
