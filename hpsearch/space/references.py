"""What the document of a space imports and calls, found without decoding it.

Decoding a trusted space imports the objects that its document names, and evaluating it calls functions. A
worker that does not trust the document checks it first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hpsearch.space.operations import OPERATIONS
from hpsearch.space.restricted_operations import CALLS, is_allowed


@dataclass(frozen=True, slots=True)
class References:
    """Objects outside the document that it uses."""

    imports: frozenset[str]  #: "module:qualified.name"
    #: Operations that may use other objects, too, such as an attribute of a value or a call of a result.
    unrestricted: frozenset[str]


def references_of(document: Mapping[str, Any]) -> References:
    """Return the references of a document; over-approximates for malformed input.

    Parameters
    ----------
    document : mapping
        The result of ``Space.to_json``, perhaps modified since.
    """
    imports: set[str] = set()
    unrestricted: set[str] = set()
    for part in _objects(document):
        if "import" in part:
            imports.add(str(part["import"]))
        if _is_unrestricted(part):
            unrestricted.add(str(part.get("name")))
    return References(frozenset(imports), frozenset(unrestricted))


def _objects(document: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object of a JSON document, at any depth."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            yield value
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value


def _is_unrestricted(part: Mapping[str, Any]) -> bool:
    """Whether an object is an operation that ``restricted_operations`` does not allow."""
    name, args, pairs = part.get("name"), part.get("args"), part.get("keywords", [])
    if args is None and "keywords" not in part and name not in OPERATIONS:
        return False  # such as a distribution
    if not isinstance(name, str) or not isinstance(args, list) or not isinstance(pairs, list):
        return True
    if name in CALLS:
        match args:
            case [{"import": str()}, *_]:
                return False
        return True  # calls the result of another operation
    keywords = [pair[0] if isinstance(pair, list) and pair else None for pair in pairs]
    return not is_allowed(name, len(args), [str(keyword) for keyword in keywords])
