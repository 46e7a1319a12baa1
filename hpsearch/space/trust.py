"""What a stored space may import and compute.

A stored space comes from a database, where others can write. Commands that only display it import nothing and
show references as text. Evaluating it imports the objects that it names: all of them, or those that the owner
of a worker allows.
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
    """The text of a reference of a stored space, or of an operation on one, in place of its value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True, slots=True)
class Trust:
    """What decoding and evaluating a stored space may do."""

    find: Callable[[str, str], Any]  #: resolves "module:name"; also receives its place, for messages
    is_restricted: bool  #: whether only ``restricted_operations`` are performed


def as_text(reference: str, place: str) -> Reference:
    """Return a reference as text, without importing it.

    Parameters
    ----------
    reference : str
        "module:qualified.name".
    place : str
        Where it is in the space, for messages.
    """
    return Reference(reference)


def imported(reference: str, place: str) -> Any:
    """Import the object of a reference.

    Parameters
    ----------
    reference : str
        "module:qualified.name".
    place : str
        Where it is in the space, for messages.

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
            f"{place} refers to {named(reference)}, which is a {type(found).__name__}; a space may refer "
            f"only to functions, classes and members of enumerations."
        )
    return found


#: For display: imports nothing, calls nothing.
AS_TEXT = Trust(as_text, is_restricted=True)

#: For spaces without restrictions: imports and calls everything that they name.
TRUSTED = Trust(imported, is_restricted=False)


def checked_reference(text: str, place: str) -> str:
    """Return a reference if it has the form "module:name".

    Parameters
    ----------
    text : str
        The reference.
    place : str
        Where it is in the space, for messages.
    """
    module, _, qualname = text.partition(":")
    if not all(part.isidentifier() for part in [*module.split("."), *qualname.split(".")]):
        raise_damaged(f"{place} is not a reference of the form 'module:name', but {named(text)}")
    return text


def qualname_of(value: Any) -> str | None:
    """Return the qualified name of a function, class or enumeration member; None for other values."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    return name if callable(value) and isinstance(name, str) else None


def defining_module(value: Any) -> str | None:
    """Return the module that defines a value, or the function of a partial; None if unknown."""
    while isinstance(value, functools.partial):
        value = value.func
    if isinstance(value, np.ufunc) and getattr(np, value.__name__, None) is value:
        return "numpy"  # before NumPy 2, a ufunc has no __module__
    module = getattr(value, "__module__", None)
    return module if isinstance(module, str) else None
