"""What is new in the output of a trial."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.report.output import new_output


@pytest.mark.parametrize(
    ("known", "present", "new"),
    [
        ("", "a\nb\n", "a\nb\n"),
        ("a\n", "a\nb\n", "b\n"),
        ("a\nb\n", "a\nb\n", ""),
        ("".join(f"{i}\n" for i in range(9999)), "9997\n9998\n9999\n", "9999\n"),
        ("one\n", "two\n", "[...]\ntwo\n"),
    ],
)
def test_only_what_is_not_known_is_new(known: str, present: str, new: str) -> None:
    assert new_output(known, present) == new


@given(st.lists(st.integers(0, 9), max_size=50), st.integers(1, 60))
def test_following_a_growing_window_loses_nothing_and_repeats_nothing(steps: list[int], kept: int) -> None:
    """Each look sees the last lines of output in which no line occurs twice, at least one of them known."""
    shown, n_lines = "", 0
    for step in steps:
        n_lines += min(step, kept - 1)
        lines = [f"line {i} of many\n" for i in range(n_lines)]
        shown += new_output(shown, "".join(lines[-kept:]))
    assert shown == "".join(f"line {i} of many\n" for i in range(n_lines))
