"""Values, names and errors as short text on one line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.runtime.escaping import UNSHOWABLE, escaped, named, one_line, printable, reason, shown


def test_a_name_is_shown_whole_where_a_value_is_cut() -> None:
    path = f"/data/{'experiments/' * 20}search.py"
    assert named(path) == repr(path)
    assert shown(path).endswith("...")
    assert len(named("x" * 10_000)) <= 300


def test_the_path_in_an_error_is_shown_whole() -> None:
    path = f"/data/{'experiments/' * 20}missing.csv"
    assert path in reason(FileNotFoundError(2, "No such file or directory", path))


@pytest.mark.fuzz
@given(st.text())
def test_any_text_becomes_one_line_without_control_characters(text: str) -> None:
    for line in (shown(text), named(text), escaped(text), one_line(text, 50), reason(ValueError(text))):
        assert not {"\n", "\t"}.intersection(line)
        assert UNSHOWABLE.search(line) is None
        line.encode()


@pytest.mark.parametrize(
    "character", "\x1b\x9b\r\xad\u061c\u200b\u200d\u200e\u202e\u2060\u2069\ufeff\U000e0041"
)
def test_invisible_and_bidirectional_characters_are_escaped(character: str) -> None:
    code = ord(character)
    escape = f"\\U{code:08x}" if code > 0xFFFF else f"\\u{code:04x}" if code > 0xFF else f"\\x{code:02x}"
    assert printable(f"a{character}损").replace(r"\r", r"\x0d") == f"a{escape}损"
    assert one_line(f"a{character}b", 10) == "a b"


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"])))
def test_harmless_text_is_unchanged(text: str) -> None:
    assert printable(f"{text}\n\t{text}") == f"{text}\n\t{text}"
    assert escaped(text) == text
