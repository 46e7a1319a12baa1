"""What the document of a space names and calls, told without reading it as a space; pure.

Decoding a space imports what its document names, and evaluating it calls functions. Who
does not trust the document has to look before that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

#: Operations that run what their first operand is.
_CALLS = frozenset({"call", "partial"})


@dataclass(frozen=True, slots=True)
class Reach:
    """What lies outside of the document and is reached by it."""

    imports: frozenset[str]  #: "module:qualified.name"
    #: Operations that may reach what no import names: an attribute of any value, or a call of a result.
    loose: frozenset[str]


def reach(document: Mapping[str, Any]) -> Reach:
    """Return what the document of a space reaches; a damaged one rather reaches more than less.

    Parameters
    ----------
    document : mapping
        ``Space.to_json()``, or anything that somebody put in its place.
    """
    imports: set[str] = set()
    loose: set[str] = set()
    for part in _objects(document):
        if "import" in part:
            imports.add(str(part["import"]))
        name = part.get("name")
        if name == "getattr" or (name in _CALLS and not _is_direct(part)):
            loose.add(str(name))
    return Reach(frozenset(imports), frozenset(loose))


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


def _is_direct(operation: Mapping[str, Any]) -> bool:
    """Whether an operation calls what it names itself, and no result of another."""
    match operation.get("args"):
        case [{"import": str()}, *_]:
            return True
    return False
