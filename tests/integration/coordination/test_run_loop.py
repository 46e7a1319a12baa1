"""The loop of a coordinator: when it ends a search, and when it only stops."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from hpsearch.coordination.coordinator import Coordinator
from hpsearch.coordination.election import LEADER_LEASE_S
from hpsearch.coordination.plan import EndReason
from hpsearch.coordination.progress import Progress
from hpsearch.coordination.run_loop import run_to_end
from hpsearch.core.experiment import Elapsed, ExperimentState
from hpsearch.core.trial import State
from hpsearch.errors import StoreUnavailableError
from tests.support.fake_clock_store import KEY, FakeClockStore


@pytest.fixture
def store() -> FakeClockStore:
    """A search whose trials are evaluated while the coordinator waits."""
    store = FakeClockStore()

    def work() -> None:
        for trial in iter(store.claim_next, None):
            store.finish_with(trial, trial.values["x"])

    store.during_wait = work
    return store


def led(store: FakeClockStore, **options: Any) -> Progress:
    return run_to_end(store.coordinator(), **{"show": lambda progress: None, "grace_s": 0.0, **options})


def is_free(store: FakeClockStore) -> bool:
    """Whether another coordinator can lead at once."""
    return store.lead(KEY, "another", 1.0).is_mine


def test_a_search_ends_at_its_limit_and_all_progress_is_shown(store: FakeClockStore) -> None:
    store.open_search(max_evals=5)
    shown: list[Any] = []
    progress = led(store, show=shown.append)
    assert progress.n_finished == 5
    assert [p.n_finished for p in shown] == sorted(p.n_finished for p in shown)
    assert store.experiment(KEY).ended_why == "max_evals"
    assert is_free(store)


def test_the_callers_check_ends_the_search_for_its_reason(store: FakeClockStore) -> None:
    store.open_search()
    progress = led(store, check=lambda p: EndReason.TIMEOUT if p.n_finished >= 3 else None)
    assert progress.n_finished >= 3
    assert store.counts(KEY)[State.PENDING] == 0
    assert store.experiment(KEY).ended_why == "timeout"


def test_an_interrupt_leaves_the_search_to_another_coordinator(store: FakeClockStore) -> None:
    store.open_search(max_evals=50)
    progress = led(store, is_interrupted=lambda: len(store.in_state(State.DONE)) >= 3)
    assert progress.n_finished >= 3
    assert store.experiment(KEY).state is ExperimentState.RUNNING
    assert len(store.in_state(State.PENDING)) >= 1
    assert is_free(store)


def test_an_exception_of_the_check_is_raised_after_resigning(store: FakeClockStore) -> None:
    store.open_search()

    def check(progress: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        led(store, check=check)
    assert store.experiment(KEY).state is ExperimentState.RUNNING
    assert is_free(store)


class Parting(FakeClockStore):
    """A store that is away when a coordinator resigns."""

    def resign(self, exp_key: str, owner: str, elapsed: Elapsed | None = None) -> None:
        raise StoreUnavailableError("away")


def test_a_failed_resignation_hides_no_other_error() -> None:
    store = Parting()
    store.open_search(max_evals=0)
    assert led(store).experiment.ended_why == "max_evals"


def test_a_standby_stops_once_the_leader_has_ended_the_search(store: FakeClockStore) -> None:
    store.open_search(max_evals=3)
    leader = store.coordinator()
    leader.tick()

    def lead() -> None:
        for trial in iter(store.claim_next, None):
            store.finish_with(trial, 1.0)
        leader.tick()
        if leader.is_over():
            leader.wind_down(0.0)

    store.during_wait = lead
    progress = led(store)
    assert progress.is_standby
    assert progress.experiment.state is ExperimentState.DONE


class Overtaken(FakeClockStore):
    """A store on which the coordinator that ends the search sleeps, and another one restarts the search."""

    def __init__(self) -> None:
        super().__init__()
        self.rival: Coordinator | None = None

    def cancel(self, exp_key: str, states: Iterable[State], *, tids: Iterable[int] | None = None) -> int:
        if self.rival is None:
            self.seconds += LEADER_LEASE_S + 1
            self.open_search(max_evals=6)
            self.rival = self.coordinator()
            self.rival.tick()
        return super().cancel(exp_key, states, tids=tids)


def test_a_leader_that_was_replaced_while_it_ended_the_search_waits_as_standby() -> None:
    store = Overtaken()
    store.open_search(max_evals=3)

    def work() -> None:
        for trial in iter(store.claim_next, None):
            store.finish_with(trial, 1.0)
        if store.rival is not None:
            store.rival.tick()
            if store.rival.is_over():
                store.rival.wind_down(0.0)

    store.during_wait = work
    progress = led(store)
    assert progress.is_standby
    assert (progress.n_finished, progress.experiment.state) == (6, ExperimentState.DONE)
