"""Real workers on a real MongoDB: options, signals, lost leases, and objectives that misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hpsearch import hp, mongod
from hpsearch.experiment import Defaults, Experiment, ObjectiveRef
from hpsearch.fleet import WorkerState
from hpsearch.interrupt import ECHO_S
from hpsearch.space.tree import Space
from hpsearch.store.mongo import MongoStore
from hpsearch.store.mongo_connection import give_up_after
from hpsearch.trial import FailureKind, State, Trial
from tests.acceptance.fleet import Fleet, ended, wait_until

SPACE = Space({"x": hp.uniform("x", 0, 100)})

OBJECTIVES = """
import ctypes, datetime, os, sys, time
from pathlib import Path
import numpy as np
import hpsearch

def quick(config):
    return config["x"]

def odd_values(config):
    return {
        "loss": np.float32(0.5),
        "weights": np.arange(6).reshape(2, 3),
        "nested": {"a": [np.int64(1), (2.5, None)], "b.c": {"$d": True}},
        "at": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        "blob": b"\\0\\1",
        "model": object(),
    }

def fails(config):
    raise ValueError("no luck")

def slow(config):
    Path("started").touch()
    print("at work")
    time.sleep(600)

def slow_once(config):
    if not Path("started").exists():
        slow(config)
    return config["x"]

def stubborn(config):
    Path("started").touch()
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

def a_second(config):
    Path("started").touch()
    time.sleep(1)
    return config["x"]

def holds_the_lock(config):
    ctypes.PyDLL(None).sleep(3)
    return config["x"]

def speaks(config):
    hpsearch.current_trial().report(1, 0.5)
    Path("started").touch()
    while not Path("go_on").exists():
        time.sleep(0.01)
    hpsearch.current_trial().report(2, 0.25)
    return config["x"]

def speaks_a_lot(config):
    Path("started").touch()
    end = time.monotonic() + 1.5
    step = 0
    while time.monotonic() < end or not Path("go_on").exists():
        print("line" * 1000)
        hpsearch.current_trial().report(step, 0.5)
        step += 1
        time.sleep(0.01)
    Path("ended").touch()
    return step
"""


@dataclass
class Shop:
    """Trials that wait for workers, in a database of their own; there is no coordinator."""

    fleet: Fleet
    store: MongoStore

    def open(self, function: str, n: int, *, file: str = "work.py", **defaults: Any) -> str:
        exp_key = f"{function}-{file.removesuffix('.py')}"
        self.store.open_experiment(
            Experiment(
                exp_key=exp_key,
                space=SPACE.to_json(),
                space_fingerprint=SPACE.fingerprint,
                objective=ObjectiveRef(kind="file", ref=f"{file}:{function}"),
                defaults=Defaults(**defaults),
            )
        )
        lease_s, max_attempts = defaults.get("lease_s", 60.0), defaults.get("max_attempts", 3)
        self.store.insert(
            [
                Trial(
                    exp_key=exp_key, tid=i, values={"x": float(i)}, lease_s=lease_s, max_attempts=max_attempts
                )
                for i in range(n)
            ]
        )
        return exp_key

    def trial(self, exp_key: str, tid: int = 0) -> Trial:
        return self.store.trial(exp_key, tid)

    def states(self, exp_key: str) -> list[str]:
        return [t.state.value for t in self.store.trials(exp_key)]

    def wait_for_file(self, name: str, timeout_s: float = 30) -> None:
        wait_until((self.fleet.folder / name).exists, f"the file {name}", timeout_s)

    def touch(self, name: str) -> None:
        (self.fleet.folder / name).touch()


def shop_at(folder: Path, uri: str) -> Shop:
    (folder / "work.py").write_text(OBJECTIVES)
    return Shop(Fleet(folder, uri), MongoStore.connect(uri, patience=give_up_after(60)))


@pytest.fixture
def shop(tmp_path: Path, mongo_uri: str, database: str) -> Iterator[Shop]:
    """On the server of all tests."""
    head, _, options = mongo_uri.partition("?")
    uri = f"{head.rpartition('/')[0]}/{database}?{options}"
    opened = shop_at(tmp_path, uri)
    yield opened
    opened.store.close()
    opened.fleet.end()


# What comes back


@pytest.mark.parametrize("isolation", ["--isolate", "--no-isolate"])
def test_results_of_all_kinds_are_stored_and_come_back(shop, isolation):
    key = shop.open("odd_values", 1)
    assert ended(shop.fleet.worker("--burst", isolation)) == 0
    trial = shop.trial(key)
    assert (trial.state, trial.loss) == (State.DONE, 0.5)
    assert trial.result["weights"] == [[0, 1, 2], [3, 4, 5]]
    assert trial.result["nested"] == {"a": [1, [2.5, None]], "b.c": {"$d": True}}
    assert trial.result["at"].isoformat() == "2026-01-02T03:04:05+00:00"
    assert trial.result["blob"] == b"\0\1"
    assert trial.error is not None
    assert trial.error.kind is FailureKind.UNSTORABLE
    assert "result['model']" in trial.error.message


def test_reports_are_stored_while_the_trial_runs(shop):
    key = shop.open("speaks", 1)
    worker = shop.fleet.worker("--burst")
    wait_until(lambda: bool(shop.trial(key).reports), "the first report")
    assert shop.trial(key).state is State.RUNNING
    shop.touch("go_on")
    assert ended(worker) == 0
    assert [(r.step, r.value) for r in shop.trial(key).reports] == [(1.0, 0.5), (2.0, 0.25)]


def test_output_that_nobody_reads_costs_no_trial(shop):
    """As with ``hpsearch worker 2>&1 | head -1``."""
    shop.touch("go_on")
    key = shop.open("speaks_a_lot", 2)
    reader, writer = os.pipe()
    worker = subprocess.Popen(
        [sys.executable, "-m", "hpsearch", "worker", "--burst"],
        cwd=shop.fleet.folder,
        env=shop.fleet.environment(),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    shop.wait_for_file("started")
    os.close(reader)
    assert worker.wait(60) == 0
    assert shop.states(key) == ["done", "done"]


# When a worker leaves by itself


def test_more_slots_than_trials_to_take_take_no_more_than_that(shop):
    key = shop.open("quick", 0)
    worker = shop.fleet.worker("--max-trials", "2", "--concurrency", "4")
    wait_until(lambda: len(shop.store.workers()) == 1, "the worker, which finds nothing to do")
    wait_until(lambda: "serves" in shop.fleet.output(worker), "the worker to look for work")
    shop.open("quick", 5)
    assert ended(worker) == 0
    assert shop.states(key).count("done") == 2
    assert shop.states(key).count("pending") == 3


def test_a_worker_leaves_after_idling_but_not_while_one_of_its_slots_works(shop):
    key = shop.open("a_second", 1)
    worker = shop.fleet.worker("--max-idle", "0.3s", "--concurrency", "2")
    shop.wait_for_file("started")
    wait_until(lambda: shop.states(key) == ["done"], "the trial")
    assert ended(worker) == 0
    [left] = shop.store.workers()
    assert (left.state, left.n_done) == (WorkerState.STOPPED, 1)


def test_too_many_failures_in_a_row_end_a_worker(shop):
    key = shop.open("fails", 5)
    worker = shop.fleet.worker("--max-consecutive-failures", "2")
    assert ended(worker) == 70
    assert shop.states(key).count("failed") == 2
    assert "2 trials in a row failed" in shop.fleet.output(worker)


def test_an_objective_that_was_asked_for_and_cannot_be_loaded_ends_the_worker(shop):
    key = shop.open("absent", 1)
    worker = shop.fleet.worker("--exp-key", key)
    assert ended(worker) == 65
    assert "there is no 'absent'" in shop.fleet.output(worker)
    assert (shop.trial(key).state, shop.trial(key).attempt) == (State.PENDING, 0)


def test_one_experiment_that_cannot_be_loaded_keeps_a_worker_from_no_other(shop):
    broken = shop.open("quick", 2, file="missing.py")
    fine = shop.open("quick", 2)
    worker = shop.fleet.worker("--burst")
    assert ended(worker) == 0
    assert shop.states(fine) == ["done", "done"]
    assert [(t.state, t.attempt) for t in shop.store.trials(broken)] == [(State.PENDING, 0)] * 2
    assert shop.fleet.output(worker).count("not serving quick-missing") == 1


# Signals


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_end_finishes_its_trial(shop, signum):
    key = shop.open("a_second", 3)
    worker = shop.fleet.worker()
    shop.wait_for_file("started")
    worker.send_signal(signum)
    assert ended(worker) == 0
    assert shop.states(key) == ["done", "pending", "pending"]


@pytest.mark.parametrize("isolation", ["--isolate", "--no-isolate"])
def test_a_trial_that_outlasts_the_drain_is_given_back_uncounted(shop, isolation):
    key = shop.open("slow_once", 1, max_attempts=1)
    worker = shop.fleet.worker("--drain-timeout", "0.2s", "--name", "first", isolation)
    shop.wait_for_file("started")
    worker.terminate()
    assert ended(worker) == 0
    trial = shop.trial(key)
    assert (trial.state, trial.owner) == (State.PENDING, None)
    assert [(e.attempt, e.worker, e.why) for e in trial.history] == [(1, "first", "worker drained")]
    assert ended(shop.fleet.worker("--burst")) == 0
    assert shop.trial(key).state is State.DONE


def test_the_longest_runtime_ends_a_worker_like_a_signal(shop):
    key = shop.open("slow", 1)
    worker = shop.fleet.worker("--max-runtime", "3s", "--drain-timeout", "0.2s")
    assert ended(worker) == 0
    assert [e.why for e in shop.trial(key).history] == ["worker drained"]


def test_a_second_signal_forces_and_still_gives_the_trial_back(shop):
    key = shop.open("slow", 1)
    worker = shop.fleet.worker("--drain-timeout", "600s")
    shop.wait_for_file("started")
    worker.terminate()
    asked_at = time.monotonic()
    wait_until(lambda: time.monotonic() - asked_at > 1.1 * ECHO_S, "a signal that is no echo of the first")
    worker.terminate()
    assert ended(worker, timeout_s=5) == 143
    assert [e.why for e in shop.trial(key).history] == ["worker drained"]


# Leases


def test_a_cancelled_trial_is_stopped_long_before_its_lease_ends(shop):
    key = shop.open("slow", 1, lease_s=600.0)
    worker = shop.fleet.worker()
    shop.wait_for_file("started")
    shop.store.cancel(key, {State.RUNNING})
    wait_until(lambda: "was stopped: cancelled" in shop.fleet.output(worker), "the worker to hear of it", 8)
    other = shop.open("quick", 1)
    wait_until(lambda: shop.states(other) == ["done"], "the worker to go on")


def test_an_objective_that_holds_the_interpreter_lock_keeps_its_lease(shop):
    key = shop.open("holds_the_lock", 1, lease_s=1.0)
    worker = shop.fleet.worker("--burst")
    wait_until(lambda: shop.states(key) == ["running"], "the claim")
    while worker.poll() is None:
        shop.store.expire(key)
        time.sleep(0.05)
    trial = shop.trial(key)
    assert (trial.state, trial.attempt, trial.history) == (State.DONE, 1, ())


def test_a_worker_that_stood_still_longer_than_its_lease_leaves_the_trial_to_the_next(shop):
    key = shop.open("slow_once", 1, lease_s=1.0)
    stopped = shop.fleet.worker("--name", "stopped")
    shop.wait_for_file("started")
    stopped.send_signal(signal.SIGSTOP)
    wait_until(lambda: shop.store.expire(key) == 1, "the lease to run out")
    assert ended(shop.fleet.worker("--burst", "--name", "next")) == 0
    stopped.send_signal(signal.SIGCONT)
    wait_until(lambda: "was stopped: lease lost" in shop.fleet.output(stopped), "it to notice")
    trial = shop.trial(key)
    assert trial.worker is not None
    assert (trial.state, trial.worker.name, trial.attempt) == (State.DONE, "next", 2)
    other = shop.open("quick", 1)
    wait_until(lambda: shop.states(other) == ["done"], "it to go on")


def test_a_worker_that_stood_still_keeps_a_trial_that_nobody_took_meanwhile(shop):
    key = shop.open("a_second", 1, lease_s=1.0)
    worker = shop.fleet.worker("--burst")
    shop.wait_for_file("started")
    worker.send_signal(signal.SIGSTOP)
    wait_until(lambda: shop.store.expire(key) == 1, "the lease to run out")
    worker.send_signal(signal.SIGCONT)
    assert ended(worker) == 0
    assert (shop.trial(key).state, shop.trial(key).attempt) == (State.DONE, 1)


# MongoDB away


def test_an_evaluation_goes_on_while_mongodb_is_away_and_loses_no_report(fleet):
    shop = shop_at(fleet.folder, fleet.uri)
    key = shop.open("speaks_a_lot", 1)
    worker = fleet.worker("--burst")
    shop.wait_for_file("started")
    kill_mongod()
    shop.touch("go_on")
    shop.wait_for_file("ended")
    with mongod.private_mongod() as server:
        assert server.uri == fleet.uri
    assert ended(worker) == 0
    trial = shop.trial(key)
    assert trial.state is State.DONE
    assert [r.step for r in trial.reports] == list(range(int(trial.loss or 0)))
    shop.store.close()


def test_an_idle_worker_does_not_wait_for_mongodb_to_leave(fleet):
    worker = fleet.worker("--drain-timeout", "600s")
    wait_until(lambda: "serves" in fleet.output(worker), "the worker")
    kill_mongod()
    wait_until(lambda: "is away" in fleet.output(worker), "the worker to notice")
    worker.terminate()
    assert ended(worker, timeout_s=30) == 0


def kill_mongod() -> None:
    """Take the private server away; ``private_mongod`` brings it back."""
    found = mongod.status()
    assert found.pid is not None
    os.kill(found.pid, signal.SIGKILL)
