"""What an objective returned, as values that a database can hold.

NumPy scalars become Python's, arrays become nested lists, tuples become lists,
dates without a time zone are taken as UTC, and keys become text. What has no such
form (a model, a set, an integer beyond 64 bits) is left out and named, so that one
unfortunate key never costs a loss that was paid for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from hpsearch.runtime.escaping import reason, shown

#: MongoDB refuses deeper documents; a result lies two levels below the top of its own.
MAX_DEPTH = 90
#: Bytes of one result. MongoDB holds 16 MiB a document; the rest is for reports, errors and the log.
MAX_BYTES = 12 * 1024 * 1024

#: Items of an array that are certain not to fit: each takes at least a tag, an index and a value.
MAX_ITEMS = MAX_BYTES // 4

#: Sentences about what was left out; more of them would crowd out the rest.
_MOST_PROBLEMS = 20


class _UnstorableError(Exception):
    """A value has no storable form; ``where`` says which."""


def sanitized(result: Mapping[Any, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the storable part of a result, and a sentence for each key that was left out.

    Foreign objects in it may raise whatever they like when they are read: it costs their key alone.

    Parameters
    ----------
    result : mapping
        What the objective returned.

    Returns
    -------
    dict
        Nested dicts and lists of None, bool, int, float, str, bytes and aware datetimes.
    list of str
        One sentence for each top-level key, or part of one, that is missing from it; of more
        than some, how many.
    """
    kept: dict[str, Any] = {}
    problems: list[str] = []
    try:
        for key, value in result.items():
            where = f"result[{shown(key)}]"
            try:
                kept[_key(key, where)] = _plain(value, where, 1)
            except _UnstorableError as problem:
                problems.append(f"{problem}; it was left out.")
            except Exception as error:  # noqa: BLE001 - see above
                problems.append(f"{where} cannot be read ({reason(error)}); it was left out.")
    except Exception as error:  # noqa: BLE001 - the mapping itself is foreign, too
        problems.append(f"The rest of the result cannot be read ({reason(error)}); it was left out.")
    problems += _dropped_to_fit(kept)
    n_more = len(problems) - _MOST_PROBLEMS
    return kept, [*problems[:_MOST_PROBLEMS], *([f"So it is with {n_more} more."] if n_more > 0 else [])]


def _plain(value: Any, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise _UnstorableError(f"{where[:200]} is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, np.generic | np.ndarray):
        if value.size > MAX_ITEMS:  # as Python objects it might not even fit into memory
            raise _UnstorableError(f"{where} has {value.size} items, more than fit into one document")
        # In microseconds they become dates; finer ones would become integers.
        value = (value.astype("datetime64[us]") if value.dtype.kind == "M" else value).tolist()
    # Subclasses take the plain type: whoever reads the value need not have the class.
    match value:
        case None | bool():
            return value
        case float() | np.floating():  # NumPy's longest floats have no Python form of their own
            return float(value)
        case bytes() | bytearray() | memoryview():
            return bytes(value)
        case int():
            if not -(2**63) <= value < 2**63:
                raise _UnstorableError(f"{where} is an integer beyond 64 bits")
            return int(value)
        case str():
            return _text(value)
        case datetime():
            return _date(value, where)
        case Mapping():
            return {_key(k, where): _plain(v, f"{where}[{shown(k)}]", depth + 1) for k, v in value.items()}
        case list() | tuple():
            return [_plain(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    raise _UnstorableError(f"{where} is a {_type_name(value)}, which the database cannot hold")


def _date(value: datetime, where: str) -> datetime:
    try:
        utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        whole = utc.replace(tzinfo=None).isoformat()
        return datetime.fromisoformat(whole).replace(tzinfo=UTC)
    except (OverflowError, TypeError, ValueError) as error:  # beyond the years 1 to 9999, or "not a time"
        raise _UnstorableError(f"{where} is a date that the database cannot hold") from error


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str | bool | int | float | np.generic):
        raise _UnstorableError(f"a key of {where} is a {_type_name(key)}, not text")
    text = _text(str(key))
    if "\0" in text:
        raise _UnstorableError(f"a key of {where} holds a NUL character")
    return text


def _text(text: str) -> str:
    """Make lone surrogates, which have no UTF-8 form, readable."""
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")


def _dropped_to_fit(kept: dict[str, Any]) -> Iterator[str]:
    """Remove the largest keys until the rest fits, and say which."""
    sizes = {key: 2 + len(key.encode()) + _size(value) for key, value in kept.items()}
    total = sum(sizes.values())
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if total <= MAX_BYTES:
            return
        total -= sizes[key]
        del kept[key]
        yield (
            f"result[{shown(key)}] takes {math.ceil(sizes[key] / 2**20)} MiB, and the result more than fits "
            f"into one document ({MAX_BYTES // 2**20} MiB); it was left out."
        )


def _size(value: Any) -> int:
    """Bytes that a plain value takes in a document, from above: each item has a tag and a key."""
    match value:
        case str():
            return 8 + len(value.encode())
        case bytes():
            return 8 + len(value)
        case dict():
            return 8 + sum(2 + len(k.encode()) + _size(v) for k, v in value.items())
        case list():
            return 8 + sum(2 + len(str(i)) + _size(v) for i, v in enumerate(value))
    return 12


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
