"""Hostile values, and documents with one field edited by hand."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from hypothesis import strategies as st

Document = dict[str, Any]

#: What an altered field is replaced with; ``MISSING`` removes it.
MISSING = object()


def nested(levels: int) -> Any:
    """Return lists and objects in turn, so many levels deep; MongoDB holds 180 in a document."""
    value: Any = 1
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


TEXTS = st.sampled_from(
    [
        "",
        "x",
        "$set",
        "$$ROOT",
        "a.b",
        "\0",
        "\N{PILE OF POO}",
        "\n\x1b[31mred",
        "/",
        "e/000001",
        "x" * 100_000,
    ]
) | st.text(st.characters(codec="utf-8"), max_size=5)

HOSTILE = (
    st.just(MISSING)
    | st.none()
    | st.booleans()
    | st.sampled_from([-1, 0, 1, 2**31, Int64(2**63 - 1), Int64(-(2**63)), 99])
    | st.sampled_from([0.5, -1.0, 1e300, float("nan"), float("inf"), float("-inf")])
    | TEXTS
    | st.binary(max_size=4)
    | st.sampled_from([[], [1], {}, {"a": 1}, {"$ref": "x"}, [[]], nested(100)])
    | st.sampled_from([MinKey(), MaxKey(), ObjectId("0" * 24), Decimal128("1"), Regex("a"), Timestamp(1, 1)])
    | st.datetimes()
)


def places(document: Mapping[str, Any], path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every field of a document, but of its identifier."""
    for name, value in document.items():
        if (*path, name) == ("_id",):
            continue
        yield (*path, name)
        if isinstance(value, dict):
            yield from places(value, (*path, name))
        elif isinstance(value, list):
            for i, item in enumerate(value):
                if isinstance(item, dict):
                    yield from places(item, (*path, name, i))


def altered(document: Document, place: tuple[Any, ...], value: Any) -> Document:
    """Return a document with another value at a place."""
    whole = copy.deepcopy(document)
    here: Any = whole
    for step in place[:-1]:
        here = here[step]
    if value is MISSING:
        del here[place[-1]]
    else:
        here[place[-1]] = value
    return whole
