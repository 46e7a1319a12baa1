"""A search on a store in memory, by a clock of the test's own: no waiting, any order of events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from hpsearch import hp
from hpsearch.coordination.coordinator import Coordinator
from hpsearch.core.experiment import Algorithm, Budget, Defaults, Experiment, ObjectiveRef
from hpsearch.core.history import History
from hpsearch.core.trial import Result, State, Trial
from hpsearch.core.worker import Worker
from hpsearch.space.tree import Space, Values
from hpsearch.store.memory.store import MemoryStore
from hpsearch.suggest.protocol import Suggester, Suggestion

SPACE = Space({"x": hp.uniform("x", -5, 5), "kind": hp.choice("kind", ["a", {"y": hp.normal("y", 0, 1)}])})
KEY = "search"
LEASE_S = 60.0


class FakeClockStore(MemoryStore):
    """A store, its clock, and workers that do as they are told."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.step_s = 0.0  #: by which the store's clock was set
        super().__init__(
            lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds + self.step_s)
        )
        self.during_wait: Callable[[], None] = lambda: None  #: what happens while a coordinator waits
        self.before_count: Callable[[], None] = lambda: None  #: what happens before trials are counted
        self.n_claims = 0

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

    def coordinator(self) -> Coordinator:
        return Coordinator(self, self.experiment(KEY), clock=lambda: self.seconds)

    def wait_for_change(self, exp_key: str, timeout_s: float) -> None:
        self.during_wait()
        self.seconds += timeout_s

    def counts(self, exp_key, states=None):
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

    def in_state(self, *states: State) -> list[Trial]:
        return list(self.trials(KEY, states=states))


def thinking_slowly(
    coordinator: Coordinator, during_wait: Callable[[], object], *, is_once: bool = True
) -> None:
    """Let something happen while the coordinator makes suggestions."""
    batches = coordinator._batches

    class Slow:
        def __init__(self, suggester: Suggester) -> None:
            self.suggester = suggester

        def suggest(
            self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
        ) -> list[Suggestion]:
            found = self.suggester.suggest(history, pending, rngs)
            during_wait()
            if is_once:
                batches.suggester = self.suggester
            return found

    batches.suggester = Slow(batches.suggester)


def tick_until(
    store: FakeClockStore,
    coordinator: Coordinator,
    seconds: float,
    *,
    until: State | None = None,
    trial: Trial | None = None,
) -> float | None:
    """Tick every second; return after how long a trial came to a state, None if it did not."""
    start = store.seconds
    while store.seconds - start < seconds:
        coordinator.tick()
        if trial is not None and store.trial(KEY, trial.tid).state is until:
            return store.seconds - start
        store.seconds += 1
    return None


def run_search(store: FakeClockStore, coordinator: Coordinator) -> int:
    """Tick and evaluate until the search is over; return how many trials finished."""
    while not (coordinator.tick() and coordinator.is_over()):
        store.seconds += 1
        if (trial := store.claim_next()) is not None:
            store.finish_with(trial, trial.values["x"] ** 2)
    return coordinator.wind_down(grace_s=0).n_finished
