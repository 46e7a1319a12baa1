"""Plain values as MongoDB can hold them, and back; pure.

``encoded`` guards the store: whatever reaches it, a document is either written whole or
refused with a sentence that names the place. Three things are translated:

- Tuples become lists, dates UTC to the millisecond, subclasses of numbers and text the plain type.
- Lone surrogates, which UTF-8 cannot express, become backslash escapes.
- A key ``$ref`` gets a prefix, which ``decoded`` takes off again: MongoDB's drivers take an object
  with that key for a reference to another document, and fail to read it when it is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from numbers import Integral, Real
from typing import Any

from hpsearch.errors import StoreError

#: Levels below the place of a value; MongoDB refuses documents of more than 180.
MAX_DEPTH = 100

_MIN_INT64, _MAX_INT64 = -(2**63), 2**63 - 1
_REFERENCE = "$ref"
_ESCAPE = "\N{FULLWIDTH DOLLAR SIGN}"


def encoded(value: Any, where: str) -> Any:
    """Return a value as it is stored.

    Parameters
    ----------
    value : any
        None, bool, int within 64 bits, float, str, bytes, datetime (naive means UTC), or lists,
        tuples and mappings with text keys of such.
    where : str
        The place of the value, for error messages: "result", "params".

    Raises
    ------
    StoreError
        Naming the place of what cannot be stored.
    """
    return _encoded(value, where, MAX_DEPTH)


def present(**fields: Any) -> dict[str, Any]:
    """Return the fields that are neither None nor empty."""
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def decoded(value: Any) -> Any:
    """Return a stored value as the plain value that was encoded; dates come back aware, in UTC."""
    kind = type(value)
    if kind is str or kind is float or value is None or kind is bool:
        return value
    match value:
        case int():
            return int(value)  # 64-bit integers arrive as a type of the driver's
        case dict():
            return {_unescaped(key): decoded(item) for key, item in value.items()}
        case list():
            return [decoded(item) for item in value]
        case datetime():
            return utc(value)
    return value


def utc(stored: datetime) -> datetime:
    """Return a stored date, which the driver hands out without a zone, as aware."""
    return stored.replace(tzinfo=UTC)


def _encoded(value: Any, where: str, depth: int) -> Any:
    if depth < 0:
        raise StoreError(f"{where[:80]}... is nested more than {MAX_DEPTH} levels deep; store it flatter.")
    match value:
        case None | bool():
            return value
        case str():
            return _text(value)
        case Integral():
            return _int64(int(value), where)
        case Real():
            return float(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value)
        case datetime():
            return _date(value, where)
        case Mapping():
            return {_key(k, where): _encoded(v, f"{where}.{k}", depth - 1) for k, v in value.items()}
        case list() | tuple():
            return [_encoded(item, f"{where}[{i}]", depth - 1) for i, item in enumerate(value)]
    raise StoreError(
        f"{where} is a {type(value).__qualname__}, which MongoDB cannot hold; "
        "convert it to numbers, text, lists or dicts."
    )


def _int64(value: int, where: str) -> int:
    if not _MIN_INT64 <= value <= _MAX_INT64:
        raise StoreError(f"{where} is an integer of more than 64 bits; store it as a float or as text.")
    return value


def _date(value: datetime, where: str) -> datetime:
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        whole = aware.astimezone(UTC)
    except OverflowError as error:
        raise StoreError(f"{where} is a date outside the years 1 to 9999; store it as text.") from error
    return whole.replace(microsecond=whole.microsecond // 1000 * 1000)


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise StoreError(f"{where} has the key {key!r}, which is not text; use str keys.")
    if "\0" in key:
        raise StoreError(
            f"{where} has the key {key!r}, which holds a NUL character; MongoDB cannot store it."
        )
    text = _text(key)
    return _ESCAPE + text if text.lstrip(_ESCAPE) == _REFERENCE else text


def _unescaped(key: str) -> str:
    return key[1:] if key[:1] == _ESCAPE and key.lstrip(_ESCAPE) == _REFERENCE else key


def _text(text: str) -> str:
    return str.__str__(text).encode("utf-8", "backslashreplace").decode("utf-8")
