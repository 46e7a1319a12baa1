"""What a reader of a stored space trusts it to import and to compute.

A stored space comes from a database, where others can write. Whoever only looks at it
imports nothing, and sees a reference as its text; whoever evaluates it imports what it
names, either everything or what an owner allows.
"""

from __future__ import annotations

import enum
import functools
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import named, reason
from hpsearch.space.json_checks import raise_damaged


class Reference(str):
    """What a stored space refers to, or would compute from that, as text instead of as a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class Trust:
    """What reading a stored space may bring about."""

    find: Callable[[str, str], Any]  #: returns what "module:name" at a place of the space stands for
    is_restricted: bool  #: whether operations do only what ``closed`` lists


def as_text(reference: str, place: str) -> Reference:
    """Return a reference as its own text; imports nothing."""
    return Reference(reference)


def imported(reference: str, place: str) -> Any:
    """Import what a reference names.

    Raises
    ------
    SpaceError
        If it cannot be imported, or is no function, class or member of an enumeration.
    """
    module, _, qualname = reference.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (Exception, SystemExit) as error:
        raise SpaceError(
            f"{place} refers to {named(reference)}, which cannot be imported on this machine "
            f"({reason(error)})."
        ) from error
    if qualname_of(found) is None:
        raise SpaceError(
            f"{place} refers to {named(reference)}, which is a {type(found).__name__}; a space refers "
            f"only to functions, classes and members of enumerations."
        )
    return found


#: For whoever only looks: imports nothing, calls nothing.
AS_TEXT = Trust(as_text, is_restricted=True)

#: For whoever evaluates a space that nothing restricts: imports and calls whatever it names.
TRUSTED = Trust(imported, is_restricted=False)


def checked_reference(text: str, place: str) -> str:
    """Return a reference if it has the form "module:name"."""
    module, _, qualname = text.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *qualname.split(".")]):
        raise_damaged(f"{place} is no reference of the form 'module:name', but {named(text)}")
    return text


def qualname_of(value: Any) -> str | None:
    """Return the name of a value within its module; None for what is not referred to by name."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    return name if callable(value) and isinstance(name, str) else None


def defining_module(value: Any) -> str | None:
    """Return the module that defines a value, for a partial that of its function; None if it is unknown."""
    while isinstance(value, functools.partial):
        value = value.func
    if isinstance(value, np.ufunc) and getattr(np, value.__name__, None) is value:
        return "numpy"  # before NumPy 2, a ufunc has no __module__
    module = getattr(value, "__module__", None)
    return module if isinstance(module, str) else None
