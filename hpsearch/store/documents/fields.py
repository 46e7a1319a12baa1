"""Reading and checking the fields of stored documents, which may have been edited by hand."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from hpsearch.errors import UnreadableError
from hpsearch.runtime.escaping import named
from hpsearch.store.documents.encoding import decoded, utc

E = TypeVar("E", bound=StrEnum)

_MISSING = object()

#: The largest integer in a query, and the largest count, which can grow further without rounding.
_LARGEST, _LARGEST_COUNT = 2**63 - 1, 2**53

#: Characters of a corrupt value in a message.
_MAX_SHOWN = 60


class Fields:
    """The fields of a document, read with their expected types.

    Every method raises ``UnreadableError``, which names the document and the field, if the
    field has another type or value; methods named ``maybe_...`` return None for a field that is
    missing or null.

    Parameters
    ----------
    document : mapping
        As the database returned it.
    label : str
        What the document is, for messages: "Trial 'cifar/000017'".
    path : str
        Path of a part in its document, with a final dot: "worker.".
    """

    __slots__ = ("_get", "_label", "_path")

    def __init__(self, document: Mapping[str, Any], label: str, path: str = "") -> None:
        self._get = document.get
        self._label = label
        self._path = path

    def text(self, name: str) -> str:
        """Return a text."""
        value = self._get(name, _MISSING)
        return value if isinstance(value, str) else self._refuse(name, "a text", value)

    def maybe_text(self, name: str) -> str | None:
        """Return a text or None."""
        return None if self._get(name) is None else self.text(name)

    def integer(self, name: str, least: int | None = None, most: int = _LARGEST) -> int:
        """Return an integer, which may be stored as a whole float.

        Parameters
        ----------
        name : str
            Name of the field.
        least, most : int, optional
            Bounds, inclusive.
        """
        value = self._get(name, _MISSING)
        is_whole = (isinstance(value, float) and value.is_integer()) or (
            isinstance(value, int) and not isinstance(value, bool)
        )
        if is_whole and (-_LARGEST if least is None else least) <= value <= most:
            return int(value)
        if is_whole and value > most:
            return self._refuse(name, f"an integer up to {most}", value)
        return self._refuse(name, "an integer" if least is None else f"an integer from {least} on", value)

    def maybe_integer(self, name: str) -> int | None:
        """Return an integer or None."""
        return None if self._get(name) is None else self.integer(name)

    def count(self, name: str) -> int:
        """Return a count, which is not negative and can be increased."""
        return self.integer(name, least=0, most=_LARGEST_COUNT)

    def maybe_count(self, name: str) -> int | None:
        """Return a count or None."""
        return None if self._get(name) is None else self.count(name)

    def number(self, name: str, least: float | None = None, most: float = math.inf) -> float:
        """Return a number.

        Parameters
        ----------
        name : str
            Name of the field.
        least, most : float, optional
            Bounds, inclusive; with a lower bound, NaN is refused, too.
        """
        value = self._get(name, _MISSING)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and (least is None or least <= value <= most):
            return float(value)
        bounds = "" if least is None else f" from {least:g} to {most:g}, not NaN"
        return self._refuse(name, f"a number{bounds}", value)

    def maybe_number(self, name: str, least: float | None = None, most: float = math.inf) -> float | None:
        """Return a number or None.

        Parameters
        ----------
        name : str
            Name of the field.
        least, most : float, optional
            As for ``number``.
        """
        return None if self._get(name) is None else self.number(name, least, most)

    def flag(self, name: str) -> bool:
        """Return true or false; a missing one is false."""
        value = self._get(name, False)
        return value if isinstance(value, bool) else self._refuse(name, "true or false", value)

    def date(self, name: str) -> datetime:
        """Return a date, aware."""
        value = self._get(name, _MISSING)
        return utc(value) if isinstance(value, datetime) else self._refuse(name, "a date", value)

    def maybe_date(self, name: str) -> datetime | None:
        """Return a date or None."""
        return None if self._get(name) is None else self.date(name)

    def one_of(self, name: str, kind: type[E]) -> E:
        """Return a member of an enumeration.

        Parameters
        ----------
        name : str
            Name of the field.
        kind : type
            The enumeration.
        """
        value = self._get(name, _MISSING)
        try:
            return kind(value)
        except ValueError:
            return self._refuse(name, f"one of {', '.join(kind)}", value)

    def mapping(self, name: str) -> dict[str, Any]:
        """Return an object, decoded to plain values."""
        value = self._get(name, _MISSING)
        found = decoded(value)
        return found if isinstance(found, dict) else self._refuse(name, "an object", value)

    def maybe_mapping(self, name: str) -> dict[str, Any]:
        """Return an object, decoded to plain values; a missing one is empty."""
        return {} if self._get(name) is None else self.mapping(name)

    def numbers(self, name: str) -> dict[str, float | int]:
        """Return an object of numbers."""
        found = self.mapping(name)
        for value in found.values():
            if type(value) is not float and type(value) is not int:
                self.refuse(name, "an object of numbers")
        return found

    def part(self, name: str) -> Fields:
        """Return the fields of an object."""
        value = self._get(name, _MISSING)
        if isinstance(value, Mapping):
            return Fields(value, self._label, f"{self._path}{name}.")
        return self._refuse(name, "an object", value)

    def maybe_part(self, name: str) -> Fields | None:
        """Return the fields of an object, or None."""
        return None if self._get(name) is None else self.part(name)

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; a missing one is empty."""
        value = self._get(name, [])
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return tuple(value)
        return self._refuse(name, "a list of texts", value)

    def parts(self, name: str) -> Iterator[Fields]:
        """Yield the fields of each object in a list; a missing one is empty."""
        value = self._get(name, ())
        if not isinstance(value, list | tuple) or not all(isinstance(item, Mapping) for item in value):
            self._refuse(name, "a list of objects", value)
        for i, item in enumerate(value):
            yield Fields(item, self._label, f"{self._path}{name}[{i}].")

    def refuse(self, name: str, wanted: str) -> NoReturn:
        """Raise ``UnreadableError`` for a field.

        Parameters
        ----------
        name : str
            Name of the field.
        wanted : str
            What the field should be, with an article.
        """
        self._refuse(name, wanted, self._get(name, _MISSING))

    def _refuse(self, name: str, wanted: str, value: Any) -> NoReturn:
        found = "is missing" if value is _MISSING else f"is {_shown(value)}"
        raise UnreadableError(
            f"{self._label} cannot be read: its field {self._path}{name} should be {wanted}, but {found}; "
            "correct it, or delete the document."
        )


def document_label(kind: str, document: Mapping[str, Any]) -> str:
    """Return a label of a document for messages, on one line of limited length.

    Parameters
    ----------
    kind : str
        What it is: "Trial".
    document : mapping
        The document; its identifier is quoted.
    """
    return f"{kind} {named(document.get('_id'))}"


def _shown(value: Any) -> str:
    """Return a value as text of limited length on one line; for a container only its type."""
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    text = repr(value[:_MAX_SHOWN] if isinstance(value, str | bytes) else value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
