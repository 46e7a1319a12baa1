"""The fields of a stored document, which somebody may have altered by hand; pure."""

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

#: The largest integer that a query can hold, and the largest count: adding one to it is exact for long.
_LARGEST, _LARGEST_COUNT = 2**63 - 1, 2**53

#: Characters of an altered value that a message shows.
_MAX_SHOWN = 60


class Fields:
    """A document whose fields are read as what they should be.

    Every method raises ``UnreadableError``, which names the document and the field, when the
    field is something else; those called ``maybe_...`` take a field that is missing, or null,
    for None.

    Parameters
    ----------
    document : mapping
        As the database returned it.
    place : str
        What it is, for messages: "Trial 'cifar/000017'".
    path : str
        Where it stands in its document, with a dot at the end: "worker.".
    """

    __slots__ = ("_get", "_path", "_place")

    def __init__(self, document: Mapping[str, Any], place: str, path: str = "") -> None:
        self._get = document.get
        self._place = place
        self._path = path

    def text(self, name: str) -> str:
        """Return a text."""
        value = self._get(name, _MISSING)
        return value if isinstance(value, str) else self._refuse(name, "a text", value)

    def maybe_text(self, name: str) -> str | None:
        """Return a text or None."""
        return None if self._get(name) is None else self.text(name)

    def integer(self, name: str, least: int | None = None, most: int = _LARGEST) -> int:
        """Return an integer, which may be stored as a whole float, within the bounds."""
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
        """Return a number that goes up by one at a time, and can go on doing so."""
        return self.integer(name, least=0, most=_LARGEST_COUNT)

    def maybe_count(self, name: str) -> int | None:
        """Return such a number or None."""
        return None if self._get(name) is None else self.count(name)

    def number(self, name: str, least: float | None = None, most: float = math.inf) -> float:
        """Return a number; with a bound also one that is not NaN, and within the bounds."""
        value = self._get(name, _MISSING)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if is_number and (least is None or least <= value <= most):
            return float(value)
        bounds = "" if least is None else f" from {least:g} to {most:g}, not NaN"
        return self._refuse(name, f"a number{bounds}", value)

    def maybe_number(self, name: str, least: float | None = None, most: float = math.inf) -> float | None:
        """Return a number, with a bound as ``number`` does, or None."""
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
        """Return a member of an enumeration."""
        value = self._get(name, _MISSING)
        try:
            return kind(value)
        except ValueError:
            return self._refuse(name, f"one of {', '.join(kind)}", value)

    def mapping(self, name: str) -> dict[str, Any]:
        """Return an object as the plain values that were encoded."""
        value = self._get(name, _MISSING)
        found = decoded(value)
        return found if isinstance(found, dict) else self._refuse(name, "an object", value)

    def maybe_mapping(self, name: str) -> dict[str, Any]:
        """Return an object as the plain values that were encoded; one that is missing is empty."""
        return {} if self._get(name) is None else self.mapping(name)

    def part(self, name: str) -> Fields:
        """Return the fields of an object."""
        value = self._get(name, _MISSING)
        if isinstance(value, Mapping):
            return Fields(value, self._place, f"{self._path}{name}.")
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
            yield Fields(item, self._place, f"{self._path}{name}[{i}].")

    def refuse(self, name: str, wanted: str) -> NoReturn:
        """Raise ``UnreadableError`` about a field that should be something else."""
        self._refuse(name, wanted, self._get(name, _MISSING))

    def _refuse(self, name: str, wanted: str, value: Any) -> NoReturn:
        found = "is missing" if value is _MISSING else f"is {_shown(value)}"
        raise UnreadableError(
            f"{self._place} cannot be read: its field {self._path}{name} should be {wanted}, but {found}; "
            "somebody altered it, so set it right, or delete the document."
        )


def place_of(kind: str, document: Mapping[str, Any]) -> str:
    """Return what a document is, for messages: its identifier quoted, on one line, of bounded length."""
    return f"{kind} {named(document.get('_id'))}"


def _shown(value: Any) -> str:
    """Return a value as text of bounded length, on one line; of a container only what it is."""
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    text = repr(value[:_MAX_SHOWN] if isinstance(value, str | bytes) else value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 3] + "..."
