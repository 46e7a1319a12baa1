"""Documents as lines of extended JSON."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import bson
import pytest
from bson import Int64, ObjectId
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.errors import BackupError
from hpsearch.store.mongo.backup_records import Kind, Record
from hpsearch.store.mongo.extended_json import line_of, records_of

#: Keys of extended JSON that a user's result may have, too.
MARKS = [
    "$date",
    "$oid",
    "$numberInt",
    "$numberDouble",
    "$binary",
    "$ref",
    "$id",
    "$$date",
    "$uuid",
    "$",
    "$$",
]

keys = st.sampled_from(MARKS) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
#: Naive and in milliseconds, as the driver returns them.
dates = st.datetimes().map(lambda date: date - timedelta(microseconds=date.microsecond % 1000))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.integers(-(2**31), 2**31 - 1).map(Int64)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | dates
    | st.binary(min_size=12, max_size=12).map(ObjectId)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(keys, values, max_size=6))
def test_a_document_survives_the_round_trip_as_the_same_bson(document: dict[str, Any]) -> None:
    """Compare as BSON, which distinguishes NaN, minus zero, and integers of 32 and 64 bits."""
    line = line_of(Record(Kind.TRIAL, document))
    (back,) = records_of([line])
    assert back.kind is Kind.TRIAL
    assert bson.encode(normal(back.document)) == bson.encode(normal(document))
    assert line.count(b"\n") == 1


def normal(value: Any) -> Any:
    """Return a value with every NaN replaced by the one that extended JSON can write."""
    match value:
        case float() if math.isnan(value):
            return math.nan
        case dict():
            return {key: normal(item) for key, item in value.items()}
        case list():
            return [normal(item) for item in value]
    return value


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"nonsense",
        b'{"kind": "trial"',
        b"\xff",
        b"[]",
        b"{}",
        b'{"kind": "trial"}',
        b'{"kind": "other", "document": {}}',
        b'{"kind": "trial", "document": 3}',
        b'{"kind": "trial", "document": {"a": {"$oid": "short"}}}',
        b'{"kind": "trial", "document": {"a": {"$date": "never"}}}',
        b'{"kind": "trial", "document": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    ],
)
def test_an_invalid_record_is_named_by_its_line(line: bytes) -> None:
    whole = line_of(Record(Kind.END, {}))
    with pytest.raises(BackupError, match=r"^Line 2 of the backup is corrupt: "):
        list(records_of([whole, line]))
