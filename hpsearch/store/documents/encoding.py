"""Values as MongoDB stores them, and back.

``encoded`` makes values plain (``core.plain_values``), so that every document is either written whole or
refused with the place of the problem. It prefixes a key ``$ref``, and ``decoded`` removes the prefix:
MongoDB's drivers take an object with that key for a reference to another document, and fail to read it
when it is not.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hpsearch.core.plain_values import UnstorableError, plain_key, plain_value
from hpsearch.errors import StoreError

#: Levels of nesting in a value; MongoDB refuses documents with more than 180.
MAX_DEPTH = 100

_REFERENCE = "$ref"
_ESCAPE = "\N{FULLWIDTH DOLLAR SIGN}"


def encoded(value: Any, where: str) -> Any:
    """Convert a value for storage.

    Parameters
    ----------
    value : any
        A plain value, or one that ``core.plain_values`` converts to one.
    where : str
        Name of the value in error messages: "result", "params".

    Raises
    ------
    StoreError
        If a part of the value cannot be stored; the message names its place.
    """
    try:
        return plain_value(value, MAX_DEPTH, _key)
    except UnstorableError as error:
        raise StoreError(f"{error.at(where)}; {error.advice}.") from error


def present(**fields: Any) -> dict[str, Any]:
    """Return the fields except those that are None or empty."""
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def decoded(value: Any) -> Any:
    """Convert a stored value back to the plain value; dates are aware, in UTC."""
    kind = type(value)
    if kind is str or kind is float or value is None or kind is bool:
        return value
    match value:
        case int():
            return int(value)  # the driver has its own type for 64-bit integers
        case dict():
            return {_unescaped(key): decoded(item) for key, item in value.items()}
        case list():
            return [decoded(item) for item in value]
        case datetime():
            return utc(value)
    return value


def utc(stored: datetime) -> datetime:
    """Return a stored date, which the driver returns naive, as aware."""
    return stored.replace(tzinfo=UTC)


def _key(key: Any) -> str:
    text = plain_key(key)
    return _ESCAPE + text if text.lstrip(_ESCAPE) == _REFERENCE else text


def _unescaped(key: str) -> str:
    return key[1:] if key[:1] == _ESCAPE and key.lstrip(_ESCAPE) == _REFERENCE else key
