"""Every value of a result is stored, or left out with a sentence."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.objective import sanitize as module
from hpsearch.objective.sanitize import MAX_DEPTH, sanitized

plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_characters="\0", codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(plain_values)
def test_plain_values_do_not_change(value: Any) -> None:
    kept, problems = sanitized({"v": value})
    assert problems == []
    assert _shown(kept["v"]) == _shown(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(7), 7),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        ((1, (2, 3)), [1, [2, 3]]),
        ({1: "a"}, {"1": "a"}),
        (bytearray(b"ab"), b"ab"),
        ("lone \ud800 surrogate", "lone \\ud800 surrogate"),
    ],
)
def test_numpy_values_and_containers_become_plain(value: Any, expected: Any) -> None:
    kept, problems = sanitized({"v": value})
    assert kept["v"] == expected
    assert type(kept["v"]) is type(expected)
    assert problems == []


class Loss(float):
    """A number type of the user or of a library."""


class Moment(datetime):
    """A date type of the user."""


class Blob(bytes):
    """A bytes type of the user."""


class Count(int):
    """An integer type of the user, such as an ``IntEnum``."""


@pytest.mark.parametrize(
    "value", [Loss(0.5), Moment(2026, 1, 2, tzinfo=UTC), Blob(b"ab"), np.longdouble(0.5), Count(3)]
)
def test_subclasses_become_the_plain_type(value: Any) -> None:
    kept, problems = sanitized({"v": value, "list": [value]})
    assert problems == []
    assert kept["v"] == value
    assert type(kept["v"]) in {float, datetime, bytes, int}
    assert type(kept["list"][0]) is type(kept["v"])


def test_numpy_dates_of_any_resolution_become_dates() -> None:
    kept, _ = sanitized({"at": np.datetime64("2026-01-02T03:04:05.5", "ns"), "none": np.datetime64("NaT")})
    assert kept == {"at": datetime(2026, 1, 2, 3, 4, 5, 500_000, tzinfo=UTC), "none": None}


def test_a_date_outside_of_utcs_range_is_left_out_and_named() -> None:
    kept, problems = sanitized({"at": datetime.min.replace(tzinfo=timezone(timedelta(hours=2)))})
    assert kept == {}
    assert problems == ["result['at'] is a date outside the years 1 to 9999; it was left out."]


def test_an_array_that_cannot_fit_is_left_out_before_it_is_copied() -> None:
    endless = np.broadcast_to(np.zeros(1), (10**12,))
    kept, problems = sanitized({"weights": endless, "loss": 1.0})
    assert kept == {"loss": 1.0}
    assert "result['weights'] has 1000000000000 items" in problems[0]


def test_dates_become_utc_and_naive_ones_are_taken_as_utc() -> None:
    east = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    kept, _ = sanitized({"east": east, "naive": datetime(2026, 1, 1, 12)})  # noqa: DTZ001
    assert kept["east"] == datetime(2026, 1, 1, 10, tzinfo=UTC)
    assert kept["naive"] == datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "bad", [{1, 2}, object(), 2**63, -(2**63) - 1, 1j, lambda: 0, {(1, 2): 3}, {"a\0b": 1}]
)
def test_a_value_that_cannot_be_stored_is_left_out_and_named(bad: Any) -> None:
    kept, problems = sanitized({"loss": 1.0, "model": {"inner": bad}})
    assert kept == {"loss": 1.0}
    assert len(problems) == 1
    assert "model" in problems[0]


def test_endless_nesting_is_left_out_and_named() -> None:
    endless: dict[str, object] = {}
    endless["self"] = endless
    deep: list[object] = []
    for _ in range(MAX_DEPTH + 5):
        deep = [deep]
    kept, problems = sanitized({"endless": endless, "deep": deep, "loss": 1})
    assert kept == {"loss": 1}
    assert [p.startswith(f"result['{k}']") for k, p in zip(("endless", "deep"), problems, strict=True)] == [
        True
    ] * 2


def test_the_largest_keys_are_dropped_until_the_rest_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1000)
    kept, problems = sanitized({"loss": 1.0, "large": b"x" * 900, "huge": "y" * 5000})
    assert set(kept) == {"loss", "large"}
    assert "huge" in problems[0]


def _shown(value: object) -> str:
    """Compare by type and value, NaN included."""
    return json.dumps(value, default=repr) + str(isinstance(value, float) and math.copysign(1, value))
