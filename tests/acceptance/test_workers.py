"""Real workers on a real MongoDB: options, signals, lost leases, and objectives that misbehave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
from pymongo import MongoClient

from hpsearch import mongod
from hpsearch.core.trial import FailureKind, State
from hpsearch.core.worker import WorkerState
from hpsearch.runtime.signals import ECHO_S
from tests.support.command_line import Call
from tests.support.fleet import Fleet, wait_for_exit
from tests.support.objectives import TrialQueue, open_queue
from tests.support.waiting import GROWING_LIMITS_S, wait_until

# What comes back


@pytest.mark.parametrize("isolation", ["--isolate", pytest.param("--no-isolate", marks=pytest.mark.long)])
def test_results_of_all_kinds_are_stored_and_come_back(queue: TrialQueue, isolation: str) -> None:
    key = queue.submit("odd_values", 1)
    assert wait_for_exit(queue.fleet.worker("--burst", isolation)) == 0
    trial = queue.trial(key)
    assert (trial.state, trial.loss) == (State.DONE, 0.5)
    assert trial.result["weights"] == [[0, 1, 2], [3, 4, 5]]
    assert trial.result["nested"] == {"a": [1, [2.5, None]], "b.c": {"$d": True}}
    assert trial.result["at"].isoformat() == "2026-01-02T03:04:05+00:00"
    assert trial.result["blob"] == b"\0\1"
    assert trial.error is not None
    assert trial.error.kind is FailureKind.UNSTORABLE
    assert "result['model']" in trial.error.message


def test_reports_are_stored_while_the_trial_runs(queue: TrialQueue) -> None:
    key = queue.submit("speaks", 1)
    worker = queue.fleet.worker("--burst")
    wait_until(lambda: bool(queue.trial(key).reports), "the first report")
    assert queue.trial(key).state is State.RUNNING
    queue.touch("go_on")
    assert wait_for_exit(worker) == 0
    assert [(r.step, r.value) for r in queue.trial(key).reports] == [(1.0, 0.5), (2.0, 0.25)]


@pytest.mark.long
def test_a_worker_shares_its_time_by_priority_and_serves_priority_0_last(
    queue: TrialQueue, call: Call
) -> None:
    """It used to finish the queue of the oldest before it looked at a newer one."""
    oldest = queue.submit("quick", 60)
    keys = [oldest]
    for name, priority in (("newer", 3), ("spare", 0)):
        (queue.fleet.folder / f"{name}.py").write_text((queue.fleet.folder / "work.py").read_text())
        keys.append(queue.submit("quick", 60, file=f"{name}.py"))
        assert call("priority", keys[-1], str(priority)).code == 0
    assert wait_for_exit(queue.fleet.worker("--burst", "--max-trials", "40")) == 0
    claimed = sorted(
        (t.claimed_at, key) for key in keys for t in queue.store.trials(key) if t.claimed_at is not None
    )
    order = [key for _, key in claimed]
    assert len(order) == 40
    assert keys[2] not in order
    # When an experiment has its first turn is random; from then on it has its share.
    both = order[max(order.index(key) for key in keys[:2]) :]
    assert abs(both.count(oldest) - len(both) / 4) <= 2


@pytest.mark.long
def test_unread_output_blocks_no_trial(queue: TrialQueue) -> None:
    """As with ``hpsearch worker 2>&1 | head -1``."""
    queue.touch("go_on")
    key = queue.submit("speaks_a_lot", 2)
    reader, writer = os.pipe()
    worker = subprocess.Popen(
        [sys.executable, "-m", "hpsearch", "worker", "--burst"],
        cwd=queue.fleet.folder,
        env=queue.fleet.environment(),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    queue.wait_for_file("started")
    os.close(reader)
    assert wait_for_exit(worker) == 0
    assert queue.states(key) == ["done", "done"]


# When a worker leaves by itself


@pytest.mark.long
def test_max_trials_holds_for_all_slots_together(queue: TrialQueue) -> None:
    key = queue.submit("quick", 0)
    worker = queue.fleet.worker("--max-trials", "2", "--concurrency", "4")
    wait_until(lambda: len(queue.store.workers()) == 1, "the worker, which finds nothing to do")
    wait_until(lambda: "serves" in queue.fleet.output(worker), "the worker to look for work")
    queue.submit("quick", 5)
    assert wait_for_exit(worker) == 0
    assert queue.states(key).count("done") == 2
    assert queue.states(key).count("pending") == 3


@pytest.mark.long
def test_a_worker_exits_after_its_idle_time_but_not_while_a_slot_works(queue: TrialQueue) -> None:
    key = queue.submit("a_second", 1)
    worker = queue.fleet.worker("--max-idle", "0.3s", "--concurrency", "2")
    queue.wait_for_file("started")
    wait_until(lambda: queue.states(key) == ["done"], "the trial")
    assert wait_for_exit(worker) == 0
    [left] = queue.store.workers()
    assert (left.state, left.n_done) == (WorkerState.STOPPED, 1)


@pytest.mark.long
def test_a_worker_past_its_claim_time_finishes_its_trial(
    queue: TrialQueue,
) -> None:
    key = queue.submit("waits_to_go_on", 2)
    for limit_s in GROWING_LIMITS_S:
        worker = queue.fleet.worker("--claim-for", f"{limit_s}s", "--drain-timeout", "0s")
        if has_claimed(worker, queue, key):
            break
    claimed_by = time.monotonic()  # so the time to claim has begun
    queue.wait_for_file("started")
    wait_until(lambda: time.monotonic() - claimed_by > limit_s, "the end of the time to claim")
    queue.touch("go_on")
    assert wait_for_exit(worker) == 0
    assert queue.states(key) == ["done", "pending"]


def has_claimed(worker: subprocess.Popen[str], queue: TrialQueue, key: str) -> bool:
    """Wait until a worker claims a trial; return False if it ends before."""
    wait_until(lambda: worker.poll() is not None or "running" in queue.states(key), "a claim, or the end")
    return worker.poll() is None


def test_evaluations_start_in_the_working_folder_which_is_created(queue: TrialQueue) -> None:
    key = queue.submit("writes_here", 2)
    assert wait_for_exit(queue.fleet.worker("--burst", "--workdir", "scratch/deep")) == 0
    assert queue.states(key) == ["done", "done"]
    written = queue.fleet.folder / "scratch" / "deep"
    assert [path.name for path in written.iterdir()] == ["written"]
    assert (written / "written").read_text() == "xx"


def test_an_impossible_working_folder_is_reported_in_one_sentence(queue: TrialQueue) -> None:
    queue.touch("occupied")
    worker = queue.fleet.worker("--workdir", "occupied/here")
    assert wait_for_exit(worker) == 78
    assert "occupied/here cannot be created: Not a directory." in queue.fleet.output(worker)


def test_too_many_consecutive_failures_end_a_worker(queue: TrialQueue) -> None:
    key = queue.submit("fails", 5)
    worker = queue.fleet.worker("--max-consecutive-failures", "2")
    assert wait_for_exit(worker) == 70
    assert queue.states(key).count("failed") == 2
    assert "2 trials in a row failed" in queue.fleet.output(worker)


def test_a_requested_objective_that_cannot_be_loaded_ends_the_worker(queue: TrialQueue) -> None:
    key = queue.submit("absent", 1)
    worker = queue.fleet.worker("--exp-key", key)
    assert wait_for_exit(worker) == 65
    assert "there is no 'absent'" in queue.fleet.output(worker)
    assert (queue.trial(key).state, queue.trial(key).attempt) == (State.PENDING, 0)


@pytest.mark.long
def test_an_objective_that_no_pattern_allows_is_left_to_other_workers(queue: TrialQueue) -> None:
    refused, allowed = queue.submit("quick", 1), queue.submit("odd_values", 1)
    anybodys = queue.fleet.worker("--burst", HPSEARCH_WORKER_ALLOW="work.py:odd_* lab.*:*")
    assert wait_for_exit(anybodys) == 0
    assert (queue.states(refused), queue.states(allowed)) == (["pending"], ["done"])
    output = queue.fleet.output(anybodys)
    assert output.count(f"not serving {refused}: The objective work.py:quick of the kind 'file'") == 1
    asked = queue.fleet.worker("--exp-key", refused, "--allow", "work.py:odd_values")
    assert wait_for_exit(asked) == 65
    assert "no --allow pattern matches" in queue.fleet.output(asked)
    assert wait_for_exit(queue.fleet.worker("--burst", "--allow", "work.py:quick")) == 0
    assert queue.states(refused) == ["done"]


ROOT = [["x", {"parameter": "x"}], ["more", {"operation": 1}]]


@pytest.mark.parametrize("isolation", ["--isolate", pytest.param("--no-isolate", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("operations", "problem"),
    [
        (
            [
                {"name": "getitem", "args": [{"import": "lab.x:__builtins__"}, "exec"]},
                {"name": "max", "args": [{"tuple": ["CODE", "1"]}], "keywords": [["key", {"operation": 0}]]},
            ],
            "lab.x:__builtins__, which is not allowed",
        ),
        (
            [
                {"name": "getitem", "args": [{"import": "lab.x:table"}, "run"]},
                {"name": "max", "args": [{"tuple": ["CODE", "1"]}], "keywords": [["key", {"operation": 0}]]},
            ],
            "reaches functions through max, which is not allowed",
        ),
        (
            [{"name": "bool", "args": [1]}, {"name": "call", "args": [{"import": "lab.x:run"}, "CODE"]}],
            "lab.x:run is defined elsewhere, as builtins:exec",
        ),
    ],
    ids=["double underscores", "a key", "an import of the module"],
)
def test_a_space_calls_only_allowed_functions(
    queue: TrialQueue, isolation: str, operations: list[dict[str, Any]], problem: str
) -> None:
    """Whoever writes experiments chooses the space, and would choose the code."""
    (queue.fleet.folder / "lab").mkdir()
    (queue.fleet.folder / "lab" / "x.py").write_text(
        "from builtins import exec as run\ntable = {'run': run}\ndef objective(config): return config['x']\n"
    )
    code = f"open({str(queue.fleet.folder / 'ran')!r}, 'w')"
    key = queue.submit("objective", 1, file="lab.x", kind="import")
    with MongoClient[dict[str, Any]](queue.fleet.uri) as client:
        client.get_default_database()["experiments"].update_one(
            {"_id": key},
            {
                "$set": {
                    "space.root": {"dict": ROOT},
                    "space.operations": json.loads(json.dumps(operations).replace("CODE", code)),
                }
            },
        )
    worker = queue.fleet.worker("--exp-key", key, "--allow", "lab.**:*", isolation)
    assert wait_for_exit(worker) == 65
    assert problem in queue.fleet.output(worker)
    assert not (queue.fleet.folder / "ran").exists()
    assert queue.states(key) == ["pending"]


def test_a_worker_serves_others_besides_an_experiment_it_cannot_load(queue: TrialQueue) -> None:
    broken = queue.submit("quick", 2, file="missing.py")
    fine = queue.submit("quick", 2)
    worker = queue.fleet.worker("--burst")
    assert wait_for_exit(worker) == 0
    assert queue.states(fine) == ["done", "done"]
    assert [(t.state, t.attempt) for t in queue.store.trials(broken)] == [(State.PENDING, 0)] * 2
    assert queue.fleet.output(worker).count("not serving quick-missing") == 1


# Signals


@pytest.mark.parametrize("signum", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_a_terminated_worker_finishes_its_trial(queue: TrialQueue, signum: signal.Signals) -> None:
    key = queue.submit("waits_to_go_on", 3)
    worker = queue.fleet.worker("--drain-timeout", "600s")
    queue.wait_for_file("started")
    worker.send_signal(signum)
    wait_until(lambda: queue.store.workers()[0].state is WorkerState.DRAINING, "the worker to drain")
    queue.touch("go_on")
    assert wait_for_exit(worker) == 0
    assert queue.states(key) == ["done", "pending", "pending"]


@pytest.mark.parametrize("isolation", ["--isolate", "--no-isolate"])
def test_a_trial_that_outlasts_the_drain_is_released_without_an_attempt(
    queue: TrialQueue, isolation: str
) -> None:
    key = queue.submit("slow_once", 1, max_attempts=1)
    worker = queue.fleet.worker("--drain-timeout", "0.2s", "--name", "first", isolation)
    queue.wait_for_file("started")
    worker.terminate()
    assert wait_for_exit(worker) == 0
    trial = queue.trial(key)
    assert (trial.state, trial.owner) == (State.PENDING, None)
    assert [(e.attempt, e.worker, e.why) for e in trial.history] == [(1, "first", "worker drained")]
    assert wait_for_exit(queue.fleet.worker("--burst")) == 0
    assert queue.trial(key).state is State.DONE


@pytest.mark.long
def test_max_runtime_ends_a_worker_like_a_signal(queue: TrialQueue) -> None:
    key = queue.submit("slow", 1)
    for limit_s in GROWING_LIMITS_S:
        worker = queue.fleet.worker("--max-runtime", f"{limit_s}s", "--drain-timeout", "0.2s")
        assert wait_for_exit(worker) == 0
        if queue.trial(key).history:
            break
    assert [e.why for e in queue.trial(key).history] == ["worker drained"]


@pytest.mark.long
def test_a_second_signal_still_releases_the_trial(queue: TrialQueue) -> None:
    key = queue.submit("slow", 1)
    worker = queue.fleet.worker("--drain-timeout", "600s")
    queue.wait_for_file("started")
    worker.terminate()
    asked_at = time.monotonic()
    wait_until(lambda: time.monotonic() - asked_at > 1.1 * ECHO_S, "a signal that is no echo of the first")
    worker.terminate()
    assert wait_for_exit(worker) == 143
    assert [e.why for e in queue.trial(key).history] == ["worker drained"]


# Leases


def test_a_cancelled_trial_is_stopped_long_before_its_lease_ends(queue: TrialQueue) -> None:
    key = queue.submit("slow", 1, lease_s=600.0)
    worker = queue.fleet.worker()
    queue.wait_for_file("started")
    queue.store.cancel(key, {State.RUNNING})
    wait_until(lambda: "was stopped: cancelled" in queue.fleet.output(worker), "the worker to stop the trial")
    other = queue.submit("quick", 1)
    wait_until(lambda: queue.states(other) == ["done"], "the worker to go on")


def test_an_objective_that_holds_the_gil_keeps_its_lease(queue: TrialQueue) -> None:
    key = queue.submit("holds_the_lock", 1, lease_s=1.0)
    worker = queue.fleet.worker("--burst")
    queue.wait_for_file("started")
    for _ in range(4):
        before = queue.trial(key).lease_until
        wait_until(lambda lease=before: queue.trial(key).lease_until != lease, "a renewal")
    queue.touch("go_on")
    assert wait_for_exit(worker) == 0
    trial = queue.trial(key)
    assert (trial.state, trial.attempt, trial.history) == (State.DONE, 1, ())


def test_a_worker_suspended_beyond_its_lease_loses_the_trial_to_another(
    queue: TrialQueue,
) -> None:
    key = queue.submit("slow_once", 1, lease_s=1.0)
    stopped = queue.fleet.worker("--name", "stopped")
    queue.wait_for_file("started")
    stopped.send_signal(signal.SIGSTOP)
    wait_until(lambda: queue.store.expire(key) == 1, "the lease to run out")
    assert wait_for_exit(queue.fleet.worker("--burst", "--name", "next")) == 0
    stopped.send_signal(signal.SIGCONT)
    wait_until(lambda: "was stopped: lease lost" in queue.fleet.output(stopped), "it to notice")
    trial = queue.trial(key)
    assert trial.worker is not None
    assert (trial.state, trial.worker.name, trial.attempt) == (State.DONE, "next", 2)
    other = queue.submit("quick", 1)
    wait_until(lambda: queue.states(other) == ["done"], "it to go on")


def test_a_suspended_worker_keeps_a_trial_that_no_other_claimed(queue: TrialQueue) -> None:
    key = queue.submit("waits_to_go_on", 1, lease_s=1.0)
    worker = queue.fleet.worker("--burst")
    queue.wait_for_file("started")
    worker.send_signal(signal.SIGSTOP)
    queue.touch("go_on")
    wait_until(lambda: queue.store.expire(key) == 1, "the lease to run out")
    worker.send_signal(signal.SIGCONT)
    assert wait_for_exit(worker) == 0
    assert (queue.trial(key).state, queue.trial(key).attempt) == (State.DONE, 1)


# MongoDB away


def test_an_evaluation_continues_without_mongodb_and_loses_no_report(fleet_with_server: Fleet) -> None:
    queue = open_queue(fleet_with_server.folder, fleet_with_server.uri)
    key = queue.submit("speaks_a_lot", 1)
    worker = fleet_with_server.worker("--burst")
    queue.wait_for_file("started")
    kill_mongod()
    queue.touch("go_on")
    queue.wait_for_file("ended")
    with mongod.private_mongod() as server:
        assert server.uri == fleet_with_server.uri
    assert wait_for_exit(worker) == 0
    trial = queue.trial(key)
    assert trial.state is State.DONE
    assert [r.step for r in trial.reports] == list(range(int(trial.loss or 0)))
    queue.store.close()


def test_an_idle_worker_exits_without_waiting_for_mongodb(fleet_with_server: Fleet) -> None:
    worker = fleet_with_server.worker("--drain-timeout", "600s")
    wait_until(lambda: "serves" in fleet_with_server.output(worker), "the worker")
    kill_mongod()
    wait_until(lambda: "is away" in fleet_with_server.output(worker), "the worker to notice")
    worker.terminate()
    assert wait_for_exit(worker) == 0


def kill_mongod() -> None:
    """Take the private server away; ``private_mongod`` brings it back."""
    found = mongod.status()
    assert found.pid is not None
    os.kill(found.pid, signal.SIGKILL)
