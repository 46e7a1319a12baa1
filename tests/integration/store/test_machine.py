"""Any sequence of calls, on memory and on a real mongod, against a model that fits on a page."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from hpsearch.errors import LeaseLostError
from hpsearch.store.memory import MemoryStore
from hpsearch.store.mongo import MongoStore
from hpsearch.store.protocol import Hold
from hpsearch.trial import Report, Result, State, Trial
from tests.integration.store.conftest import WORKER, Bench, HandClock

MAX_ATTEMPTS = 2
OPEN = (State.PENDING, State.RUNNING)


@dataclass
class Model:
    """What a trial should be."""

    priority: int
    is_short: bool  #: whether its lease is over as soon as it is claimed
    state: State = State.PENDING
    owner: str | None = None
    attempt: int = 0
    n_lost: int = 0
    n_ended: int = 0
    n_reports: int = 0
    loss: float | None = None
    released: set[int] = field(default_factory=set)

    def is_held_by(self, trial: Trial) -> bool:
        return self.state in OPEN and (self.owner, self.attempt) == (trial.owner, trial.attempt)


class StoreMachine(RuleBasedStateMachine):
    """Calls in any order by any holder, stale ones too."""

    bench: Bench

    @initialize()
    def start(self) -> None:
        self.bench = self.new_bench()
        self.store = self.bench.store
        self.trials: dict[int, Model] = {}
        self.claims: list[Trial] = []

    def new_bench(self) -> Bench:
        clock = HandClock()
        return Bench(MemoryStore(clock), "e", clock)

    @rule(priority=st.integers(0, 2), is_short=st.booleans(), n=st.integers(1, 3))
    def insert(self, priority: int, is_short: bool, n: int) -> None:
        first = max(0, len(self.trials) - 1)  # a repeat of the last one, when that is the same
        if self.trials and self.trials[first].priority != priority:
            first += 1
        batch = [
            self.bench.trial(
                tid, priority=priority, lease_s=0 if is_short else 3600, max_attempts=MAX_ATTEMPTS
            )
            for tid in range(first, first + n)
        ]
        self.store.insert(batch)
        for trial in batch:
            self.trials.setdefault(trial.tid, Model(priority, is_short))

    @rule()
    def claim(self) -> None:
        waiting = [(-m.priority, tid) for tid, m in self.trials.items() if m.state is State.PENDING]
        trial = self.store.claim(WORKER, self.bench.token(), [self.bench.exp_key])
        if not waiting:
            assert trial is None
            return
        assert trial is not None
        assert trial.tid == min(waiting)[1]
        model = self.trials[trial.tid]
        model.state, model.owner, model.n_reports = State.RUNNING, trial.owner, 0
        model.attempt += 1
        self.claims.append(trial)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def claim_again(self, data: st.DataObject) -> None:
        trial = data.draw(st.sampled_from(self.claims))
        if self.trials[trial.tid].state is State.RUNNING and self.trials[trial.tid].is_held_by(trial):
            again = self.store.claim(WORKER, trial.owner or "", [self.bench.exp_key])
            assert again is not None
            assert again.tid == trial.tid

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), loss=st.none() | st.floats(-9, 9))
    def finish(self, data: st.DataObject, loss: float | None) -> None:
        trial = data.draw(st.sampled_from(self.claims))
        model = self.trials[trial.tid]
        result = Result(loss=loss)
        if model.is_held_by(trial):
            self.store.finish(trial, result)
            model.state, model.loss = result.state, loss
        elif model.state in {State.DONE, State.FAILED} and model.owner == trial.owner:
            self.store.finish(trial, result)
        else:
            with pytest.raises(LeaseLostError):
                self.store.finish(trial, result)

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        trial = data.draw(st.sampled_from(self.claims))
        model = self.trials[trial.tid]
        if model.is_held_by(trial):
            self.store.release(trial, "draining")
            model.state, model.owner = State.PENDING, None
            model.n_ended += 1
            model.released.add(trial.attempt)
        elif trial.attempt in model.released:
            self.store.release(trial, "draining")
        else:
            with pytest.raises(LeaseLostError):
                self.store.release(trial, "draining")

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def renew_and_report(self, data: st.DataObject) -> None:
        trial = data.draw(st.sampled_from(self.claims))
        model = self.trials[trial.tid]
        reports = [Report(step=1, value=2)]
        if model.is_held_by(trial):
            assert self.store.renew(trial) is Hold.HELD
            self.store.report(trial, reports)
            model.state = State.RUNNING
            model.n_reports += 1
            return
        is_cancelled = model.state is State.CANCELLED and model.owner == trial.owner
        assert self.store.renew(trial) is (Hold.CANCELLED if is_cancelled else Hold.LOST)
        with pytest.raises(LeaseLostError):
            self.store.report(trial, reports)

    @rule()
    def expire(self) -> None:
        self.bench.outlast(self.store.now())
        over = [m for m in self.trials.values() if m.state is State.RUNNING and m.is_short]

        assert self.store.expire(self.bench.exp_key) == len(over)

        for model in over:
            model.n_lost += 1
            model.n_ended += 1
            is_last = model.n_lost >= MAX_ATTEMPTS
            model.state = State.FAILED if is_last else State.PENDING
            model.owner = None if is_last else model.owner

    @rule(states=st.sampled_from([{State.PENDING}, {State.RUNNING}]))
    def cancel(self, states: set[State]) -> None:
        found = [m for m in self.trials.values() if m.state in states]

        assert self.store.cancel(self.bench.exp_key, states) == len(found)

        for model in found:
            model.state = State.CANCELLED

    @invariant()
    def is_as_the_model_says(self) -> None:
        stored = list(self.store.trials(self.bench.exp_key))
        assert [trial.tid for trial in stored] == sorted(self.trials)
        for trial in stored:
            model = self.trials[trial.tid]
            assert (trial.state, trial.attempt, trial.loss) == (model.state, model.attempt, model.loss)
            assert trial.owner == model.owner
            assert (len(trial.history), len(trial.reports)) == (model.n_ended, model.n_reports)
            assert (trial.lease_until is not None) == (model.state is State.RUNNING)
        final = [tid for tid, model in self.trials.items() if model.state.is_final]
        assert [t.tid for t in self.store.finished(self.bench.exp_key, self.trials)] == sorted(final)


def test_memory_does_as_the_model_says():
    run(StoreMachine, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))


def test_mongodb_does_as_the_model_says(mongo_store: MongoStore):
    class MongoMachine(StoreMachine):
        def new_bench(self) -> Bench:
            return replace(Bench(mongo_store, f"machine-{uuid.uuid4().hex[:8]}"))

    slow = [HealthCheck.too_slow]
    run(
        MongoMachine,
        settings=settings(max_examples=20, stateful_step_count=30, deadline=None, suppress_health_check=slow),
    )
