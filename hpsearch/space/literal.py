"""Plain values of a space as JSON and BSON, exactly: the leaves of ``wire``'s document.

Functions, classes and members of enumerations travel by reference, "module:name", and
are looked up again when they are encoded, so that what cannot be found is refused where
it was written, not on a worker. Decoded, a reference is what the reader's trust makes of it.
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

#: What reads the text of each kind that is no import.
READERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "int": int,
        "float": float,
        "bytes": functools.partial(base64.b64decode, validate=True),
        "date": datetime.date.fromisoformat,
        "datetime": datetime.datetime.fromisoformat,
    }
)

#: Levels of tuples inside tuples that a dict key may have.
MAX_KEY_DEPTH = 10


def encode_literal(value: Any, place: str) -> Any:
    """Return the JSON of a plain value that stands at some place of the space.

    Raises
    ------
    SpaceError
        Naming the place, if another process could not get the same value back.
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
    """Whether a value is a string, a number, a bool or None that JSON and BSON hold as itself."""
    if isinstance(value, Reference):
        return False
    if isinstance(value, int):
        return _is_int64(value)
    return value is None or isinstance(value, str | float)


def decode_literal(value: Any, place: str, trust: Trust, depth: int = 0) -> Any:
    """Return the plain value of a JSON that stands at some place of the document.

    Parameters
    ----------
    value : any
        The JSON.
    place : str
        For messages.
    trust : Trust
        Finds what a reference stands for.
    depth : int
        Tuples around it.

    Raises
    ------
    SpaceError
        If the JSON is none that ``encode_literal`` makes, or an import fails.
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
    """Return "module:qualname" of an importable object, or raise a sentence about it."""
    module, qualname = defining_module(value), qualname_of(value) or ""
    what = f"{place} holds {named(qualname)}"
    if module == "__main__":
        raise SpaceError(
            f"{what}, which is defined in the script itself (__main__), where no worker can import it; "
            f"move it to a module of its own."
        )
    if "<" in qualname:
        kind = "a lambda" if "<lambda>" in qualname else "defined inside a function"
        raise SpaceError(f"{what}, which no worker can import, since it is {kind}; define it in a module.")
    if module is None:
        raise SpaceError(f"{what}, which does not tell its module; wrap it in a function of a module.")
    reference = checked_reference(f"{module}:{qualname}", place)
    found = imported(reference, place)
    # Class methods are made anew at each look-up: equal, not identical.
    if found is not value and not (type(found) is type(value) and found == value):
        raise SpaceError(
            f"{what}, but importing {named(reference)} gives another object; a worker would get that one."
        )
    return reference


def _is_int64(value: int) -> bool:
    """Whether BSON holds an integer; a ``range`` would look for one of a subclass among all its members."""
    return -(2**63) <= value < 2**63


def _digits(value: int, place: str) -> str:
    """Return an integer in decimal, which Python refuses from some thousands of digits on."""
    try:
        return str(value)
    except ValueError as error:
        raise SpaceError(f"{place} holds an integer that is too long to be sent to a worker.") from error


def _text(value: str, place: str) -> str:
    """Return a string that has an encoding."""
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise SpaceError(f"{place} holds the text {shown(value)}, which is not valid Unicode.") from error
    return str(value)
