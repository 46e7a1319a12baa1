"""Strict JSON: no NaN, no infinities, and only JSON's types."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hpsearch.runtime.escaping import UNSHOWABLE


def json_text(value: Any, indent: int | None = None, *, is_ascii: bool = False) -> str:
    """Return strict JSON: dates in ISO form, bytes in hexadecimal, NaN and infinities as null.

    Control characters of terminals are escaped.

    Parameters
    ----------
    value
        Any value; types that JSON lacks are written as ``str(value)``.
    indent : int, optional
        Spaces per level; None for one line.
    is_ascii : bool
        Whether to escape all characters except ASCII.
    """
    text = json.dumps(_jsonable(value), indent=indent, allow_nan=False, ensure_ascii=is_ascii)
    return UNSHOWABLE.sub(lambda found: _escape(found[0]), text)


def _escape(character: str) -> str:
    """Return a character as JSON escapes: two for a character beyond U+FFFF."""
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _jsonable(value: Any) -> Any:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return value.isoformat()
        case bytes():
            return value.hex()
        case Mapping():
            return {str(k): _jsonable(v) for k, v in value.items()}
        case list() | tuple():
            return [_jsonable(v) for v in value]
        case None | bool() | int() | str():
            return value
    return str(value)
