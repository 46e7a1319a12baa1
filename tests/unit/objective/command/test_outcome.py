"""What a command says about its trial."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hpsearch.core.trial import Failure, FailureKind, Report
from hpsearch.objective.command.outcome import failure_of, report_in, result_in


@pytest.mark.parametrize(
    ("file", "line", "result"),
    [
        (None, b"0.25\n", 0.25),
        (None, b'  {"loss": 1, "accuracy": 0.5}', {"loss": 1, "accuracy": 0.5}),
        (None, b"1e-05", 1e-05),
        (None, b"-inf", -math.inf),
        (b'{"loss": 2}', b"epoch 3 of 3", {"loss": 2}),
        (b"3", b"4", 3),
    ],
)
def test_a_result_is_the_file_or_the_last_line(file: bytes | None, line: bytes, result: Any) -> None:
    assert result_in(file, line) == result


def test_a_loss_that_is_not_a_number_is_returned() -> None:
    assert math.isnan(result_in(None, b"NaN"))


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        (None, b"loss=0.5", "its last line is 'loss=0.5'; print the loss"),
        (None, b"", "its last line is empty"),
        (None, b"true", "its last line is 'true'"),
        (None, b"[1]", "its last line is '[1]'"),
        (b"", b"0.5", "its result file is empty"),
        (None, b"\xff\xfe" * 1000, "its last line is "),
    ],
)
def test_anything_else_is_no_result(file: bytes | None, line: bytes, words: str) -> None:
    failure = result_in(file, line)
    assert isinstance(failure, Failure)
    assert failure.kind is FailureKind.INVALID_RESULT
    assert words in failure.message
    assert len(failure.message) < 500


def test_a_line_with_step_and_value_is_a_report() -> None:
    assert report_in(b'{"step": 3, "value": 0.4}\n') == Report(step=3.0, value=0.4)
    for line in (
        b'{"step": 3}',
        b'{"step": 3, "value": "x"}',
        b'{"step": 1, "value": 2, "loss": 3}',
        b"{",
        b"1",
    ):
        assert report_in(line) is None


def test_an_exit_code_or_a_signal_is_a_failure() -> None:
    assert failure_of(0) is None
    exited, killed = failure_of(4), failure_of(-11)
    assert (exited.kind, exited.exit_code) == (FailureKind.EXIT, 4)
    assert (killed.kind, killed.signal) == (FailureKind.SIGNAL, "SIGSEGV")
