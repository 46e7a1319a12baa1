"""Type checks for a stored document, which may have been edited by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from hpsearch.errors import SpaceError

#: Characters of the place and the fault in a message.
_MAX_WHAT = 800


def raise_damaged(what: str) -> NoReturn:
    """Raise a ``SpaceError`` about a document that hpsearch has not written in this form."""
    raise SpaceError(f"The stored space is damaged: {what[:_MAX_WHAT]}.")


def mapping(value: Any, place: str) -> Mapping[str, Any]:
    """Return a JSON object.

    Parameters
    ----------
    value : any
        Part of the document.
    place : str
        Where it is in the document, for messages.
    """
    return value if isinstance(value, Mapping) else raise_damaged(f"{place} should be an object")


def sequence(value: Any, place: str) -> list[Any]:
    """Return a JSON list.

    Parameters
    ----------
    value, place
        As for ``mapping``.
    """
    return value if isinstance(value, list) else raise_damaged(f"{place} should be a list")


def string(value: Any, place: str) -> str:
    """Return a string.

    Parameters
    ----------
    value, place
        As for ``mapping``.
    """
    return value if isinstance(value, str) else raise_damaged(f"{place} should be a string")


def index(value: Any, place: str) -> int:
    """Return an integer, also for BSON's 64-bit integers.

    Parameters
    ----------
    value, place
        As for ``mapping``.
    """
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return int(value) if is_integer else raise_damaged(f"{place} should be an integer")


def pair(value: Any, place: str) -> tuple[Any, Any]:
    """Return the items of a list of two.

    Parameters
    ----------
    value, place
        As for ``mapping``.
    """
    if isinstance(value, list) and len(value) == 2:
        return value[0], value[1]
    raise_damaged(f"{place} should be a list of pairs")


def tagged(value: Any, place: str) -> tuple[str, Any]:
    """Return the key and the value of an object with one key.

    Parameters
    ----------
    value, place
        As for ``mapping``.
    """
    items = list(mapping(value, place).items())
    return items[0] if len(items) == 1 else raise_damaged(f"{place} should be an object with one key")
