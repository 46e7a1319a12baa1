"""What ``store/protocol.py`` promises, number by number, on memory and on a real mongod."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hpsearch.errors import (
    ExperimentAtWorkError,
    ExperimentMismatchError,
    LeaseLostError,
    NotFoundError,
    StoreError,
    TrialExistsError,
)
from hpsearch.experiment import UNDECIDED, Algorithm, Budget, Defaults, ExperimentState, ObjectiveRef
from hpsearch.fleet import Worker, WorkerState
from hpsearch.store.protocol import Hold, TrialStore
from hpsearch.trial import Failure, FailureKind, Report, Result, State, Trial
from tests.integration.store.conftest import WORKER, Bench

DONE = Result(loss=1.0, result={"loss": 1.0, "status": "ok"}, duration_s=2.5)
FAILED = Result(loss=None, error=Failure(kind=FailureKind.EXCEPTION, message="boom", type="ValueError"))
ODD_LABELS = {"a.b": 1, "$lr": 2, "$ref": 3, "": 4, "\N{FULLWIDTH DOLLAR SIGN}$ref": 5, "ü x\n": 6.5}


# 1. Insert is idempotent


def test_inserted_trials_are_pending_under_the_stores_time(bench, store):
    before = store.now()

    bench.insert(2, params={"x": "a"}, origin="tpe", max_attempts=5, lease_s=7.5)

    trial = store.trial(bench.exp_key, 1)
    assert (trial.state, trial.attempt, trial.owner) == (State.PENDING, 0, None)
    assert (trial.values, trial.params, trial.origin) == ({"x": 0.5}, {"x": "a"}, "tpe")
    assert (trial.max_attempts, trial.lease_s) == (5, 7.5)
    assert before <= trial.created_at <= store.now()


def test_repeating_a_batch_changes_nothing(bench, store):
    trials = bench.insert(3)
    done = bench.claim()
    store.finish(done, DONE)
    bench.claim()
    before = list(store.trials(bench.exp_key))

    store.insert(trials)

    assert list(store.trials(bench.exp_key)) == before


def test_a_batch_that_was_written_in_part_is_completed(bench, store):
    trials = bench.insert(2)

    store.insert([*trials, bench.trial(2), bench.trial(3)])

    assert [t.tid for t in store.trials(bench.exp_key)] == [0, 1, 2, 3]


def test_a_batch_with_holes_in_what_is_there_is_completed(bench, store):
    trials = [bench.trial(tid) for tid in range(6)]
    store.insert([trials[1], trials[4]])

    store.insert(trials)

    assert [t.tid for t in store.trials(bench.exp_key)] == list(range(6))


def test_another_point_under_the_same_number_is_refused_and_nothing_is_written_from_there_on(bench, store):
    bench.insert(2)
    other = bench.trial(1, values={"x": 99.0})

    with pytest.raises(TrialExistsError, match=other.id):
        store.insert([bench.trial(0), other, bench.trial(2)])

    assert [t.values for t in store.trials(bench.exp_key)] == [{"x": 0.0}, {"x": 0.5}]


def test_labels_may_be_any_text_but_nul(bench, store):
    bench.insert(values=ODD_LABELS, params={label: [label] for label in ODD_LABELS})

    trial = bench.claim()
    assert trial.values == ODD_LABELS
    assert trial.params == {label: [label] for label in ODD_LABELS}
    with pytest.raises(StoreError, match="NUL"):
        store.insert([bench.trial(1, values={"a\0b": 1})])


# 2. Claimed by exactly one


def test_a_claim_says_who_holds_the_trial_and_until_when(bench, store):
    bench.insert(lease_s=30)

    trial = bench.claim("token")

    assert (trial.state, trial.attempt, trial.owner, trial.worker) == (
        State.RUNNING,
        1,
        f"{bench.exp_key}:token",
        WORKER.holder,
    )
    assert trial.claimed_at == trial.heartbeat_at <= store.now()
    assert (trial.lease_until - trial.claimed_at).total_seconds() == 30
    assert trial == bench.read(trial)


def test_racing_claims_never_take_the_same_trial(bench, store):
    bench.insert(40)

    def take_all(_: int) -> list[int]:
        taken = []
        while trial := store.claim(WORKER, bench.token(), [bench.exp_key]):
            taken.append(trial.tid)
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [tid for tids in pool.map(take_all, range(8)) for tid in tids]

    assert sorted(taken) == list(range(40))


def test_repeating_a_claim_returns_the_same_trial_while_others_wait(bench, store):
    bench.insert(3)
    first = bench.claim("token")

    assert bench.claim("token") == first
    assert store.counts(bench.exp_key)[State.RUNNING] == 1


def test_repeating_a_claim_returns_the_same_trial_when_the_queue_is_empty(bench):
    bench.insert(1)
    first = bench.claim("token")

    assert bench.claim("token") == first


def test_there_is_nothing_to_claim_where_nothing_is_pending(bench, store):
    bench.insert(1)
    bench.claim()

    assert store.claim(WORKER, "other", [bench.exp_key]) is None
    assert store.claim(WORKER, "other", ["nowhere"]) is None
    assert store.claim(WORKER, "other", []) is None


# 3. Priority, then the lowest number


def test_the_queue_is_by_priority_then_number(bench, store):
    priorities = [0, 5, 0, 5, -1]
    store.insert([bench.trial(tid, priority=p) for tid, p in enumerate(priorities)])

    assert [bench.claim().tid for _ in priorities] == [1, 3, 0, 2, 4]


def test_a_trial_that_was_given_back_has_its_old_place(bench, store):
    bench.insert(3)
    first = bench.claim()
    bench.claim()
    store.release(first, "draining")

    assert bench.claim().tid == 0


def test_priority_holds_across_experiments(bench, store):
    other = replace(bench, exp_key=bench.exp_key + "-b")
    bench.insert(1)
    store.insert([other.trial(0, priority=1)])
    keys = [bench.exp_key, other.exp_key]

    claimed = [store.claim(WORKER, bench.token(), keys) for _ in keys]

    assert [trial.exp_key for trial in claimed] == [other.exp_key, bench.exp_key]


# 4. Renewal


def test_a_renewal_extends_the_lease_of_its_holder(bench, store):
    bench.insert(lease_s=20)
    trial = bench.claim()
    bench.outlast(trial.claimed_at)

    assert store.renew(trial) is Hold.HELD

    renewed = bench.read(trial)
    assert renewed.heartbeat_at > trial.heartbeat_at
    assert (renewed.lease_until - renewed.heartbeat_at).total_seconds() == 20


def test_a_renewal_tells_the_holder_of_a_cancelled_trial(bench, store):
    bench.insert()
    trial = bench.claim()
    store.cancel(bench.exp_key, {State.RUNNING})

    assert store.renew(trial) is Hold.CANCELLED


def test_a_trial_that_another_claimed_is_lost(bench, store):
    bench.insert(lease_s=0)
    stale = bench.claim()
    bench.lose(stale)
    fresh = bench.claim()

    assert store.renew(stale) is Hold.LOST
    store.cancel(bench.exp_key, {State.RUNNING})
    assert store.renew(stale) is Hold.LOST
    assert store.renew(fresh) is Hold.CANCELLED


def test_a_finished_trial_is_lost_to_renewals(bench, store):
    bench.insert()
    trial = bench.claim()
    store.finish(trial, DONE)

    assert store.renew(trial) is Hold.LOST
    assert bench.read(trial).state is State.DONE


def test_a_renewal_takes_up_an_expired_trial_that_nobody_claimed(bench, store):
    """A worker that was suspended goes on with its evaluation instead of throwing it away."""
    bench.insert(lease_s=0)
    trial = bench.claim()
    bench.lose(trial)

    assert store.renew(trial) is Hold.HELD
    assert bench.read(trial).state is State.RUNNING
    assert store.claim(WORKER, "other", [bench.exp_key]) is None


# 5. Only the holder


def test_a_finish_writes_the_whole_result(bench, store):
    bench.insert()
    trial = bench.claim()
    error = Failure(kind=FailureKind.UNSTORABLE, message="part", exit_code=3, log_tail="…")

    store.finish(trial, replace(DONE, error=error))

    done = bench.read(trial)
    assert (done.state, done.loss, done.result) == (State.DONE, 1.0, DONE.result)
    assert (done.error, done.duration_s, done.owner) == (error, 2.5, trial.owner)
    assert (done.lease_until, done.worker, done.attempt) == (None, WORKER.holder, 1)
    assert trial.claimed_at <= done.finished_at <= store.now()


def test_a_failed_evaluation_has_an_error_and_no_loss(bench, store):
    bench.insert()
    trial = bench.claim()

    store.finish(trial, FAILED)

    failed = bench.read(trial)
    assert (failed.state, failed.loss, failed.error) == (State.FAILED, None, FAILED.error)


@pytest.mark.parametrize("loss", [float("inf"), float("-inf"), 0.0, 5])
def test_every_loss_but_nan_is_a_loss(bench, store, loss):
    bench.insert()
    trial = bench.claim()

    store.finish(trial, Result(loss=loss))

    assert bench.read(trial).loss == loss


def test_a_nan_loss_is_refused_and_the_trial_stays_held(bench, store):
    bench.insert()
    trial = bench.claim()

    with pytest.raises(StoreError, match="NaN"):
        store.finish(trial, Result(loss=float("nan")))

    assert bench.read(trial) == trial


def test_what_cannot_be_stored_is_named_and_nothing_is_written(bench, store):
    bench.insert()
    trial = bench.claim()

    with pytest.raises(StoreError, match=r"result\.model\[1\] is a object"):
        store.finish(trial, Result(loss=1.0, result={"fine": 1, "model": [0, object()]}))

    assert bench.read(trial) == trial
    store.finish(trial, DONE)


def test_repeating_ones_own_finish_succeeds_and_changes_nothing(bench, store):
    bench.insert()
    trial = bench.claim()
    store.finish(trial, DONE)
    first = bench.read(trial)

    store.finish(trial, replace(DONE, loss=-9.0))
    store.finish(trial, FAILED)

    assert bench.read(trial) == first


def test_a_stale_holder_changes_nothing(bench, store):
    """A worker whose lease expired must not touch what the new holder does."""
    bench.insert(lease_s=0)
    stale = bench.claim()
    bench.lose(stale)
    fresh = bench.claim()
    before = bench.read(fresh)

    for attempt in (
        lambda: store.finish(stale, DONE),
        lambda: store.report(stale, [Report(step=1, value=1)]),
        lambda: store.release(stale, "draining"),
    ):
        with pytest.raises(LeaseLostError, match=stale.id):
            attempt()

    assert bench.read(fresh) == before
    store.finish(fresh, replace(DONE, loss=3.0))
    with pytest.raises(LeaseLostError):
        store.finish(stale, DONE)
    assert bench.read(fresh).loss == 3.0


def test_a_guessed_attempt_is_not_enough(bench, store):
    bench.insert()
    trial = bench.claim("token")

    with pytest.raises(LeaseLostError):
        store.finish(replace(trial, owner="other"), DONE)
    with pytest.raises(LeaseLostError):
        store.finish(replace(trial, attempt=2), DONE)


def test_a_finish_is_accepted_while_nobody_claimed_the_expired_trial(bench, store):
    bench.insert(lease_s=0)
    trial = bench.claim()
    assert bench.lose(trial).state is State.PENDING

    store.finish(trial, DONE)

    done = bench.read(trial)
    assert (done.state, done.loss, len(done.history)) == (State.DONE, 1.0, 1)
    assert store.claim(WORKER, "other", [bench.exp_key]) is None


def test_there_is_no_grace_for_a_trial_that_was_given_back(bench, store):
    bench.insert()
    trial = bench.claim()
    store.release(trial, "draining")

    with pytest.raises(LeaseLostError):
        store.finish(trial, DONE)
    with pytest.raises(LeaseLostError):
        store.report(trial, [Report(step=1, value=1)])
    assert store.renew(trial) is Hold.LOST
    assert bench.read(trial).state is State.PENDING


def test_a_released_trial_is_safe_from_its_first_holder(bench, store):
    bench.insert()
    first = bench.claim()
    store.release(first, "draining")
    second = bench.claim()

    assert second.attempt > first.attempt
    with pytest.raises(LeaseLostError):
        store.finish(first, DONE)
    store.finish(second, replace(DONE, loss=2.0))
    with pytest.raises(LeaseLostError):
        store.finish(first, DONE)
    assert bench.read(second).loss == 2.0


def test_there_is_no_grace_once_the_trial_has_failed(bench, store):
    bench.insert(lease_s=0, max_attempts=1)
    trial = bench.claim()
    failed = bench.lose(trial)

    with pytest.raises(LeaseLostError):
        store.finish(trial, DONE)
    assert bench.read(trial) == failed


def test_a_cancelled_trial_takes_no_result(bench, store):
    bench.insert()
    trial = bench.claim()
    store.cancel(bench.exp_key, {State.RUNNING})
    cancelled = bench.read(trial)

    with pytest.raises(LeaseLostError):
        store.finish(trial, DONE)
    with pytest.raises(LeaseLostError):
        store.release(trial, "draining")
    assert bench.read(trial) == cancelled


def test_a_trial_that_does_not_exist_is_lost(bench, store):
    never = bench.trial(7, owner="token", attempt=1)

    with pytest.raises(LeaseLostError):
        store.finish(never, DONE)
    assert store.renew(never) is Hold.LOST


def test_reports_are_appended_with_the_stores_time(bench, store):
    bench.insert()
    trial = bench.claim()

    store.report(trial, [Report(step=1, value=0.5), Report(step=2, value=float("nan"))])
    store.report(trial, [Report(step=3, value=0.25)])

    reports = bench.read(trial).reports
    assert [r.step for r in reports] == [1, 2, 3]
    assert all(trial.claimed_at <= r.at <= store.now() for r in reports)
    store.finish(trial, DONE)
    assert len(bench.read(trial).reports) == 3


def test_reports_belong_to_the_attempt(bench, store):
    bench.insert(lease_s=0)
    trial = bench.claim()
    store.report(trial, [Report(step=1, value=0.5)])
    assert len(bench.lose(trial).reports) == 1

    assert bench.claim().reports == ()


# 6. Expiry and release


def test_a_live_lease_does_not_expire(bench, store):
    bench.insert(lease_s=600)
    trial = bench.claim()

    assert store.expire(bench.exp_key) == 0
    assert bench.read(trial) == trial


def test_an_expired_trial_waits_again_with_an_entry_in_its_history(bench, store):
    bench.insert(lease_s=0)
    trial = bench.claim()

    back = bench.lose(trial)

    assert (back.state, back.attempt, back.lease_until, back.error) == (State.PENDING, 1, None, None)
    (ended,) = back.history
    assert (ended.attempt, ended.worker, ended.why) == (1, WORKER.name, "lease expired")
    assert trial.claimed_at <= ended.ended_at <= store.now()
    assert store.expire(bench.exp_key) == 0


def test_a_trial_that_is_lost_too_often_has_failed(bench, store):
    bench.insert(lease_s=0, max_attempts=2)
    bench.lose(bench.claim())

    failed = bench.lose(bench.claim())

    assert (failed.state, failed.error.kind, failed.loss) == (State.FAILED, FailureKind.LOST, None)
    assert [ended.attempt for ended in failed.history] == [1, 2]
    assert failed.finished_at is not None
    assert store.claim(WORKER, "other", [bench.exp_key]) is None


def test_giving_a_trial_back_does_not_count_towards_max_attempts(bench, store):
    bench.insert(lease_s=0, max_attempts=2)
    for _ in range(5):
        store.release(bench.claim(), "draining")

    assert bench.lose(bench.claim()).state is State.PENDING
    assert bench.lose(bench.claim()).state is State.FAILED


def test_a_released_trial_tells_why(bench, store):
    bench.insert()
    trial = bench.claim()

    store.release(trial, "$draining")

    back = bench.read(trial)
    assert (back.state, back.lease_until, back.owner) == (State.PENDING, None, None)
    assert [(e.attempt, e.worker, e.why) for e in back.history] == [(1, WORKER.name, "$draining")]


def test_repeating_ones_own_release_changes_nothing(bench, store):
    bench.insert()
    first = bench.claim()
    store.release(first, "draining")
    second = bench.claim()

    store.release(first, "draining")

    assert bench.read(second) == second


def test_expiry_stays_within_the_experiment(bench, store):
    other = replace(bench, exp_key=bench.exp_key + "/b")
    other.insert(lease_s=0)
    bench.outlast(other.claim().lease_until)

    assert store.expire(bench.exp_key) == 0


def test_two_claims_under_one_token_are_told_apart_by_their_attempts(bench, store):
    """A claim whose answer was lost is repeated after its lease, and takes the trial once more."""
    bench.insert(1, lease_s=60)
    first = bench.claim("token")
    bench.later(61)
    store.expire(bench.exp_key)
    second = bench.claim("token")
    assert (second.owner, second.attempt) == (first.owner, first.attempt + 1)

    assert store.renew(first) is Hold.LOST
    for refused in (
        lambda: store.finish(first, DONE),
        lambda: store.report(first, [Report(step=1, value=1)]),
        lambda: store.release(first, "draining"),
    ):
        with pytest.raises(LeaseLostError):
            refused()
    assert bench.read(first) == second


def test_a_repeated_release_leaves_a_later_claim_under_its_token_alone(bench, store):
    bench.insert()
    first = bench.claim("token")
    store.release(first, "draining")
    second = bench.claim("token")
    store.release(first, "draining")
    assert bench.read(first) == replace(second, history=bench.read(first).history)
    assert store.renew(second) is Hold.HELD


def test_a_token_that_runs_another_trial_by_now_has_lost_the_first(bench, store):
    bench.insert(1, lease_s=60)
    first = bench.claim("token")
    bench.later(61)
    store.expire(bench.exp_key)
    store.insert([bench.trial(1, priority=1)])
    assert bench.claim("token").tid == 1

    assert store.renew(first) is Hold.LOST
    assert bench.read(first).state is State.PENDING


def test_racing_expiries_count_each_loss_once(bench, store):
    bench.insert(20, lease_s=0)
    last = [bench.claim() for _ in range(20)][-1]
    bench.outlast(last.lease_until)

    with ThreadPoolExecutor(4) as pool:
        n_expired = list(pool.map(lambda _: store.expire(bench.exp_key), range(4)))

    assert sum(n_expired) == 20
    assert all(len(trial.history) == 1 for trial in store.trials(bench.exp_key))


# 7. Final trials


def test_final_trials_never_change(bench, store):
    bench.insert(3, lease_s=0)
    done, failed, cancelled = (bench.claim() for _ in range(3))
    store.finish(done, DONE)
    store.finish(failed, FAILED)
    store.cancel(bench.exp_key, {State.RUNNING})
    before = list(store.trials(bench.exp_key))
    bench.outlast(cancelled.lease_until)

    assert store.cancel(bench.exp_key, {State.PENDING, State.RUNNING}) == 0
    assert store.expire(bench.exp_key) == 0
    assert store.claim(WORKER, "other", [bench.exp_key]) is None
    assert list(store.trials(bench.exp_key)) == before
    assert [t.state for t in before] == [State.DONE, State.FAILED, State.CANCELLED]


def test_cancel_ends_only_the_states_it_names(bench, store):
    bench.insert(3)
    running = bench.claim()

    assert store.cancel(bench.exp_key, {State.PENDING}) == 2
    assert store.renew(running) is Hold.HELD
    assert store.counts(bench.exp_key)[State.CANCELLED] == 2
    with pytest.raises(ValueError, match="only pending and running"):
        store.cancel(bench.exp_key, {State.DONE})


# 8. What is finished


def test_finished_returns_the_final_ones_by_number(bench, store):
    bench.insert(6)
    claimed = [bench.claim() for _ in range(4)]
    store.finish(claimed[3], DONE)
    store.finish(claimed[1], FAILED)

    assert [t.tid for t in store.finished(bench.exp_key, [5, 3, 2, 1, 0, 99])] == [1, 3]
    store.cancel(bench.exp_key, {State.RUNNING})
    assert [t.state for t in store.finished(bench.exp_key, range(6))] == [
        State.CANCELLED,
        State.FAILED,
        State.CANCELLED,
        State.DONE,
    ]
    assert store.finished(bench.exp_key, []) == []


def test_polling_the_outstanding_set_misses_nothing(bench, store):
    """Many writers finish while a reader asks for what it has not seen yet."""
    n = 120
    bench.insert(n)

    def work() -> None:
        while trial := store.claim(WORKER, bench.token(), [bench.exp_key]):
            store.finish(trial, DONE)

    outstanding, seen = set(range(n)), []
    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(work) for _ in range(4)]
        deadline = time.monotonic() + 30
        while outstanding and time.monotonic() < deadline:
            new = [trial.tid for trial in store.finished(bench.exp_key, outstanding)]
            seen += new
            outstanding -= set(new)
        for writer in writers:
            writer.result()

    assert sorted(seen) == list(range(n))


# 9. Leadership


def test_one_coordinator_leads_until_its_lease_is_over(bench, store):
    store.open_experiment(bench.experiment())
    first = store.lead(bench.exp_key, "anna", 60)
    standby = store.lead(bench.exp_key, "bert", 60)

    assert (first.is_mine, first.epoch) == (True, 1)
    assert (standby.is_mine, standby.owner, standby.epoch) == (False, "anna", 1)
    assert store.experiment(bench.exp_key).led_until == first.lease_until
    bench.later(61)
    taken = store.lead(bench.exp_key, "bert", 60)
    assert (taken.is_mine, taken.epoch) == (True, 2)
    assert not store.lead(bench.exp_key, "anna", 60).is_mine


def test_renewing_the_leadership_keeps_its_epoch(bench, store):
    store.open_experiment(bench.experiment())
    first = store.lead(bench.exp_key, "anna", 1)
    bench.outlast(first.lease_until)

    again = store.lead(bench.exp_key, "anna", 60)

    assert (again.is_mine, again.epoch) == (True, first.epoch)
    assert again.lease_until > first.lease_until


def test_who_resigns_is_followed_at_once_in_a_new_epoch(bench, store):
    store.open_experiment(bench.experiment())
    store.lead(bench.exp_key, "anna", 60)

    store.resign(bench.exp_key, "bert")
    assert not store.lead(bench.exp_key, "bert", 60).is_mine
    store.resign(bench.exp_key, "anna")
    assert store.experiment(bench.exp_key).led_until is None
    assert store.lead(bench.exp_key, "bert", 60).epoch == 2


def test_racing_bids_have_one_winner(bench, store):
    store.open_experiment(bench.experiment())
    with ThreadPoolExecutor(6) as pool:
        bids = list(pool.map(lambda k: store.lead(bench.exp_key, f"c{k}", 60), range(6)))

    assert sum(bid.is_mine for bid in bids) == 1
    assert {bid.epoch for bid in bids} == {1}


# 11. Experiments


def test_an_experiment_comes_back_as_it_was_created(bench, store):
    experiment = bench.experiment(
        algorithm=Algorithm(name="tpe", options={"gamma": 0.25, "a.b": None}),
        objective=ObjectiveRef(kind="file", ref="search.py:objective", path="/home/a/search.py"),
        seed=2**40,
        budget=Budget(max_evals=10, timeout_s=60.0, loss_threshold=0.5),
        defaults=Defaults(max_attempts=2, trial_timeout_s=9.0, lease_s=5.0),
        space={"parameters": [{"label": "$x.y", "$ref": 1}], "root": {"dict": [["$k", None]]}},
    )
    before = store.now()

    opened = store.open_experiment(experiment)

    assert replace(opened, created_at=None, started_at=None) == experiment
    assert before <= opened.created_at == opened.started_at <= store.now()
    assert store.experiment(bench.exp_key) == opened
    assert opened in store.experiments()


def test_joining_takes_over_the_budget_and_restarts_the_clock_of_an_ended_search(bench, store):
    first = store.open_experiment(bench.experiment(seed=3, budget=Budget(max_evals=5)))
    joined = store.open_experiment(bench.experiment(seed=4, budget=Budget(max_evals=9)))
    assert (joined.seed, joined.budget.max_evals, joined.started_at) == (3, 9, first.started_at)

    store.set_experiment_state(bench.exp_key, ExperimentState.DONE, "max-evals")
    assert store.experiment(bench.exp_key).ended_why == "max-evals"
    bench.outlast(first.started_at)
    again = store.open_experiment(bench.experiment(budget=Budget(max_evals=20)))

    assert (again.state, again.ended_why, again.created_at) == (
        ExperimentState.RUNNING,
        None,
        first.created_at,
    )
    assert again.started_at > first.started_at


def test_an_undecided_experiment_goes_on_as_the_first_who_joins_it_says(bench, store):
    """An import knows the space and the trials; what evaluates and suggests is decided later."""
    opened = store.open_experiment(
        bench.experiment(objective=UNDECIDED, seed=1, state=ExperimentState.STOPPED)
    )
    assert (opened.objective, opened.state) == (UNDECIDED, ExperimentState.STOPPED)
    first = bench.experiment(seed=3, algorithm=Algorithm(name="anneal"))
    joined = store.open_experiment(first)
    assert (joined.objective, joined.seed, joined.algorithm.name, joined.state) == (
        first.objective,
        3,
        "anneal",
        ExperimentState.RUNNING,
    )
    with pytest.raises(ExperimentMismatchError, match="objective"):
        store.open_experiment(bench.experiment(objective=ObjectiveRef(kind="import", ref="other:objective")))


def test_a_paused_search_stays_paused_when_it_is_joined(bench, store):
    """A standby, or a coordinator that was restarted, must not overrule the user who paused."""
    store.open_experiment(bench.experiment())
    store.set_experiment_state(bench.exp_key, ExperimentState.PAUSED)
    assert store.open_experiment(bench.experiment()).state is ExperimentState.PAUSED


def test_a_search_that_has_ended_stays_as_it_ended_until_it_is_joined(bench, store):
    store.open_experiment(bench.experiment())
    store.set_experiment_state(bench.exp_key, ExperimentState.DONE, "max_evals")
    for state in ExperimentState:
        after = store.set_experiment_state(bench.exp_key, state, "another reason")
        assert (after.state, after.ended_why) == (ExperimentState.DONE, "max_evals")
    assert store.open_experiment(bench.experiment()).state is ExperimentState.RUNNING


def test_only_the_leader_moves_a_search_in_the_name_of_the_leader(bench, store):
    store.open_experiment(bench.experiment())
    for leader in (None, "anna"):
        if leader is not None:
            store.lead(bench.exp_key, leader, 60)
        after = store.set_experiment_state(bench.exp_key, ExperimentState.DONE, leader="bert")
        assert after.state is ExperimentState.RUNNING
    after = store.set_experiment_state(bench.exp_key, ExperimentState.DONE, leader="anna")
    assert after.state is ExperimentState.DONE


def test_of_racing_ends_the_first_counts_and_all_hear_of_it(bench, store):
    store.open_experiment(bench.experiment())
    with ThreadPoolExecutor(6) as pool:
        ends = pool.map(
            lambda why: store.set_experiment_state(bench.exp_key, ExperimentState.STOPPED, why), "abcdef"
        )
    assert {end.ended_why for end in ends} == {store.experiment(bench.exp_key).ended_why}


@pytest.mark.parametrize("work", ["a leader", "a trial"])
def test_a_search_at_work_is_spared_and_goes_all_the_same_by_force(bench, store, work):
    store.open_experiment(bench.experiment())
    bench.insert(2)
    if work == "a leader":
        store.lead(bench.exp_key, "anna", 60)
    else:
        bench.claim()
    with pytest.raises(ExperimentAtWorkError, match=bench.exp_key):
        store.delete_experiment(bench.exp_key, unless_at_work=True)
    assert len(list(store.trials(bench.exp_key))) == 2
    assert store.delete_experiment(bench.exp_key) == 2


def test_of_a_deletion_and_a_bid_for_the_lead_one_succeeds(bench, store):
    def bid(owner: str) -> bool:
        try:
            return store.lead(bench.exp_key, owner, 60).is_mine
        except NotFoundError:
            return False

    def delete() -> bool:
        try:
            store.delete_experiment(bench.exp_key, unless_at_work=True)
        except ExperimentAtWorkError:
            return False
        return True

    for i in range(10):
        with suppress(NotFoundError):
            store.delete_experiment(bench.exp_key)
        store.open_experiment(bench.experiment())
        with ThreadPoolExecutor(2) as pool:
            is_led, is_deleted = pool.submit(bid, f"c{i}"), pool.submit(delete)
        assert is_led.result() != is_deleted.result()


def test_experiments_can_be_asked_for_by_state(bench, store):
    store.open_experiment(bench.experiment())
    store.set_experiment_state(bench.exp_key, ExperimentState.PAUSED)
    assert bench.exp_key not in {e.exp_key for e in store.experiments({ExperimentState.RUNNING})}
    assert bench.exp_key in {e.exp_key for e in store.experiments({ExperimentState.PAUSED})}


def test_another_space_is_refused_with_the_labels_that_differ(bench, store):
    first = store.open_experiment(bench.experiment())
    space = {"parameters": [{"label": "x", "low": 1}, {"label": "depth"}]}

    with pytest.raises(ExperimentMismatchError, match=r"space: only here: 'depth'; defined differently: 'x'"):
        store.open_experiment(
            bench.experiment(space=space, space_fingerprint="beef", budget=Budget(max_evals=1))
        )
    assert store.experiment(bench.exp_key) == first


def test_another_objective_is_refused(bench, store):
    store.open_experiment(bench.experiment())

    with pytest.raises(
        ExperimentMismatchError, match="objective: 'search:objective' there, 'search:other' here"
    ):
        store.open_experiment(bench.experiment(objective=ObjectiveRef(kind="import", ref="search:other")))


def test_a_file_objective_may_lie_in_another_folder(bench, store):
    store.open_experiment(
        bench.experiment(objective=ObjectiveRef(kind="file", ref="a/search.py:f", path="/a"))
    )

    joined = store.open_experiment(
        bench.experiment(objective=ObjectiveRef(kind="file", ref="b/search.py:f", path="/b"))
    )

    assert joined.objective.path == "/a"


def test_racing_openings_make_one_experiment(bench, store):
    with ThreadPoolExecutor(6) as pool:
        opened = list(pool.map(lambda k: store.open_experiment(bench.experiment(seed=k)), range(6)))

    assert len({experiment.seed for experiment in opened}) == 1


def test_what_does_not_exist_is_not_found(bench, store):
    for attempt in (
        lambda: store.experiment(bench.exp_key),
        lambda: store.set_experiment_state(bench.exp_key, ExperimentState.PAUSED),
        lambda: store.lead(bench.exp_key, "anna", 1),
        lambda: store.trial(bench.exp_key, 0),
    ):
        with pytest.raises(NotFoundError, match=bench.exp_key):
            attempt()


# Reading


def finish_all(bench: Bench, losses: list[float | None]) -> None:
    bench.insert(len(losses))
    for loss in losses:
        bench.store.finish(bench.claim(), FAILED if loss is None else Result(loss=loss))


def test_trials_are_read_by_number_newest_or_best(bench, store):
    finish_all(bench, [3.0, None, float("-inf"), 1.0, float("inf"), 1.0])

    def tids(**options: object) -> list[int]:
        return [trial.tid for trial in store.trials(bench.exp_key, **options)]

    assert tids() == [0, 1, 2, 3, 4, 5]
    assert tids(sort="newest", limit=2) == [5, 4]
    assert tids(sort="loss") == [2, 3, 5, 0, 4]
    assert tids(sort="loss", limit=3) == [2, 3, 5]
    assert tids(states={State.FAILED}) == [1]
    assert tids(states={State.FAILED}, sort="loss") == []
    assert tids(limit=0) == []
    with pytest.raises(ValueError, match="cannot be sorted by 'luck'"):
        tids(sort="luck")


def test_long_reads_are_whole_and_in_order(bench, store):
    bench.insert(2500)

    assert [trial.tid for trial in store.trials(bench.exp_key)] == list(range(2500))
    assert [trial.tid for trial in store.trials(bench.exp_key, sort="newest")] == list(range(2499, -1, -1))
    assert len(list(store.trials(bench.exp_key, limit=1500))) == 1500


def test_counts_cover_every_state(bench, store):
    bench.insert(4)
    store.finish(bench.claim(), DONE)
    bench.claim()

    assert store.counts(bench.exp_key) == {
        State.PENDING: 2,
        State.RUNNING: 1,
        State.DONE: 1,
        State.FAILED: 0,
        State.CANCELLED: 0,
    }
    assert store.counts(bench.exp_key, {State.DONE})[State.PENDING] == 0
    assert store.counts(bench.exp_key, {State.DONE})[State.DONE] == 1


def test_results_come_back_as_they_were_stored(bench, store):
    bench.insert()
    trial = bench.claim()
    result = {
        "$ref": {"$ref": 5, "$id": None},
        "a.b": {"$set": "$tid", "": [1, [2.5, None]]},
        "bytes": b"\0\xff",
        "date": datetime(2026, 3, 1, 12, 30, 5, 123000, tzinfo=UTC),
        "big": 2**63 - 1,
        "text": "nul \0 and $dollar",
        "inf": float("-inf"),
        "yes": True,
    }

    store.finish(trial, Result(loss=0.0, result={**result, "tuple": (1, 2), "broken": "\ud800"}))

    back = dict(bench.read(trial).result)
    assert (back.pop("tuple"), back.pop("broken")) == ([1, 2], "\\ud800")
    assert back == result
    assert type(back["big"]) is int


def test_trials_in_short_are_all_trials_with_what_is_learned_from_them(bench, store):
    bench.insert(4)
    store.finish(bench.claim(), DONE)
    store.finish(bench.claim(), Result(loss=None, error=Failure(kind=FailureKind.EXCEPTION, message="no")))
    bench.claim()

    whole = list(store.trials(bench.exp_key))

    assert list(store.points(bench.exp_key)) == [
        Trial(
            exp_key=t.exp_key,
            tid=t.tid,
            values=t.values,
            state=t.state,
            loss=t.loss,
            finished_at=t.finished_at,
        )
        for t in whole
    ]
    assert [t.state for t in whole] == [State.DONE, State.FAILED, State.RUNNING, State.PENDING]


# Waiting


def test_what_moved_before_a_wait_ended_wakes_nobody_again(bench, store):
    """In a large fleet trials move more often than the coordinator looks; it must not fall behind."""
    bench.insert(60)
    store.wait_for_change(bench.exp_key, 0.01)
    for _ in range(60):
        bench.claim()

    n_woken = 0
    while _is_woken(store, bench.exp_key, 0.3):
        n_woken += 1

    assert n_woken < 30


def _is_woken(store, exp_key, timeout_s):
    """Wait; return whether that ended before its time."""
    started = time.monotonic()
    store.wait_for_change(exp_key, timeout_s)
    return time.monotonic() - started < timeout_s


def test_a_wait_ends_when_a_trial_moves(bench, store):
    bench.insert(1)
    trial = bench.claim()
    store.wait_for_change(bench.exp_key, 0.01)  # a first wait may return at once
    woken = threading.Event()

    def wait() -> None:
        deadline = time.monotonic() + 20
        while store.trial(bench.exp_key, 0).state is not State.DONE and time.monotonic() < deadline:
            store.wait_for_change(bench.exp_key, 10)
        woken.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    store.finish(trial, DONE)

    assert woken.wait(5)
    waiter.join()


def test_a_wait_is_over_after_its_timeout(bench, store):
    store.wait_for_change(bench.exp_key, 0.01)
    started = time.monotonic()

    store.wait_for_change(bench.exp_key, 0.2)

    assert time.monotonic() - started < 2


# The registry of workers


def test_workers_are_listed_until_their_entry_is_over(bench, store: TrialStore):
    name = bench.exp_key
    worker = Worker(
        name=name,
        host="h",
        pid=1,
        slots=3,
        exp_keys=("a", "b"),
        state=WorkerState.BUSY,
        n_done=4,
        n_failed=1,
        versions={"python": "3.11", "a.b": "$1"},
    )
    store.record_worker(worker, ttl_s=60)
    (listed,) = (w for w in store.workers() if w.name == name)
    assert replace(listed, started_at=None, seen_at=None, expire_at=None) == worker
    assert listed.started_at == listed.seen_at
    assert (listed.expire_at - listed.seen_at).total_seconds() == 60
    bench.outlast(listed.seen_at)

    store.record_worker(replace(worker, state=WorkerState.STOPPED), ttl_s=0)

    assert name not in {w.name for w in store.workers()}


def test_a_workers_start_stays_while_it_is_the_same_process(bench, store):
    worker = replace(WORKER, name=bench.exp_key)

    def started() -> datetime:
        store.record_worker(worker, ttl_s=60)
        entry = next(w for w in store.workers() if w.name == worker.name)
        bench.outlast(entry.seen_at)
        return entry.started_at

    first = started()
    assert started() == first
    worker = replace(worker, pid=2)
    assert started() > first


def test_times_are_the_stores_own(bench, store):
    assert store.now().tzinfo is UTC
    trial: Trial
    bench.insert()
    trial = bench.claim()
    assert trial.claimed_at.tzinfo is UTC
