"""Checks on the shape of a stored document, which somebody may have altered by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from hpsearch.errors import SpaceError

#: Characters that tell the place and what is wrong there.
_MAX_WHAT = 800


def raise_damaged(what: str) -> NoReturn:
    """Raise a ``SpaceError`` about a document that is not what hpsearch wrote."""
    raise SpaceError(f"The stored space is damaged: {what[:_MAX_WHAT]}.")


def mapping(value: Any, place: str) -> Mapping[str, Any]:
    """Return an object of the document."""
    return value if isinstance(value, Mapping) else raise_damaged(f"{place} should be an object")


def sequence(value: Any, place: str) -> list[Any]:
    """Return a list of the document."""
    return value if isinstance(value, list) else raise_damaged(f"{place} should be a list")


def string(value: Any, place: str) -> str:
    """Return a string of the document."""
    return value if isinstance(value, str) else raise_damaged(f"{place} should be a string")


def index(value: Any, place: str) -> int:
    """Return an integer of the document; BSON's 64-bit integers become plain ones."""
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return int(value) if is_integer else raise_damaged(f"{place} should be an integer")


def pair(value: Any, place: str) -> tuple[Any, Any]:
    """Return a list of two."""
    if isinstance(value, list) and len(value) == 2:
        return value[0], value[1]
    raise_damaged(f"{place} should be a list of pairs")


def tagged(value: Any, place: str) -> tuple[str, Any]:
    """Return the key and the content of an object with one key."""
    items = list(mapping(value, place).items())
    return items[0] if len(items) == 1 else raise_damaged(f"{place} should be an object with one key")
