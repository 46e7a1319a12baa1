"""The same seed makes the same search with real processes, however long trials take and whoever is killed."""

from __future__ import annotations

import signal
import uuid
from typing import Any

import pytest

from hpsearch.core.trial import FINISHED, Trial
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.fleet import Fleet, wait_for_exit
from tests.support.waiting import wait_until

#: Trials take random times, and suggestions depend on results from the first one on.
JITTERY = """
import os, random, time
from hpsearch import hp

space = {"x": hp.uniform("x", -5, 5), "y": hp.loguniform("y", -8, 0), "k": hp.choice("k", [1, 2, 3])}

def objective(config):
    time.sleep(random.random() * float(os.environ.get("JITTER", "0")))
    if config["x"] > 4.5:
        raise ValueError("too far")
    return config["x"] ** 2 + config["y"] + config["k"]
"""

OPTIONS = ("--algo", "tpe", "--algo-option", "n_startup=3", "--seed", "5", "--drain-timeout", "1s")


@pytest.fixture
def jittery(fleet: Fleet) -> Fleet:
    (fleet.folder / "jittery.py").write_text(JITTERY)
    return fleet


def trials_of(fleet: Fleet, key: str) -> list[Trial]:
    return fleet.trials(key)


def points(fleet: Fleet, key: str, n: int) -> list[Any]:
    found = [trial.values for trial in trials_of(fleet, key)][:n]
    assert len(found) == n
    return found


def searched(fleet: Fleet, n: int, *args: str, jitter: str) -> list[Any]:
    key = f"k{uuid.uuid4().hex[:8]}"
    command = ("run", "jittery.py", "--exp-key", key, "--max-evals", str(n), *OPTIONS, *args)
    process = fleet.start(*command, JITTER=jitter)
    assert wait_for_exit(process, 200) == 0, fleet.output(process)
    return points(fleet, key, n)


@pytest.mark.long
def test_one_worker_makes_the_same_search_of_the_same_seed(jittery: Fleet) -> None:
    assert searched(jittery, 25, jitter="0") == searched(jittery, 25, jitter="0.2")


@pytest.mark.long
def test_four_workers_make_the_same_search_with_a_lag(jittery: Fleet) -> None:
    once = searched(jittery, 30, "--workers", "4", "--reproducible", jitter="0.3")
    again = searched(jittery, 30, "--workers", "4", "--reproducible", jitter="0.05")
    assert once == again


@pytest.mark.long
def test_killed_coordinators_and_workers_change_nothing(jittery: Fleet) -> None:
    plain = searched(jittery, 24, "--workers", "3", "--reproducible", "--lease", "3s", jitter="0.05")
    key = "killed"
    options = ("jittery.py", "--exp-key", key, "--max-evals", "24", *OPTIONS, "--lease", "3s", "--lag", "3")

    def n_finished() -> int:
        return sum(trial.state in FINISHED for trial in trials_of(jittery, key))

    leader, standby = (jittery.start("coordinator", *options) for _ in range(2))
    workers = [jittery.worker("--exp-key", key, JITTER="0.4") for _ in range(3)]
    wait_until(lambda: n_finished() >= 6, "six trials")
    leader.kill()
    workers[0].kill()
    wait_until(lambda: n_finished() >= 12, "six more")
    standby.send_signal(signal.SIGKILL)
    workers.append(jittery.worker("--exp-key", key, JITTER="0.1"))
    last = jittery.start("coordinator", *options)
    assert wait_for_exit(last, 120) == 0, jittery.output(last)
    assert points(jittery, key, 24) == plain


@pytest.mark.long
def test_a_killed_search_of_one_worker_continues_with_the_same_trials(jittery: Fleet) -> None:
    plain = searched(jittery, 20, jitter="0")
    key = "resumed"
    command = ("run", "jittery.py", "--exp-key", key, "--max-evals", "20", *OPTIONS, "--lease", "3s")
    first = jittery.start(*command, JITTER="0.3")
    wait_until(lambda: sum(t.state in FINISHED for t in trials_of(jittery, key)) >= 8, "eight trials")
    first.kill()
    first.wait()
    second = jittery.start(*command, JITTER="0.1")
    assert wait_for_exit(second, 120) == 0, jittery.output(second)
    assert points(jittery, key, 20) == plain


@pytest.mark.long
def test_racing_coordinators_log_the_seed_in_use(jittery: Fleet) -> None:
    processes = [
        jittery.start("coordinator", "jittery.py", "--exp-key", "raced", "--max-evals", "3") for _ in range(4)
    ]
    jittery.worker("--exp-key", "raced")
    for process in processes:
        assert wait_for_exit(process, 120) == 0, jittery.output(process)
    store = MongoStore.connect(jittery.uri, patience=Patience(60))
    seed = store.experiment("raced").seed
    store.close()
    assert all(f"seed {seed}" in jittery.output(process) for process in processes)


def test_workers_started_elsewhere_need_an_explicit_lag(jittery: Fleet) -> None:
    refused = jittery.call("coordinator", "jittery.py", "--reproducible")
    assert (refused.returncode, "--lag N" in refused.stderr) == (2, True)
