"""Real coordinators and the commands that control them: pause, stop, signals, a change of leader."""

from __future__ import annotations

import signal

import pytest

from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.trial import FINISHED, State
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.command_line import Call
from tests.support.fleet import Fleet, running_trials, wait_for_exit
from tests.support.waiting import GROWING_LIMITS_S, wait_until


def experiment(fleet: Fleet) -> Experiment:
    store = MongoStore.connect(fleet.uri, patience=Patience(120))
    try:
        return store.experiment("search")
    finally:
        store.close()


def n_finished(fleet: Fleet) -> int:
    return sum(t.state in FINISHED for t in fleet.trials())


def is_exact(fleet: Fleet, n: int) -> None:
    assert n_finished(fleet) == n
    assert [t for t in fleet.trials() if not t.state.is_final] == []
    assert fleet.calls() == n, "no trial was evaluated twice"


def test_a_stopped_search_ends_its_trials_and_its_coordinator(fleet: Fleet, call: Call) -> None:
    worker = fleet.worker(SLEEP="600")
    coordinator = fleet.coordinator("--drain-timeout", "0.5s")
    wait_until(lambda: bool(running_trials(fleet.trials())), "a running trial")
    assert call("stop", "search").code == 0
    wait_for_exit(coordinator)
    assert {t.state for t in fleet.trials()} == {State.CANCELLED}
    assert experiment(fleet).state is ExperimentState.STOPPED
    wait_until(lambda: "was stopped: cancelled" in fleet.output(worker), "the worker to stop the trial")
    assert worker.poll() is None


@pytest.mark.long
def test_a_paused_search_starts_nothing_and_goes_on_when_resumed(fleet: Fleet) -> None:
    """The first worker is slow, so that the search is paused before it ends."""
    fleet.worker(SLEEP="4")
    coordinator = fleet.coordinator("--max-evals", "4")
    wait_until(lambda: bool(running_trials(fleet.trials())), "the first trial")
    assert fleet.call("pause", "search").returncode == 0
    wait_until(lambda: not running_trials(fleet.trials()), "the running trial to end")
    n_calls = fleet.calls()
    assert n_calls < 4
    assert fleet.call("status").returncode == 0  # meanwhile a worker would have begun the next one
    assert (fleet.calls(), coordinator.poll()) == (n_calls, None)
    assert experiment(fleet).state is ExperimentState.PAUSED
    assert fleet.call("resume", "search").returncode == 0
    fleet.worker(SLEEP="0")
    assert wait_for_exit(coordinator) == 0
    is_exact(fleet, 4)


def test_a_signal_ends_the_coordinator_and_leaves_the_search_to_the_next(fleet: Fleet) -> None:
    fleet.worker("--concurrency", "2")
    first = fleet.coordinator("--max-evals", "10")
    wait_until(lambda: n_finished(fleet) >= 2, "two trials")
    first.terminate()
    assert wait_for_exit(first) == 143
    assert experiment(fleet).state is ExperimentState.RUNNING
    assert [t for t in fleet.trials() if t.state is State.CANCELLED] == []
    second = fleet.coordinator("--max-evals", "10")
    assert wait_for_exit(second) == 0
    is_exact(fleet, 10)


@pytest.mark.long
def test_a_larger_budget_continues_a_finished_search(fleet: Fleet) -> None:
    fleet.worker()
    assert wait_for_exit(fleet.coordinator("--max-evals", "3")) == 0
    is_exact(fleet, 3)
    assert wait_for_exit(fleet.coordinator("--max-evals", "5")) == 0
    is_exact(fleet, 5)


def test_the_timeout_of_a_search_cancels_running_trials(fleet: Fleet) -> None:
    worker = fleet.worker(SLEEP="600")
    wait_until(lambda: "serves" in fleet.output(worker), "the worker")
    for limit_s in GROWING_LIMITS_S:
        coordinator = fleet.coordinator("--timeout", f"{limit_s}s", "--drain-timeout", "0.5s")
        assert wait_for_exit(coordinator) == 1, "no trial succeeded"
        assert experiment(fleet).ended_why == "timeout"
        if any(trial.attempt for trial in fleet.trials()):
            break
    wait_until(lambda: "was stopped: cancelled" in fleet.output(worker), "the worker to stop the trial")


@pytest.mark.long
def test_a_leader_suspended_beyond_its_lease_is_replaced_and_the_count_is_exact(fleet: Fleet) -> None:
    """Longer than its lease on the leadership; then it wakes up in the middle of whatever it did."""
    fleet.worker(SLEEP="0.4")
    leader = fleet.coordinator("--max-evals", "30")
    wait_until(lambda: n_finished(fleet) >= 2, "two trials")
    standby = fleet.coordinator("--max-evals", "30")
    wait_until(lambda: "standby" in fleet.output(standby), "the standby")
    leader.send_signal(signal.SIGSTOP)
    stood_at = len(fleet.trials())
    wait_until(lambda: len(fleet.trials()) > stood_at + 2, "the standby to suggest")
    leader.send_signal(signal.SIGCONT)
    assert wait_for_exit(standby) == 0
    assert wait_for_exit(leader) == 0
    is_exact(fleet, 30)


@pytest.mark.long
def test_a_burst_worker_stays_while_a_coordinator_leads(fleet: Fleet) -> None:
    coordinator = fleet.coordinator("--max-evals", "6")
    wait_until(lambda: bool(fleet.trials()), "a trial")
    worker = fleet.worker("--burst")
    assert wait_for_exit(coordinator) == 0
    assert wait_for_exit(worker) == 0
    is_exact(fleet, 6)
