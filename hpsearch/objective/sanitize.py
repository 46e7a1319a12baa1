"""Converts the result of an objective into values that a database can store.

Values become plain (``core.plain_values``), NumPy arrays become lists, and numeric keys become text. A value
without such a form (a model, a set, an integer beyond 64 bits) is left out and reported, so that it never
costs the loss.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from hpsearch.core.plain_values import UnstorableError, plain_key, plain_value
from hpsearch.runtime.escaping import reason, shown

#: The deepest nesting. MongoDB refuses deeper documents, and a result is two levels below the top of its own.
MAX_DEPTH = 90
#: The largest result, in bytes. A document may have 16 MiB; the rest is for reports, errors and the log.
MAX_BYTES = 12 * 1024 * 1024

#: The largest array that may fit: each item takes at least a tag, an index and a value.
MAX_ITEMS = MAX_BYTES // 4

#: The largest number of sentences about what was left out.
_MAX_PROBLEMS = 20


def sanitized(result: Mapping[Any, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the storable part of a result, and a sentence for each key that was left out.

    Objects in the result may raise anything when they are read; only their key is then left out.

    Parameters
    ----------
    result : mapping
        What the objective returned.

    Returns
    -------
    dict
        Nested dicts and lists of None, bool, int, float, str, bytes and aware datetimes.
    list of str
        One sentence for each top-level key, or part of one, that is left out; at most 20, then their number.
    """
    kept: dict[str, Any] = {}
    problems: list[str] = []
    try:
        for key, value in result.items():
            try:
                kept |= plain_value({key: value}, MAX_DEPTH, _key, _without_numpy)
            except UnstorableError as error:
                problems.append(f"{error.at('result')}; it was left out.")
            except Exception as error:  # noqa: BLE001 - see above
                problems.append(f"result[{shown(key)}] cannot be read ({reason(error)}); it was left out.")
    except Exception as error:  # noqa: BLE001 - the mapping itself is foreign, too
        problems.append(f"The rest of the result cannot be read ({reason(error)}); it was left out.")
    problems += _drop_until_it_fits(kept)
    n_more = len(problems) - _MAX_PROBLEMS
    return kept, [*problems[:_MAX_PROBLEMS], *([f"{n_more} more were left out."] if n_more > 0 else [])]


def _without_numpy(value: Any) -> Any:
    """Return NumPy's scalars and arrays as Python's numbers and lists."""
    if not isinstance(value, np.generic | np.ndarray):
        return value
    if value.size > MAX_ITEMS:  # as Python objects they might not fit into memory
        raise UnstorableError(
            f"has {value.size} items, more than fit into one document", "store it as an attachment"
        )
    # Dates in microseconds become datetimes; finer ones would become integers.
    return (value.astype("datetime64[us]") if value.dtype.kind == "M" else value).tolist()


def _key(key: Any) -> str:
    return plain_key(str(key) if isinstance(key, bool | int | float | np.generic) else key)


def _drop_until_it_fits(kept: dict[str, Any]) -> Iterator[str]:
    """Remove the largest keys until the rest fits; yield a sentence for each."""
    sizes = {key: 2 + len(key.encode()) + _size(value) for key, value in kept.items()}
    total = sum(sizes.values())
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if total <= MAX_BYTES:
            return
        total -= sizes[key]
        del kept[key]
        yield (
            f"result[{shown(key)}] takes {math.ceil(sizes[key] / 2**20)} MiB, and the result does not fit "
            f"into one document ({MAX_BYTES // 2**20} MiB); it was left out."
        )


def _size(value: Any) -> int:
    """Upper bound of the size of a plain value in a document, in bytes: each item has a tag and a key."""
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
