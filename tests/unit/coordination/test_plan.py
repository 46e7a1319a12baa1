"""The decisions of a coordinator."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.coordination import plan
from hpsearch.coordination.plan import EndReason
from hpsearch.core.experiment import Budget


@pytest.mark.parametrize(
    ("limits", "n_finished", "best_loss", "after_s", "expected"),
    [
        ({"max_evals": 3}, 2, 0.0, 0, None),
        ({"max_evals": 3}, 3, None, 0, EndReason.MAX_EVALS),
        ({"loss_threshold": 0.5}, 1, 0.6, 0, None),
        ({"loss_threshold": 0.5}, 1, 0.5, 0, EndReason.LOSS_THRESHOLD),
        ({"loss_threshold": 0.5}, 1, None, 0, None),
        ({"timeout_s": 60.0}, 1, None, 59, None),
        ({"timeout_s": 60.0}, 1, None, 60, EndReason.TIMEOUT),
        ({}, 10**6, -1e300, 10**6, None),
    ],
)
def test_a_search_ends_at_the_first_limit_it_reaches(
    limits: dict[str, Any], n_finished: int, best_loss: float | None, after_s: int, expected: EndReason | None
) -> None:
    assert plan.end_reason(Budget(**limits), n_finished, best_loss, after_s) is expected


def test_a_search_without_points_is_over() -> None:
    limited = Budget(max_evals=100)
    assert plan.end_reason(limited, 3, 0.0, 0.0, is_exhausted=True) is EndReason.NO_MORE_POINTS


def test_a_search_that_is_not_worth_an_hour_more_is_over() -> None:
    assert plan.end_reason(Budget(until_worth=0.1), 50, 0.0, 0.0, is_worth=False) is EndReason.NOT_WORTH


def test_a_stopped_search_is_over_whatever_its_budget() -> None:
    assert plan.end_reason(Budget(max_evals=100), 0, None, 0.0, is_stopped=True) is EndReason.STOPPED


@given(
    max_evals=st.integers(1, 50),
    n_finished=st.integers(0, 50),
    n_open=st.integers(0, 50),
    n_pending=st.integers(0, 50),
    depth=st.integers(0, 200),
)
def test_no_batch_ever_exceeds_the_budget(
    max_evals: int, n_finished: int, n_open: int, n_pending: int, depth: int
) -> None:
    """Even with stale counts, finished and open trials never add up to more than max_evals."""
    n_new = plan.n_to_suggest(
        Budget(max_evals=max_evals), depth, n_pending=n_pending, n_finished=n_finished, n_open=n_open
    )
    assert 0 <= n_new <= max(0, max_evals - n_finished - n_open)


def test_the_queue_holds_a_trial_for_each_free_slot_and_the_reserve() -> None:
    depth = plan.queue_depth(n_free=3, reserve=2)
    assert plan.n_to_suggest(Budget(), depth, n_pending=1) == 3 + 2 - 1


def test_a_full_queue_gets_nothing_so_that_suggestions_stay_fresh() -> None:
    depth = plan.queue_depth(n_free=2, reserve=1)
    assert plan.n_to_suggest(Budget(), depth, n_pending=9, n_open=9, n_finished=9) == 0


@given(st.integers(-50, 100), st.integers(1, 100), st.integers(0, 100))
def test_the_queue_is_never_shorter_than_the_reserve_or_its_minimum(
    n_free: int, reserve: int, min_pending: int
) -> None:
    assert plan.queue_depth(n_free=n_free, reserve=reserve, min_pending=min_pending) >= max(
        reserve, min_pending
    )


@given(st.floats(0, 1e4), st.floats(0, 10))
def test_the_reserve_lasts_until_the_next_poll(rate_per_s: float, cycle_s: float) -> None:
    assert plan.reserve_for(rate_per_s, cycle_s) >= max(1, rate_per_s * cycle_s)


@given(st.floats(0, 1e6), st.integers(0, 10**6))
def test_the_time_between_two_polls_is_bounded(rate_per_s: float, n_open: int) -> None:
    assert plan.MIN_POLL_S <= plan.min_poll(n_open) <= plan.MAX_POLL_S
    assert plan.min_poll(n_open) <= plan.poll_after(rate_per_s, n_open) <= plan.MAX_POLL_S


@given(st.integers(0, 10**4))
def test_polls_ask_for_at_most_ten_thousand_open_trials_a_second(n_open: int) -> None:
    assert n_open / plan.min_poll(n_open) <= 10_000


def test_leases_expire_only_after_two_renewal_periods_of_contact() -> None:
    assert not plan.may_expire(contact_s=29.9, lease_s=60)
    assert plan.may_expire(contact_s=30.0, lease_s=60)
