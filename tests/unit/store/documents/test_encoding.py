"""Converting values for storage and back."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from typing import Any

import numpy as np
import pytest
from bson import decode, encode
from bson.codec_options import CodecOptions
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.errors import StoreError
from hpsearch.store.documents.encoding import decoded, encoded

KEYS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5
) | st.sampled_from(["$ref", "$id", "$db", "$set", "a.b", "", "_id", "\N{FULLWIDTH DOLLAR SIGN}$ref"])
DATES = st.datetimes(timezones=st.just(UTC)).map(
    lambda d: d.replace(microsecond=d.microsecond // 1000 * 1000)
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | DATES
)
VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(KEYS, v, max_size=3), max_leaves=8
)


def stored(value: Any) -> Any:
    """Return a value after a round trip through BSON."""
    document = encode({"value": encoded(value, "value")})
    return decoded(decode(document, CodecOptions(tz_aware=False))["value"])


@given(VALUES)
def test_plain_values_survive_the_round_trip(value: Any) -> None:
    back = stored(value)

    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ((1, (2,)), [1, [2]]),
        (np.float64(0.5), 0.5),
        (np.int32(3), 3),
        (np.str_("a"), "a"),
        (StrEnum("Colour", {"RED": "red"})["RED"], "red"),
        (IntEnum("Level", {"HIGH": 3})["HIGH"], 3),
        ("\ud800x", "\\ud800x"),
        ({"\udfff": 1}, {"\\udfff": 1}),
        (bytearray(b"a"), b"a"),
        (datetime(2026, 1, 1, 0, 0, 0, 1999), datetime(2026, 1, 1, 0, 0, 0, 1000, UTC)),  # noqa: DTZ001
        (datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_almost_plain_values_become_plain(value: Any, plain: Any) -> None:
    assert stored(value) == plain
    assert type(stored(value)) is type(plain)


def test_nan_survives_the_round_trip() -> None:
    assert math.isnan(stored(float("nan")))


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ({"a": [0, {1}]}, r"^result\['a'\]\[1\] is a set"),
        ({"a": 2**63}, r"^result\['a'\] is an integer of more than 64 bits"),
        ({"a": 1j}, r"^result\['a'\] is a complex"),
        ({"a": {1: 2}}, r"^result\['a'\] has the key 1, which is not text"),
        ({"a\0b": 1}, r"^result has the key 'a\\x00b', which contains a NUL"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=2))), "outside the years"),
    ],
)
def test_an_unstorable_value_is_named(value: Any, match: str) -> None:
    with pytest.raises(StoreError, match=match):
        encoded(value, "result")


def test_a_recursive_value_is_refused() -> None:
    value: list[Any] = []
    value.append(value)

    with pytest.raises(StoreError, match="nested too deep"):
        encoded(value, "result")
