"""Liveness and readiness."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.runtime.health.probes import OUT_OF_CONTACT_S, liveness, readiness
from hpsearch.runtime.health.stats import Contact


def contact(age_s: float) -> Contact:
    return Contact(age_s=age_s, n_reconnects=0)


def test_a_process_is_alive_while_no_loop_is_stalled() -> None:
    assert liveness({}).is_ok
    answer = liveness({"slot-1": 130.4, "heartbeat": 125.0})
    assert not answer.is_ok
    assert answer.sentence == "stalled: heartbeat for 125 s, slot-1 for 130 s"


@pytest.mark.parametrize(
    ("age_s", "is_leaving", "expected"),
    [
        (None, False, "starting: has not reached MongoDB yet"),
        (OUT_OF_CONTACT_S + 1, False, "MongoDB has not responded for 31 s"),
        (0.0, True, "leaving: takes no new work"),
    ],
)
def test_a_process_that_cannot_work_is_not_ready_for_a_reason(
    age_s: Any, is_leaving: bool, expected: str
) -> None:
    answer = readiness(None if age_s is None else contact(age_s), is_leaving=is_leaving)
    assert (answer.is_ok, answer.sentence) == (False, expected)


def test_a_process_whose_user_is_refused_is_not_ready() -> None:
    refused = Contact(age_s=0.0, n_reconnects=0, refused_s=42.4)
    answer = readiness(refused, is_leaving=False)
    assert (answer.is_ok, answer.sentence) == (False, "MongoDB has refused this user for 42 s")


def test_a_process_is_ready_until_its_database_is_silent_for_too_long() -> None:
    assert readiness(contact(OUT_OF_CONTACT_S), is_leaving=False).is_ok
