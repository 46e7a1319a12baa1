"""The output of evaluations is echoed line by line, without terminal control characters."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch.runtime.escaping import UNSHOWABLE, printable
from hpsearch_worker.output import Output

Echo = Callable[[Sequence[bytes]], str]


@pytest.fixture
def echo(capsys: pytest.CaptureFixture[str]) -> Echo:
    """Return a function that echoes pieces of output, and returns them without the prefix of the trial."""

    def passed_on(pieces: Sequence[bytes]) -> str:
        output = Output(echo=True)
        output.begin("search/000007")
        for piece in pieces:
            os.write(output.write_fd, piece)
            output.read()
        output.close_write_end()
        output.close()
        lines = capsys.readouterr().err.splitlines(keepends=True)
        assert all(line.startswith("[search/000007] ") for line in lines)
        return "".join(line.removeprefix("[search/000007] ") for line in lines)

    return passed_on


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b]0;title\x07\x1b[2J", r"\x1b]0;title\x07\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("user\u202etxt.exe\u2066", r"user\u202etxt.exe\u2066"),
        ("pay\u200bpal\u2060\ufeff\u00ad", r"pay\u200bpal\u2060\ufeff\xad"),
        ("hidden\U000e0041", r"hidden\U000e0041"),
        ("two\u2028lines\x85", r"two\u2028lines\x85"),
    ],
)
def test_control_characters_and_invisible_characters_are_escaped(
    echo: Echo, written: str, shown: str
) -> None:
    assert echo([f"{written}\n".encode()]) == f"{shown}\n"


def test_ordinary_text_stays_as_it_is(echo: Echo) -> None:
    text = "epoch\t1 | loss 0.5 ≤ 1 | größer, 损失, خسارة, 👍🏽 ███▎\n\n  done\n"

    assert echo([text.encode()]) == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="ab\n\t\x1b\x9bé\u202e\u200b损🎉\U000e0041"), st.lists(st.integers(0, 60)))
def test_the_text_may_be_cut_anywhere(echo: Echo, text: str, cuts: list[int]) -> None:
    written = text.encode()
    places = [0, *sorted(min(cut, len(written)) for cut in cuts), len(written)]
    pieces = [written[a:b] for a, b in pairwise(places) if a < b]

    assert echo(pieces).removesuffix("\n") == printable(text).removesuffix("\n")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary())
def test_no_bytes_control_the_terminal(echo: Echo, written: bytes) -> None:
    assert UNSHOWABLE.search(echo([written])) is None


def test_an_incomplete_character_does_not_reach_the_next_trial(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = Output(echo=True)
    output.begin("a")
    os.write(output.write_fd, "cut ü".encode()[:-1])
    output.begin("b")
    os.write(output.write_fd, "ü\n".encode())
    output.read()
    output.close_write_end()
    output.close()

    assert capsys.readouterr().err == "[a] cut \ufffd\n[b] ü\n"


def test_a_progress_bar_shows_its_first_and_its_last_state(echo: Echo) -> None:
    written = "\r".join(f"{n}%" for n in range(101))

    assert echo([f"\r{written}\nnext\n".encode()]) == "0%\n100%\nnext\n"


@pytest.mark.parametrize("written", ["one\rtwo\n", "one\r\ntwo\r\n", "\rone\r\rtwo\n"])
def test_a_carriage_return_hides_nothing(echo: Echo, written: str) -> None:
    assert echo([written.encode()]) == "one\ntwo\n"


def test_a_long_line_is_cut_between_characters(echo: Echo) -> None:
    text = "损" * 100_000

    passed_on = echo([text.encode()[i : i + 1000] for i in range(0, 300_000, 1000)])

    assert passed_on.count("\n") > 1
    assert passed_on.replace("\n", "") == text
