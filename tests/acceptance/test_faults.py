"""Whole fleets that lose a process in the middle of things. What counts is in the database."""

from __future__ import annotations

import os
import signal
from collections import Counter

import pytest

from hpsearch import mongod
from hpsearch.core.trial import FINISHED, State
from tests.support.fleet import SHORT_LEASE, Fleet, running_trials, wait_for_exit
from tests.support.waiting import wait_until

N = 12


def is_complete(fleet: Fleet) -> None:
    """Each trial that was asked for ended once, in one final state, and the count is exact."""
    trials = fleet.trials()
    finished = [t for t in trials if t.state in FINISHED]
    assert len(finished) == N
    assert [t for t in trials if not t.state.is_final] == []
    assert all(t.loss == t.values["x"] ** 2 for t in finished)
    assert Counter(t.tid for t in trials).most_common(1)[0][1] == 1
    assert [t.tid for t in trials] == list(range(len(trials)))


def test_a_worker_killed_during_a_trial_costs_only_a_rerun(fleet: Fleet) -> None:
    victim = fleet.worker("--name", "victim", SLEEP="600")
    coordinator = fleet.coordinator("--max-evals", str(N), *SHORT_LEASE)
    wait_until(lambda: bool(running_trials(fleet.trials())), "a trial that the victim holds")
    [held] = running_trials(fleet.trials())
    os.killpg(victim.pid, signal.SIGKILL)
    for i in range(2):
        fleet.worker("--name", f"survivor-{i}")
    assert wait_for_exit(coordinator) == 0
    is_complete(fleet)
    again = fleet.trials()[held.tid]
    assert again.attempt >= 2
    assert again.worker is not None
    assert again.worker.name.startswith("survivor")
    first = again.history[0]
    assert (first.attempt, first.worker, first.why) == (1, "victim", "lease expired")


@pytest.mark.long
def test_a_killed_and_restarted_coordinator_reaches_the_exact_count(fleet: Fleet) -> None:
    for _ in range(3):
        fleet.worker()
    first = fleet.coordinator("--max-evals", str(N))
    wait_until(lambda: sum(t.state is State.DONE for t in fleet.trials()) >= 3, "three trials")
    first.kill()
    second = fleet.coordinator("--max-evals", str(N))
    assert wait_for_exit(second) == 0
    is_complete(fleet)
    assert fleet.calls() == N, "no trial was evaluated twice"


def test_a_mongod_killed_during_a_search_loses_nothing(fleet_with_server: Fleet) -> None:
    workers = [fleet_with_server.worker() for _ in range(3)]
    coordinator = fleet_with_server.coordinator("--max-evals", str(N))
    wait_until(lambda: sum(t.state is State.DONE for t in fleet_with_server.trials()) >= 3, "three trials")
    acknowledged = {t.tid: t.loss for t in fleet_with_server.trials() if t.state is State.DONE}
    kill_mongod(fleet_with_server)
    assert wait_for_exit(coordinator) == 0
    is_complete(fleet_with_server)
    final = {t.tid: t.loss for t in fleet_with_server.trials()}
    assert {tid: final[tid] for tid in acknowledged} == acknowledged
    assert [w.poll() for w in workers] == [None] * 3, "the workers rode it out"
    outputs = [fleet_with_server.output(w) for w in workers]
    assert all(text.count("MongoDB is away") <= 2 for text in outputs), "said once, not in a loop"


def test_a_standby_takes_over_from_a_killed_leader(fleet: Fleet) -> None:
    leader = fleet.coordinator("--max-evals", str(N))
    wait_until(lambda: bool(fleet.trials()), "the leader to suggest")
    standby = fleet.coordinator("--max-evals", str(N))
    wait_until(lambda: "standby" in fleet.output(standby), "the standby to say so")
    fleet.worker(SLEEP="0.5")
    wait_until(lambda: sum(t.state is State.DONE for t in fleet.trials()) >= 2, "two trials")
    leader.kill()
    assert wait_for_exit(leader) == -signal.SIGKILL, "it had not ended by itself"
    assert wait_for_exit(standby) == 0
    is_complete(fleet)


def kill_mongod(fleet: Fleet) -> None:
    """Kill the private server and start it again, as an operator would."""
    found = mongod.status()
    assert found.pid is not None
    os.kill(found.pid, signal.SIGKILL)
    with mongod.private_mongod() as server:
        assert server.uri == fleet.uri
