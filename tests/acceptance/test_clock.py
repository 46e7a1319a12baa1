"""A fleet of real processes on a MongoDB whose clock is set."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import State
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.fleet import OBJECTIVE, SHORT_LEASE, Fleet, running_trials
from tests.support.movable_clock import MovableClock, compiled
from tests.support.servers import Server
from tests.support.waiting import wait_until

HOUR_S = 3600


class Timed(Fleet):
    """A fleet, and the clock of its server."""

    clock: MovableClock

    def experiment(self) -> Experiment:
        store = MongoStore.connect(self.uri, patience=Patience(60))
        try:
            return store.experiment("search")
        finally:
            store.close()

    def n_done(self) -> int:
        return sum(trial.state is State.DONE for trial in self.trials())


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Timed]:
    library = compiled(tmp_path)
    if library is None:
        text = "there is no C compiler; install g++"
        pytest.fail(text) if os.environ.get("CI") else pytest.skip(text)
    server = Server(tmp_path / "m")
    clock = MovableClock(library, tmp_path / "offset")
    server.environment = clock.environment
    clock.move(HOUR_S)
    server.start()
    (tmp_path / "search.py").write_text(OBJECTIVE)
    (tmp_path / "calls").touch()
    made = Timed(tmp_path, server.uri)
    made.clock = clock
    yield made
    made.end()
    server.kill()


@pytest.mark.long
def test_processes_killed_while_the_clock_is_set_back_are_replaced_within_a_lease(fleet: Timed) -> None:
    """The leader and a worker; with leases that are dates alone both would seem to live for an hour."""
    leader = fleet.coordinator(*SHORT_LEASE)
    wait_until(lambda: bool(fleet.trials()), "a trial")
    fleet.coordinator(*SHORT_LEASE)
    dying, other = fleet.worker(SLEEP="1"), fleet.worker(SLEEP="1")

    def held() -> list[int]:
        return [t.tid for t in running_trials(fleet.trials()) if t.worker and t.worker.pid == dying.pid]

    wait_until(lambda: bool(held()), "a trial in hand")
    [tid] = held()
    for process in (dying, leader):
        os.killpg(process.pid, signal.SIGKILL)
    fleet.clock.move(0)

    wait_until(lambda: fleet.trials()[tid].state is State.DONE, "the trial, run again", 60)
    trial = fleet.trials()[tid]
    assert trial.worker is not None
    assert trial.worker.pid in (dying.pid, other.pid)  # its result may have come as it was killed
    n_done, n_trials = fleet.n_done(), len(fleet.trials())
    wait_until(lambda: fleet.n_done() > n_done, "more results")
    wait_until(lambda: len(fleet.trials()) > n_trials + 1, "suggestions of the standby")


@pytest.mark.long
def test_a_step_of_the_clock_ends_no_search_by_its_timeout(fleet: Timed) -> None:
    coordinator = fleet.coordinator("--timeout", "30m")
    fleet.worker(SLEEP="0.2")
    wait_until(lambda: fleet.n_done() >= 2, "two results")
    for offset_s in (2 * HOUR_S, 0, 9 * HOUR_S):
        fleet.clock.move(offset_s)
        n_done = fleet.n_done()
        wait_until(lambda n=n_done: fleet.n_done() >= n + 8, "more results")
        assert coordinator.poll() is None, fleet.output(coordinator)
    experiment = fleet.experiment()
    assert experiment.ended_why is None
    assert experiment.elapsed is not None
    assert experiment.elapsed.seconds < HOUR_S
