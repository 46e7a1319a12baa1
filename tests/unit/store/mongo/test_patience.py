"""How long a process repeats a call while MongoDB is away or refuses its user."""

from __future__ import annotations

from hpsearch.store.mongo.patience import Patience


def test_patience_ends_after_its_seconds() -> None:
    patience = Patience(2.0)
    assert patience.while_away(1.9)
    assert not patience.while_away(2.0)


def test_patience_ends_when_the_process_needs_no_answer() -> None:
    assert not Patience(2.0, may_wait=lambda: False).while_away(0.0)


def test_a_refusal_is_raised_at_once_by_default() -> None:
    assert not Patience(2.0).while_refused(0.0)


def test_once_a_refusal_has_lasted_too_long_no_call_waits_again() -> None:
    patience = Patience(8.0, 10.0)
    asked = [patience.while_refused(seconds) for seconds in (0.0, 7.9, 8.0, 0.0, 10.0, 0.0)]
    assert asked == [True, True, False, True, False, False]


def test_a_thread_that_serves_others_does_not_wait_for_access() -> None:
    patience = Patience(8.0, 10.0)
    patience.waits_for_access = lambda: False
    assert not patience.while_refused(0.0)
    assert patience.while_away(0.0)
