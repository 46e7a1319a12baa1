"""Plain values, which every store can hold.

A plain value is None, a bool, an int of 64 bits, a float, a str, bytes, a datetime in UTC to the
millisecond, or a list or dict of plain values with str keys. Tuples become lists, naive dates count as UTC,
and instances of subclasses become the plain type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from numbers import Integral, Real
from typing import Any

from hpsearch.runtime.escaping import shown


class UnstorableError(ValueError):
    """A value has no plain form.

    Parameters
    ----------
    problem : str
        Predicate of a sentence about the value.
    advice : str
        What to store instead.
    """

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem)
        self.problem, self.advice = problem, advice
        self.path = ""  #: the place of the value below the converted one

    def at(self, where: str) -> str:
        """Return a clause about the place of the value; ``where`` names the converted one."""
        place = where + self.path
        return f"{place if len(place) < 200 else f'{place[:200]}...'} {self.problem}"


def plain_key(key: Any) -> str:
    """Return a key of a document; raise ``UnstorableError`` if it is not text or contains a NUL character."""
    if not isinstance(key, str):
        raise UnstorableError(f"has the key {shown(key)}, which is not text", "use str keys")
    if "\0" in key:
        raise UnstorableError(f"has the key {shown(key)}, which contains a NUL character", "rename it")
    return _text(key)


def plain_value(
    value: Any,
    levels: int,
    key: Callable[[Any], str] = plain_key,
    prepared: Callable[[Any], Any] = lambda value: value,
) -> Any:
    """Return a value in its plain form.

    Parameters
    ----------
    value : any
        The value.
    levels : int
        How many levels of lists and dicts it may have.
    key : callable
        Converts the keys of mappings.
    prepared : callable
        Applied to each value first, to convert further types.

    Raises
    ------
    UnstorableError
        If a part of the value has no plain form.
    """
    if value is None or type(value) in (float, bool):
        return value
    if levels < 0:
        raise UnstorableError("is nested too deep", "store it flatter")
    match prepared(value):
        case None | bool() as constant:
            return constant
        case str() as text:
            return _text(text)
        case Integral() as number:
            if not -(2**63) <= int(number) < 2**63:
                raise UnstorableError("is an integer of more than 64 bits", "store it as a float or as text")
            return int(number)
        case Real() as number:
            return float(number)
        case bytes() | bytearray() | memoryview() as data:
            return bytes(data)
        case datetime() as date:
            return _date(date)
        case Mapping() as mapping:
            return {key(k): _item(k, item, levels - 1, key, prepared) for k, item in mapping.items()}
        case list() | tuple() as items:
            return [_item(i, item, levels - 1, key, prepared) for i, item in enumerate(items)]
        case other:
            name = f"{type(other).__module__}.{type(other).__qualname__}".removeprefix("builtins.")
            raise UnstorableError(
                f"is a {name}, which cannot be stored", "convert it to numbers, text, lists or dicts"
            )


def _item(place: Any, *arguments: Any) -> Any:
    """Return an item of a container in its plain form; an error names its place."""
    try:
        return plain_value(*arguments)
    except UnstorableError as error:
        error.path = f"[{shown(place)}]{error.path}"
        raise


def _text(text: str) -> str:
    """Return a text with lone surrogates, which UTF-8 cannot express, as backslash escapes."""
    return str.__str__(text).encode("utf-8", "backslashreplace").decode("utf-8")


def _date(date: datetime) -> datetime:
    try:
        utc = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
        text = utc.replace(tzinfo=None).isoformat(timespec="milliseconds")
        return datetime.fromisoformat(text).replace(tzinfo=UTC)  # a subclass would return its own type
    except (OverflowError, TypeError, ValueError) as error:  # also pandas' NaT
        raise UnstorableError("is a date outside the years 1 to 9999", "store it as text") from error
