"""Random sequences of calls by several processes, including stale and repeated ones, compared with the model.

A call whose answer was lost is repeated, so most rules make a call once or twice and expect the
same result. Coordinators and workers remember every answer and keep acting on it after leases
expired, others replaced them, or the experiment was deleted and re-created.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hpsearch.core.experiment import Budget, Elapsed, Experiment, ExperimentState, ObjectiveRef
from hpsearch.core.trial import Failure, FailureKind, Report, Result, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.errors import (
    ExperimentActiveError,
    ExperimentMismatchError,
    LeaseLostError,
    NotFoundError,
    TrialExistsError,
)
from hpsearch.store.protocol import LeaseStatus, TrialStore
from tests.support.store_model import FINISHED, LOST, RELEASED, Claim, ExperimentModel, Model, TrialModel

COORDINATORS = st.sampled_from(["anna", "bert"])
WORKERS = st.sampled_from(["carl", "dora", "emil"])
TIMES = st.sampled_from([1, 1, 1, 2])  #: of sending the same call

#: Seconds; leases expire only by a shifted clock, and a step of it expires some.
LEASES = st.sampled_from([1000.0, 5000.0])
STEPS = st.sampled_from([600, 3000, 9000])
STEPS_BACK = st.sampled_from([600, 3000, 90000])

#: Seconds that a coordinator reports to have led, and whether in the current run.
ELAPSED = st.none() | st.tuples(st.sampled_from([0.0, 12.5, 60.0]), st.booleans())

RESULTS = st.sampled_from([0.0, -1.5, 7.25, float("inf"), None])


class World(Protocol):
    """A store with a clock that can be shifted."""

    exp_key: str

    @property
    def store(self) -> TrialStore: ...

    def advance(self, seconds: float) -> None:
        """Shift the store's clock by some seconds; back if negative."""
        ...


class StoreMachine(RuleBasedStateMachine):
    """One experiment, two coordinators, three workers, a user, and the clock."""

    new_world: Callable[[], World]

    @initialize(data=st.data(), n_claims=st.integers(0, 3))
    def start(self, data: st.DataObject, n_claims: int) -> None:
        self.world = type(self).new_world()
        self.store, self.exp_key = self.world.store, self.world.exp_key
        self.model = Model()
        self.claims: list[Claim] = []
        self.batches: list[list[Trial]] = []
        self.final: dict[int, Trial] = {}  #: as they were when first seen as final
        self.open(data)
        self.insert_new_ones(data)
        for _ in range(n_claims):
            self.claim_under(uuid.uuid4().hex, data.draw(WORKERS))

    # Users and coordinators

    @rule(
        data=st.data(),
        act=st.sampled_from(
            ["open", "open_as_another_search", "move", "move", "lead", "lead", "resign", "cancel", "delete"]
        ),
    )
    def steer(self, data: st.DataObject, act: str) -> None:
        getattr(self, act)(data)

    def open(self, data: st.DataObject) -> None:
        max_evals = data.draw(st.integers(1, 9))
        for _ in range(data.draw(TIMES)):
            opened = self.store.open_experiment(self.experiment(max_evals))
        known = self.model.experiment
        if known is None:
            self.model.experiment = ExperimentModel(max_evals)
        else:
            if known.state.is_over:
                known.state, known.elapsed_s = ExperimentState.RUNNING, 0.0
            known.max_evals, known.why = max_evals, None
        assert opened.budget.max_evals == max_evals

    def open_as_another_search(self, data: st.DataObject) -> None:
        if self.model.experiment is None:
            return
        with pytest.raises(ExperimentMismatchError):
            self.store.open_experiment(self.experiment(99, space_fingerprint="another"))

    def move(self, data: st.DataObject) -> None:
        state, leader = data.draw(st.sampled_from(ExperimentState)), data.draw(st.none() | COORDINATORS)
        why = data.draw(st.sampled_from([None, "max_evals", "$why"]))
        known = self.model.experiment
        for _ in range(data.draw(TIMES)):
            if known is None:
                with pytest.raises(NotFoundError):
                    self.store.set_experiment_state(self.exp_key, state, why, leader=leader)
                continue
            after = self.store.set_experiment_state(self.exp_key, state, why, leader=leader)
            if not known.state.is_over and leader in (None, known.leader):
                known.state, known.why = state, why
            assert after.state is known.state

    def lead(self, data: st.DataObject) -> None:
        owner, lease_s = data.draw(COORDINATORS), data.draw(LEASES)
        known, elapsed = self.model.experiment, self.elapsed(data)
        for _ in range(data.draw(TIMES)):
            if known is None:
                with pytest.raises(NotFoundError):
                    self.store.lead(self.exp_key, owner, lease_s)
                continue
            known.shorten(self.model.now)
            is_free = known.led_until is None or known.led_until < self.model.now
            if known.leader == owner or is_free:
                self.measure(owner, elapsed)
                known.epoch += known.leader != owner
                known.leader, known.led_until = owner, self.model.now + lease_s
                known.lead_lease_s = lease_s
            answer = self.store.lead(self.exp_key, owner, lease_s, elapsed)
            assert (answer.owner, answer.epoch) == (known.leader, known.epoch)
            assert answer.is_mine == (known.leader == owner)
            assert answer.elapsed is not None
            assert not answer.is_mine or answer.elapsed.seconds == known.elapsed_s

    def resign(self, data: st.DataObject) -> None:
        known, owner, elapsed = self.model.experiment, data.draw(COORDINATORS), self.elapsed(data)
        for _ in range(data.draw(TIMES)):
            self.store.resign(self.exp_key, owner, elapsed)
            if known is not None and known.leader == owner:
                self.measure(owner, elapsed)
                known.leader = known.led_until = None

    def elapsed(self, data: st.DataObject) -> Elapsed | None:
        """Return the elapsed time that a coordinator reports for the current or an earlier run."""
        drawn = data.draw(ELAPSED)
        if drawn is None or self.model.experiment is None:
            return None
        since = self.store.experiment(self.exp_key).started_at
        assert since is not None
        seconds, is_this_run = drawn
        return Elapsed(seconds=seconds, since=since if is_this_run else since - timedelta(days=9))

    def measure(self, owner: str, elapsed: Elapsed | None) -> None:
        known = self.model.experiment
        if known is None or known.leader != owner or elapsed is None:
            return
        if elapsed.since == self.store.experiment(self.exp_key).started_at:
            known.elapsed_s = max(known.elapsed_s, elapsed.seconds)

    def cancel(self, data: st.DataObject) -> None:
        states = data.draw(st.sampled_from([{State.PENDING}, {State.RUNNING}]))
        found = [t for t in self.model.trials.values() if t.state in states]
        assert self.store.cancel(self.exp_key, states) == len(found)
        for known in found:
            known.state, known.lease_until = State.CANCELLED, None
        assert self.store.cancel(self.exp_key, states) == 0

    def delete(self, data: st.DataObject) -> None:
        unless_active = data.draw(st.booleans())
        there = self.model.experiment or self.model.trials
        if unless_active:
            self.model.shorten()
            if self.model.experiment is not None:
                self.model.experiment.shorten(self.model.now)
        if unless_active and self.model.is_active():
            with pytest.raises(ExperimentActiveError):
                self.store.delete_experiment(self.exp_key, unless_active=True)
            return
        if there:
            n = self.store.delete_experiment(self.exp_key, unless_active=unless_active)
            assert n == len(self.model.trials)
        self.model = Model(now=self.model.now)
        self.final.clear()
        with pytest.raises(NotFoundError):
            self.store.delete_experiment(self.exp_key, unless_active=unless_active)
        assert self.store.n_attachments(self.exp_key) == 0

    # Inserting trials

    @rule(
        data=st.data(),
        act=st.sampled_from(["new_ones", "a_finished_one", "an_old_batch", "what_a_rival_chose_otherwise"]),
    )
    def insert(self, data: st.DataObject, act: str) -> None:
        getattr(self, f"insert_{act}")(data)

    def insert_new_ones(self, data: st.DataObject) -> None:
        n, priority = data.draw(st.integers(1, 3)), data.draw(st.integers(0, 2))
        lease_s, max_attempts = data.draw(LEASES), data.draw(st.integers(1, 2))
        batch = [
            self.trial(tid, priority=priority, lease_s=lease_s, max_attempts=max_attempts)
            for tid in range(len(self.model.trials), len(self.model.trials) + n)
        ]
        for _ in range(data.draw(TIMES)):
            self.store.insert(batch)
        self.batches.append(batch)
        for trial in batch:
            self.model.trials[trial.tid] = TrialModel(priority, lease_s, max_attempts)

    def insert_a_finished_one(self, data: st.DataObject) -> None:
        loss = data.draw(RESULTS)
        tid, state = len(self.model.trials), State.FAILED if loss is None else State.DONE
        self.store.insert([self.trial(tid, state=state, loss=loss)])
        self.model.trials[tid] = TrialModel(0, 60.0, 3, state=state, loss=loss)

    def insert_an_old_batch(self, data: st.DataObject) -> None:
        """A coordinator inserts it again after the trials or the experiment have changed."""
        batch = data.draw(st.sampled_from(self.batches))
        if batch[0].tid > len(self.model.trials):
            return  # numbers are dense
        clash = None
        for trial in batch:
            known = self.model.trials.get(trial.tid)
            if known is not None and known.priority != trial.priority:
                clash = trial.tid
                break
            self.model.trials.setdefault(
                trial.tid, TrialModel(trial.priority, trial.lease_s, trial.max_attempts)
            )
        if clash is None:
            self.store.insert(batch)
        else:
            with pytest.raises(TrialExistsError, match=f"/{clash:06d}"):
                self.store.insert(batch)

    def insert_what_a_rival_chose_otherwise(self, data: st.DataObject) -> None:
        if not self.model.trials:
            return
        tid, n = data.draw(st.sampled_from(sorted(self.model.trials))), data.draw(st.integers(1, 3))
        with pytest.raises(TrialExistsError, match=f"/{tid:06d}"):
            self.store.insert([self.trial(t, values={"x": -1.0}) for t in range(tid, tid + n)])

    # Time

    @rule(seconds=STEPS, is_noticed=st.booleans())
    def advance(self, seconds: int, is_noticed: bool) -> None:
        self.world.advance(seconds)
        self.model.now += seconds
        if is_noticed:
            self.expire()

    @rule(seconds=STEPS_BACK, is_noticed=st.booleans())
    def set_the_clock_back(self, seconds: int, is_noticed: bool) -> None:
        self.world.advance(-seconds)
        self.model.now -= seconds
        if is_noticed:
            self.shorten_leases()

    @rule()
    def shorten_leases(self) -> None:
        assert self.store.shorten_leases(self.exp_key) == len(self.model.too_long())
        self.model.shorten()
        assert self.store.shorten_leases(self.exp_key) == 0

    @rule()
    def expire(self) -> None:
        overdue = self.model.overdue()
        assert self.store.expire(self.exp_key) == len(overdue)
        for known in overdue:
            known.end_attempt(LOST)
            if known.n_lost >= known.max_attempts:
                known.state, known.token = State.FAILED, None
        assert self.store.expire(self.exp_key) == 0

    # Workers

    @rule(worker=WORKERS, times=TIMES)
    def claim(self, worker: str, times: int) -> None:
        token = uuid.uuid4().hex
        for _ in range(times):
            self.claim_under(token, worker)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def claim_under_an_old_token(self, data: st.DataObject) -> None:
        """The answer was lost, and the call is repeated after any length of time."""
        old = data.draw(st.sampled_from(self.claims))
        self.claim_under(old.token, old.worker)

    def claim_under(self, token: str, worker: str) -> None:
        trial = self.store.claim(Worker(name=worker, host="h", pid=1), token, [self.exp_key])
        tid = self.model.run_by(token)
        if tid is None:
            tid = self.model.next_pending()
            if tid is None:
                assert trial is None
                return
            known = self.model.trials[tid]
            known.state, known.token, known.worker = State.RUNNING, token, worker
            known.attempt, known.n_reports = known.attempt + 1, 0
            known.lease_until = self.model.now + known.lease_s
            self.claims.append(Claim(token, tid, known.attempt, worker))
        assert trial is not None
        assert (trial.tid, trial.owner, trial.attempt) == (tid, token, self.model.trials[tid].attempt)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), times=TIMES)
    def renew(self, data: st.DataObject, times: int) -> None:
        claim, known = self.drawn(data)
        for _ in range(times):
            hold = self.store.renew(self.claimed(claim))
            if known is None or not known.is_under(claim) or known.state in FINISHED:
                assert hold is LeaseStatus.LOST
            elif known.state is State.CANCELLED:
                assert hold is LeaseStatus.CANCELLED
            elif self.model.run_by(claim.token) not in (None, claim.tid):
                assert hold is LeaseStatus.LOST
            else:
                assert hold is LeaseStatus.HELD
                known.state, known.lease_until = State.RUNNING, self.model.now + known.lease_s

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), n=st.integers(1, 3))
    def report(self, data: st.DataObject, n: int) -> None:
        claim, known = self.drawn(data)
        reports = [Report(step=i, value=i / 2) for i in range(n)]
        if known is not None and known.is_held_by(claim):
            self.store.report(self.claimed(claim), reports)
            known.n_reports += n
        else:
            self.is_refused(self.store.report, claim, reports)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), loss=RESULTS, other=RESULTS, times=TIMES)
    def finish(self, data: st.DataObject, loss: float | None, other: float | None, times: int) -> None:
        """Repeating a finish with another result changes nothing."""
        claim, known = self.drawn(data)
        for result in [result_of(loss), result_of(other)][:times]:
            if known is not None and known.is_held_by(claim):
                known.state, known.loss, known.lease_until = result.state, result.loss, None
            if known is not None and known.is_under(claim) and known.state in FINISHED:
                self.store.finish(self.claimed(claim), result)
            else:
                self.is_refused(self.store.finish, claim, result)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), times=TIMES)
    def release(self, data: st.DataObject, times: int) -> None:
        claim, known = self.drawn(data)
        for _ in range(times):
            if known is not None and known.is_held_by(claim):
                known.end_attempt(RELEASED)
                known.token = None
            ended = [] if known is None else known.history
            if any((attempt, why) == (claim.attempt, RELEASED) for attempt, _, why in ended):
                self.store.release(self.claimed(claim), RELEASED)
            else:
                self.is_refused(self.store.release, claim, RELEASED)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), times=TIMES)
    def unclaim(self, data: st.DataObject, times: int) -> None:
        claim, known = self.drawn(data)
        for _ in range(times):
            self.store.unclaim(self.claimed(claim))
        if known is not None and known.is_held_by(claim):
            known.state, known.token = State.PENDING, None
            known.worker = known.lease_until = None

    @precondition(lambda self: self.model.trials)
    @rule(data=st.data(), is_of_attempt=st.booleans(), times=TIMES)
    def attach(self, data: st.DataObject, is_of_attempt: bool, times: int) -> None:
        tid = data.draw(st.sampled_from(sorted(self.model.trials)))
        known = self.model.trials[tid]
        attempt = known.attempt if is_of_attempt else 0
        for _ in range(times):
            self.store.attach(self.exp_key, f"of {attempt}", b"data", tid=tid, attempt=attempt)
        known.attached.add(attempt)
        assert self.store.attachments(self.exp_key, tid=tid) == known.shown

    # Invariants

    @invariant()
    def the_experiment_is_as_the_model_says(self) -> None:
        known = self.model.experiment
        if known is None:
            with pytest.raises(NotFoundError):
                self.store.experiment(self.exp_key)
            return
        stored = self.store.experiment(self.exp_key)
        assert (stored.state, stored.ended_why) == (known.state, known.why)
        assert self.store.is_running(stored) is (known.state is ExperimentState.RUNNING)
        assert stored.budget.max_evals == known.max_evals
        assert stored.is_led(self.store.now()) == self.model.is_led()
        assert stored.elapsed is not None
        assert stored.elapsed.seconds == known.elapsed_s

    @invariant()
    def the_trials_are_as_the_model_says(self) -> None:
        stored = list(self.store.trials(self.exp_key))
        assert [trial.tid for trial in stored] == list(range(len(self.model.trials)))
        for trial in stored:
            known = self.model.trials[trial.tid]
            assert (trial.state, trial.attempt, trial.owner) == (known.state, known.attempt, known.token)
            assert (trial.loss, len(trial.reports)) == (known.loss, known.n_reports)
            assert [(e.attempt, e.worker, e.why) for e in trial.history] == known.history
            assert (trial.lease_until is not None) == (known.lease_until is not None)
            assert (trial.finished_at is not None) == trial.state.is_final
        self.promises_hold(stored)

    def promises_hold(self, stored: list[Trial]) -> None:
        """Check what must hold independently of the model."""
        n_by_state = Counter(trial.state for trial in stored)
        assert self.store.counts(self.exp_key) == {state: n_by_state[state] for state in State}
        owners = [trial.owner for trial in stored if trial.state is State.RUNNING]
        assert len(owners) == len(set(owners)), "a token runs two trials"
        for trial in stored:
            lost = [ended for ended in trial.history if ended.why == LOST]
            is_last = len(lost) == trial.max_attempts
            assert len(lost) <= trial.max_attempts
            assert is_last == bool(trial.error and trial.error.kind is FailureKind.LOST)
            if trial.state.is_final:
                assert self.final.setdefault(trial.tid, trial) == trial, "a final trial changed"
        final = self.store.finished(self.exp_key, range(len(stored) + 1))
        assert final == [trial for trial in stored if trial.state.is_final]
        assert self.final.keys() == {trial.tid for trial in final}

    # Values

    def experiment(self, max_evals: int, **fields: Any) -> Experiment:
        known = {
            "exp_key": self.exp_key,
            "space": {"parameters": [{"label": "x"}]},
            "space_fingerprint": "f00d",
            "objective": ObjectiveRef(kind="import", ref="search:objective"),
            "budget": Budget(max_evals=max_evals),
        }
        return Experiment(**{**known, **fields})

    def trial(self, tid: int, **fields: Any) -> Trial:
        return Trial(exp_key=self.exp_key, tid=tid, **{"values": {"x": tid / 2}, **fields})

    def drawn(self, data: st.DataObject) -> tuple[Claim, TrialModel | None]:
        """Return a claim of any age, and its trial in the model."""
        claim = data.draw(st.sampled_from(self.claims))
        return claim, self.model.trials.get(claim.tid)

    def claimed(self, claim: Claim) -> Trial:
        """Return the trial as the worker remembers it."""
        return self.trial(claim.tid, owner=claim.token, attempt=claim.attempt, state=State.RUNNING)

    def is_refused(self, call: Callable[[Trial, Any], None], claim: Claim, argument: Any) -> None:
        with pytest.raises(LeaseLostError):
            call(self.claimed(claim), argument)


def result_of(loss: float | None) -> Result:
    error = None if loss is not None else Failure(kind=FailureKind.EXCEPTION, message="no luck")
    return Result(loss=loss, error=error, duration_s=1.0)
