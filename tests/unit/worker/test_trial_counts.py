"""Counts of trials across the slots of a worker."""

from __future__ import annotations

from hpsearch.core.worker import Worker, WorkerState
from hpsearch_worker.trial_counts import Outcome, Tally

THREAD_WORKER = Worker(name="w", host="h", pid=1)


def test_no_more_trials_are_claimed_than_allowed_and_unused_reservations_return() -> None:
    tally = Tally(THREAD_WORKER, max_trials=2)
    assert [tally.reserve_trial(), tally.reserve_trial()] == [True, True]
    tally.return_reservation()
    assert [tally.reserve_trial(), tally.reserve_trial()] == [True, False]


def test_a_refused_reservation_does_not_use_up_another() -> None:
    """With more slots than trials left, a slot can use the reservation that another returns."""
    tally = Tally(THREAD_WORKER, max_trials=1)
    assert [tally.reserve_trial(), tally.reserve_trial(), tally.reserve_trial()] == [True, False, False]
    tally.return_reservation()
    assert tally.reserve_trial()


def test_no_trial_is_claimed_after_the_time_for_claims() -> None:
    now = [100.0]
    tally = Tally(THREAD_WORKER, claim_for_s=5.0, clock=lambda: now[0])
    now[0] = 104.9
    assert tally.reserve_trial()
    now[0] = 105.0
    assert not tally.reserve_trial()


def test_a_worker_is_idle_only_while_none_of_its_slots_holds_a_trial() -> None:
    now = [0.0]
    tally = Tally(THREAD_WORKER, clock=lambda: now[0])
    now[0] = 5.0
    assert tally.idle_s() == 5.0
    tally.begin()
    tally.begin()
    tally.end(None)
    now[0] = 60.0
    assert tally.n_busy
    assert tally.idle_s() == 0.0
    tally.end(None)
    now[0] = 61.0
    assert not tally.n_busy
    assert tally.idle_s() == 1.0


def test_without_a_limit_there_is_always_one_more() -> None:
    tally = Tally(THREAD_WORKER)
    assert all(tally.reserve_trial() for _ in range(100))


def test_a_worker_is_busy_while_it_evaluates_and_draining_when_it_leaves() -> None:
    tally = Tally(THREAD_WORKER)
    assert tally.worker().state is WorkerState.IDLE
    tally.begin()
    assert tally.worker().state is WorkerState.BUSY
    assert tally.worker(is_draining=True).state is WorkerState.DRAINING


def test_only_failures_in_a_row_add_up_and_trials_without_a_result_do_not_break_the_row() -> None:
    tally = Tally(THREAD_WORKER)
    for outcome in (Outcome.FAILED, Outcome.DONE, Outcome.FAILED, None, Outcome.LOST, Outcome.FAILED):
        tally.begin()
        tally.end(outcome)
    assert tally.n_consecutive_failures == 2
    assert (tally.worker().n_done, tally.worker().n_failed) == (1, 3)
    assert {outcome: n for outcome, n in tally.outcomes().items() if n} == {"done": 1, "failed": 3, "lost": 1}
