"""Exact encoding of plain values as JSON and BSON: the leaves of a serialized space.

Functions, classes and members of enumerations are encoded as references, "module:name". Encoding looks them
up, so that one that cannot be imported is refused where the space is written, not on a worker. Decoding
resolves references as the reader's ``Trust`` allows.
"""

from __future__ import annotations

import base64
import datetime
import enum
import functools
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import named, reason, shown
from hpsearch.space.json_checks import raise_damaged, sequence, string, tagged
from hpsearch.space.trust import Reference, Trust, checked_reference, defining_module, imported, qualname_of

#: Parsers of the kinds other than imports.
READERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "int": int,
        "float": float,
        "bytes": functools.partial(base64.b64decode, validate=True),
        "date": datetime.date.fromisoformat,
        "datetime": datetime.datetime.fromisoformat,
    }
)

#: Levels of nested tuples in a dict key.
MAX_KEY_DEPTH = 10


def encode_literal(value: Any, place: str) -> Any:
    """Encode a plain value.

    Parameters
    ----------
    value : any
        A constant of the space, or a dict key.
    place : str
        Where it is in the space, for messages.

    Returns
    -------
    any
        JSON.

    Raises
    ------
    SpaceError
        If another process could not decode the same value; names the place.
    """
    if isinstance(value, enum.Enum):
        return {"import": _reference(value, place)}
    if isinstance(value, Reference):
        return {"import": str(value)}
    match value:
        case None | bool():
            return value
        case int():
            return int(value) if _is_int64(value) else {"int": _digits(int(value), place)}
        case float():
            return float(value) if math.isfinite(value) else {"float": repr(float(value))}
        case str():
            return _text(value, place)
        case bytes():
            return {"bytes": base64.b64encode(value).decode()}
        case datetime.datetime():
            return {"datetime": value.isoformat()}
        case datetime.date():
            return {"date": value.isoformat()}
        case tuple():
            return {"tuple": [encode_literal(item, place) for item in value]}
    if qualname_of(value) is not None:
        return {"import": _reference(value, place)}
    raise SpaceError(
        f"{place} holds a value of type {type(value).__name__!r}, which cannot be sent to a worker; "
        f"use numbers, strings, dates, lists, dicts, or functions and classes that can be imported."
    )


def is_scalar(value: Any) -> bool:
    """Whether JSON and BSON can represent a value directly: a string, a number, a bool or None."""
    if isinstance(value, Reference):
        return False
    if isinstance(value, int):
        return _is_int64(value)
    return value is None or isinstance(value, str | float)


def decode_literal(value: Any, place: str, trust: Trust, depth: int = 0) -> Any:
    """Decode a plain value.

    Parameters
    ----------
    value : any
        JSON of ``encode_literal``.
    place : str
        Where it is in the document, for messages.
    trust : Trust
        Resolves references.
    depth : int
        Number of tuples around it.

    Raises
    ------
    SpaceError
        If ``encode_literal`` makes no such JSON, or an import fails.
    """
    match value:
        case None | bool():
            return value
        case int():
            return int(value)  # BSON's 64-bit integers are a subclass
        case float():
            return float(value)
        case str():
            return value
    kind, content = tagged(value, place)
    if kind == "tuple" and depth < MAX_KEY_DEPTH:
        return tuple(decode_literal(item, place, trust, depth + 1) for item in sequence(content, place))
    text = string(content, place)
    if kind == "import":
        return trust.find(checked_reference(text, place), place)
    if kind not in READERS:
        raise_damaged(f"{place} has the unknown kind {shown(kind)}")
    try:
        return READERS[kind](text)
    except ValueError as error:
        raise_damaged(f"{place} is no {kind} ({reason(error)})")


def _reference(value: Any, place: str) -> str:
    """Return "module:qualname" of an object; raises unless importing that gives the object."""
    module, qualname = defining_module(value), qualname_of(value) or ""
    what = f"{place} holds {named(qualname)}"
    if module == "__main__":
        raise SpaceError(
            f"{what}, which is defined in the script itself (__main__), where no worker can import it; "
            f"move it to a module."
        )
    if "<" in qualname:
        kind = "a lambda" if "<lambda>" in qualname else "defined inside a function"
        raise SpaceError(f"{what}, which no worker can import, since it is {kind}; define it in a module.")
    if module is None:
        raise SpaceError(f"{what}, which has no __module__; wrap it in a function of a module.")
    reference = checked_reference(f"{module}:{qualname}", place)
    found = imported(reference, place)
    # Each look-up of a class method makes another object: equal, not identical.
    if found is not value and not (type(found) is type(value) and found == value):
        raise SpaceError(
            f"{what}, but importing {named(reference)} gives another object; a worker would get that one."
        )
    return reference


def _is_int64(value: int) -> bool:
    """Whether BSON can represent an integer; ``in range(...)`` is slow for subclasses of int."""
    return -(2**63) <= value < 2**63


def _digits(value: int, place: str) -> str:
    try:
        return str(value)
    except ValueError as error:
        raise SpaceError(f"{place} holds an integer too long to be sent to a worker.") from error


def _text(value: str, place: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SpaceError(f"{place} holds the text {shown(value)}, which is not valid Unicode.") from error
    return str(value)
