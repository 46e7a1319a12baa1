"""Warnings and limits of a search on a fleet, with a fake clock."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from hpsearch.coordination.plan import EndReason
from hpsearch.core.trial import State
from hpsearch.core.worker import Worker
from hpsearch.hyperopt import Domain, FMinIter, Trials, hp, rand
from hpsearch.hyperopt.mongo.monitor import SearchMonitor
from hpsearch.hyperopt.progress import NoProgress
from tests.support.progress_states import progress

WORKER = Worker(name="anna", host="machine", pid=1)


class FakeSearch:
    """A monitor with a fake clock."""

    def __init__(self, has_more_points: bool = True, **limits: Any) -> None:
        self.seconds, self.has_more_points = 0.0, has_more_points
        domain = Domain(lambda x: x, hp.uniform("x", 0, 1))
        rounds = FMinIter(rand.suggest, domain, Trials(), rstate=0, **limits)
        self.monitor = SearchMonitor(
            rounds, lambda: self.has_more_points, 0, NoProgress(), lambda: self.seconds
        )

    def after(
        self,
        seconds: float,
        *,
        pending: Any = 0,
        running: Any = 0,
        done: Any = 0,
        workers: Any = (),
        n_left_idle: Any = 0,
    ) -> EndReason | None:
        self.seconds += seconds
        counts = {
            **dict.fromkeys(State, 0),
            State.PENDING: pending,
            State.RUNNING: running,
            State.DONE: done,
        }
        state = progress(counts=counts, workers=tuple(workers), n_left_idle=n_left_idle)
        self.monitor.show(state)
        return self.monitor.check(state)


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The warnings so far."""
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_missing_worker_is_reported_once(warnings: Callable[[], list[str]]) -> None:
    search = FakeSearch()
    search.after(4.9, pending=1)
    assert warnings() == []
    search.after(0.2, pending=1)
    search.after(99.0, pending=1)
    [message] = warnings()
    assert message.startswith("No worker serves ")
    assert "hpsearch worker --store URI --exp-key" in message


def test_workers_that_claim_nothing_are_reported(warnings: Callable[[], list[str]]) -> None:
    """For example because they cannot load the objective."""
    search = FakeSearch()
    search.after(19.0, pending=3, workers=[WORKER])
    search.after(0.5, running=1, workers=[WORKER])
    search.after(19.0, pending=3, workers=[WORKER])
    assert warnings() == []
    search.after(2.0, pending=3, workers=[WORKER])
    assert "although 1 could; check their logs" in warnings()[0]


def test_each_period_without_workers_is_reported(warnings: Callable[[], list[str]]) -> None:
    """Each time only after a while."""
    search = FakeSearch()
    search.after(6.0, pending=1)
    for n_warnings in (1, 2):
        assert len(warnings()) == n_warnings
        search.after(9.0, running=1, workers=[WORKER])
        search.after(0.5, pending=1, done=2)
        assert len(warnings()) == n_warnings
        search.after(5.0, pending=1, done=2)
    assert all(message.startswith("No worker serves ") for message in warnings())


def test_workers_that_left_without_a_trial_are_reported(warnings: Callable[[], list[str]]) -> None:
    """Also after a warning about missing workers, but not once a trial has finished."""
    search = FakeSearch()
    search.after(6.0, pending=1)
    search.after(1.0, pending=1, n_left_idle=2)
    search.after(6.0, pending=1, n_left_idle=3)
    assert len(warnings()) == 2
    assert (
        "have left, 3 of them without a trial; check their logs (often another HPSEARCH_SECRET"
        in warnings()[1]
    )
    search.after(6.0, pending=1, done=1, n_left_idle=3)
    search.after(6.0, pending=1, done=1, n_left_idle=3)
    assert warnings()[2].startswith("No worker serves ")


def test_a_long_trial_causes_no_warning(warnings: Callable[[], list[str]]) -> None:
    search = FakeSearch()
    for _ in range(10):
        search.after(1000.0, running=1)
    assert warnings() == []


def test_the_timeout_starts_with_the_call() -> None:
    search = FakeSearch(timeout=10)
    assert search.after(9.9, pending=1) is None
    assert search.after(0.2, pending=1) is EndReason.TIMEOUT


def test_a_search_ends_when_the_algorithm_has_no_more_points_and_no_trial_is_open() -> None:
    search = FakeSearch(has_more_points=False)
    assert search.after(1, pending=1, running=1) is None
    assert search.after(1, running=1, done=1) is None
    assert search.after(1, done=2) is EndReason.NO_MORE_POINTS
    assert FakeSearch().after(1) is None


def test_the_early_stopping_rule_is_called_only_after_new_results() -> None:
    calls = []

    def rule(trials: Any, n: int = 0) -> Any:
        calls.append(n)
        return n == 2, [n + 1]

    search = FakeSearch(early_stop_fn=rule)
    reasons = [search.after(1, done=done, running=1) for done in (0, 1, 1, 3, 3, 4)]
    assert calls == [0, 1, 2]
    assert reasons == [None] * 5 + [EndReason.EARLY_STOP]
