"""A search on a store in memory with a fake clock: no waiting, any order of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from hpsearch import hp
from hpsearch.coordination.coordinator import Coordinator
from hpsearch.coordination.election import LEADER_LEASE_S
from hpsearch.core.experiment import Algorithm, Budget, Defaults, Elapsed, Experiment, ObjectiveRef
from hpsearch.core.history import History
from hpsearch.core.trial import Result, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.space.tree import Space, Values
from hpsearch.store.memory.store import MemoryStore
from hpsearch.store.protocol import Leadership
from hpsearch.suggest.algorithms import make_suggester
from hpsearch.suggest.protocol import Suggester, Suggestion

SPACE = Space({"x": hp.uniform("x", -5, 5), "kind": hp.choice("kind", ["a", {"y": hp.normal("y", 0, 1)}])})
KEY = "search"
LEASE_S = 60.0


class FakeClockStore(MemoryStore):
    """A store with a fake clock, and calls that act as its workers."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.step_s = 0.0  #: seconds by which the store's clock is ahead of the coordinators'
        super().__init__(
            lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds + self.step_s)
        )
        self.during_wait: Callable[[], None] = lambda: None  #: called while a coordinator waits
        self.before_count: Callable[[], None] = lambda: None  #: called once, before trials are counted
        self.n_claims = 0
        self._leader = ""  # token of the coordinator that led last

    def open_search(self, algorithm: str = "random", space: Space = SPACE, **budget: float) -> Experiment:
        return self.open_experiment(
            Experiment(
                exp_key=KEY,
                space=space.to_json(),
                space_fingerprint=space.fingerprint,
                objective=ObjectiveRef(kind="import", ref="m:f"),
                algorithm=Algorithm(name=algorithm),
                seed=7,
                budget=Budget(**budget),  # type: ignore[arg-type]
                defaults=Defaults(max_attempts=2, lease_s=LEASE_S),
            )
        )

    def coordinator(self, suggester: Suggester | None = None, start_grace_s: float = 0.0) -> Coordinator:
        return Coordinator(
            self,
            self.experiment(KEY),
            clock=lambda: self.seconds,
            suggester=suggester,
            start_grace_s=start_grace_s,
        )

    def lead(self, exp_key: str, owner: str, lease_s: float, elapsed: Elapsed | None = None) -> Leadership:
        leadership = super().lead(exp_key, owner, lease_s, elapsed)
        self._leader = leadership.owner
        return leadership

    def renew_leadership(self) -> None:
        """Renew the lease of the leader, which does nothing else."""
        self.lead(KEY, self._leader, LEADER_LEASE_S)

    def wait_for_change(self, exp_key: str | None, timeout_s: float) -> None:
        self.during_wait()
        self.seconds += timeout_s

    def counts(self, exp_key: Any, states: Any = None) -> Mapping[State, int]:
        happen, self.before_count = self.before_count, lambda: None
        happen()
        return super().counts(exp_key, states)

    def add_worker(self, name: str, slots: int) -> None:
        self.record_worker(Worker(name=name, host="h", pid=1, slots=slots), 1e9)

    def claim_next(self) -> Trial | None:
        self.n_claims += 1
        return self.claim(Worker(name="w", host="h", pid=1), f"token-{self.n_claims}", [KEY])

    def finish_with(self, trial: Trial, loss: float | None) -> None:
        self.finish(trial, Result(loss=loss, duration_s=1.0))

    def drop_trials(self) -> None:
        """Remove the trials, as `db.trials.deleteMany` in the Mongo shell does."""
        del self._trials_by_key[KEY]

    def in_state(self, *states: State) -> list[Trial]:
        return list(self.trials(KEY, states=states))


class InterruptedSuggester:
    """Suggests like the algorithm of an experiment, and calls a function before it returns.

    Parameters
    ----------
    experiment : Experiment
        The experiment.
    """

    def __init__(self, experiment: Experiment) -> None:
        self._suggester = make_suggester(experiment.algorithm, Space.from_json(experiment.space))
        self.before_return: Callable[[], object] = lambda: None

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        found = self._suggester.suggest(history, pending, rngs)
        self.before_return()
        return found


def tick_until(
    store: FakeClockStore,
    coordinator: Coordinator,
    seconds: float,
    *,
    until: State | None = None,
    trial: Trial | None = None,
) -> float | None:
    """Tick every second; return the seconds until a trial is in a state, or None."""
    start = store.seconds
    while store.seconds - start < seconds:
        coordinator.tick()
        if trial is not None and store.trial(KEY, trial.tid).state is until:
            return store.seconds - start
        store.seconds += 1
    return None


def run_search(store: FakeClockStore, coordinator: Coordinator) -> int:
    """Tick and evaluate until the search is over; return the number of finished trials."""
    while not (coordinator.tick() and coordinator.is_over()):
        store.seconds += 1
        if (trial := store.claim_next()) is not None:
            store.finish_with(trial, trial.values["x"] ** 2)
    return coordinator.wind_down(grace_s=0).n_finished
