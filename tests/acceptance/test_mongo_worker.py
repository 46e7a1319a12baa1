"""``hpsearch-mongo-worker`` as a user of Hyperopt's worker starts it, on a real MongoDB."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fleet import wait_for_exit
from tests.support.objectives import TrialQueue
from tests.support.waiting import wait_until

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(queue: TrialQueue) -> Start:
    """Start the command in the user's folder; what it says goes to the file ``said``."""

    def start_process(*flags: str, mongo: str | None = None) -> subprocess.Popen[str]:
        with (queue.fleet.folder / "said").open("w") as out:
            process = subprocess.Popen(
                [
                    Path(sys.executable).with_name("hpsearch-mongo-worker"),
                    "--mongo",
                    mongo or queue.fleet.uri,
                    *flags,
                ],
                cwd=queue.fleet.folder,
                env={name: value for name, value in os.environ.items() if name != "HPSEARCH_STORE"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        queue.fleet.processes.append(process)
        return process

    return start_process


def said(queue: TrialQueue) -> str:
    return (queue.fleet.folder / "said").read_text()


def test_flags_of_hyperopt_mongo_worker_work(queue: TrialQueue, start: Start) -> None:
    """Two jobs, in the folder that was asked for, of the experiment that was asked for."""
    other, key = queue.submit("quick", 1), queue.submit("writes_here", 3)
    flags = (
        "--exp-key",
        key,
        "--max-jobs=2",
        "--poll-interval=0.1",
        "--reserve-timeout=10",
        "--workdir",
        "out",
    )
    assert wait_for_exit(start(*flags)) == 0, said(queue)
    assert (queue.states(key), queue.states(other)) == (["done", "done", "pending"], ["pending"])
    assert (queue.fleet.folder / "out" / "written").read_text() == "xx"
    assert [path.name for path in (queue.fleet.folder / "out").iterdir()] == ["written"]
    output = said(queue)
    assert f"hpsearch worker --exp-key {key} --max-trials 2 --max-idle 40s" in output
    assert "--poll-interval has no effect" in output
    assert "instead of a new folder for each of them" in output


def test_modules_in_the_working_folder_are_found(queue: TrialQueue, start: Start) -> None:
    key = queue.submit("quick", 1, kind="import", file="work")
    assert wait_for_exit(start("--max-jobs", "1", "--no-subprocesses")) == 0, said(queue)
    assert queue.states(key) == ["done"]


def test_a_worker_without_trials_exits_with_0(queue: TrialQueue, start: Start) -> None:
    """Hyperopt's worker ends with an error then, and batch systems take the job for failed."""
    key = queue.submit("fails", 1)
    assert wait_for_exit(start("--reserve-timeout", "0.2", "--max-consecutive-failures", "2")) == 0, said(
        queue
    )
    assert queue.states(key) == ["failed"]


def test_consecutive_failures_end_the_worker(queue: TrialQueue, start: Start) -> None:
    key = queue.submit("fails", 9)
    assert wait_for_exit(start()) == 70
    assert queue.states(key).count("failed") == 4


@pytest.mark.parametrize("signum", [pytest.param(signal.SIGTERM, marks=pytest.mark.long), signal.SIGUSR1])
def test_a_signal_lets_the_worker_finish_its_job(
    queue: TrialQueue, start: Start, signum: signal.Signals
) -> None:
    key = queue.submit("waits_to_go_on", 2)
    worker = start()
    queue.wait_for_file("started")
    worker.send_signal(signum)
    wait_until(lambda: queue.store.workers()[0].state == "draining", "the worker to drain")
    queue.touch("go_on")
    assert wait_for_exit(worker) == 0
    assert queue.states(key) == ["done", "pending"]


def test_hyperopts_url_reaches_the_database_and_its_password_is_not_shown(
    queue: TrialQueue, start: Start
) -> None:
    credentials, _, place = queue.fleet.uri.removeprefix("mongodb://").rpartition("@")
    password = credentials.partition(":")[2]
    hosts, _, options = place.partition("/")
    database, _, options = options.partition("?")
    assert password
    key = queue.submit("quick", 1)
    assert (
        wait_for_exit(start("--max-jobs=1", mongo=f"mongo://{credentials}@{hosts}/{database}/jobs?{options}"))
        == 0
    )
    assert queue.states(key) == ["done"]
    assert ":***@" in said(queue)
    assert password not in said(queue)
