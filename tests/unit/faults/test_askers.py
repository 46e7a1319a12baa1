"""What the run of askers counts as broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hpsearch.core.trial import State, Trial
from tests.faults.askers import Line, broken_promises


def done(tid: int, attempt: int = 1) -> Trial:
    result = {"loss": 0.5, "attempt": attempt}
    return Trial(exp_key="s", tid=tid, values={"x": 0.5}, state=State.DONE, loss=0.5, result=result)


TRIALS = [done(0), done(1, attempt=2)]
#: Attempt 1 of trial 1 was killed.
LINES = [
    Line("ask", 0, 1),
    Line("acknowledged", 0, 1),
    Line("ask", 1, 1),
    Line("ask", 1, 2),
    Line("acknowledged", 1, 2),
]


def test_nothing_is_broken_if_all_is_there_once() -> None:
    assert broken_promises(TRIALS, LINES, [0, 0], 2) == []


@pytest.mark.parametrize(
    ("trials", "lines", "codes", "words"),
    [
        (TRIALS[:1], LINES[:2], [0], "There are 1 trials"),
        ([TRIALS[0], replace(TRIALS[1], state=State.FAILED)], LINES, [0], "Trial 1 is failed."),
        ([TRIALS[0], replace(TRIALS[1], loss=0.25)], LINES, [0], "Trial 1 has the loss 0.25."),
        (TRIALS, [*LINES, Line("acknowledged", 1, 1)], [0], "Trial 1 was acknowledged 2 times."),
        (
            TRIALS,
            [*LINES[:-1], Line("acknowledged", 1, 1)],
            [0],
            "Trial 1 was acknowledged in attempt 1, but",
        ),
        (TRIALS, LINES, [0, 1], "An asker ended with 1."),
    ],
)
def test_each_broken_promise_is_named(
    trials: list[Trial], lines: list[Line], codes: list[int], words: str
) -> None:
    assert any(sentence.startswith(words) for sentence in broken_promises(trials, lines, codes, 2))
