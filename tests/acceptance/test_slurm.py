"""The array of workers under a real Slurm, where its programs are installed."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.cli.options import DURATION
from tests.support.objectives import TrialQueue
from tests.support.slurm import PROGRAMS, SlurmNode
from tests.support.waiting import wait_until

SCRIPT = Path(__file__).parents[2] / "scripts" / "deploy" / "slurm" / "workers.sbatch"
MISSING = [name for name in PROGRAMS if not shutil.which(name)]

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"there is no {', '.join(MISSING)}")

#: Returns with which options the worker was started.
ASKS = """
import os
from pathlib import Path

def asks(config):
    worker = Path(f"/proc/{os.getppid()}/cmdline").read_text().split("\\0")
    return {"loss": config["x"], "worker": worker}
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmNode]:
    cluster = SlurmNode(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def submitted(
    slurm: SlurmNode, queue: TrialQueue, key: str, *options: str, words: tuple[str, ...] = ()
) -> str:
    """Submit the script in the folder of the search, as a user would, and return the job's number."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = ["sbatch", "--parsable", "--cpus-per-task=1", *options, str(SCRIPT), key, *words]
    environment = {**queue.fleet.environment(), "PATH": path, "HOME": str(queue.fleet.folder)}
    return slurm.call(*command, folder=queue.fleet.folder, **environment)


def wait_for_end(slurm: SlurmNode, job: str) -> None:
    wait_until(lambda: slurm.call("squeue", "--noheader", f"--jobs={job}") == "", f"job {job} to end")


def output(queue: TrialQueue, job: str, task: int = 1) -> str:
    return (queue.fleet.folder / f"hpsearch-{job}_{task}.log").read_text()


@pytest.mark.long
def test_an_array_evaluates_a_search_and_exits_after_it(slurm: SlurmNode, queue: TrialQueue) -> None:
    key = queue.submit("quick", 6)
    job = submitted(slurm, queue, key, "--array=1-2", "--time=10")
    wait_for_end(slurm, job)

    assert queue.states(key) == ["done"] * 6
    assert all(name.startswith("slurm-") for name in {worker.name for worker in queue.store.workers()})
    assert "leaves:" in output(queue, job, 1)
    assert "leaves:" in output(queue, job, 2)


@pytest.mark.parametrize(("time", "runtime_s"), [("10", (360, 420)), ("UNLIMITED", None)])
@pytest.mark.long
def test_workers_exit_before_the_time_limit_of_their_job(
    slurm: SlurmNode, queue: TrialQueue, time: str, runtime_s: tuple[float, float] | None
) -> None:
    """Three minutes before: two for the trial in hand, and one since Slurm's clock is coarse."""
    (queue.fleet.folder / "asks.py").write_text(ASKS)
    key = queue.submit("asks", 1, file="asks.py")
    wait_for_end(slurm, submitted(slurm, queue, key, "--array=1", f"--time={time}"))

    words = queue.trial(key).result["worker"]
    durations = [words[i + 1] for i, word in enumerate(words) if word == "--max-runtime"]
    if runtime_s is None:
        assert durations == []
    else:
        low, high = runtime_s
        [seconds] = [DURATION.convert(text, None, None) for text in durations]
        assert low < seconds <= high


def test_a_job_too_short_for_a_trial_is_reported(slurm: SlurmNode, queue: TrialQueue) -> None:
    key = queue.submit("quick", 1)
    job = submitted(slurm, queue, key, "--array=1", "--time=3")
    wait_for_end(slurm, job)

    assert re.search(r"too short for a trial; give it more than 3 minutes", output(queue, job))
    assert queue.states(key) == ["pending"]


@pytest.mark.long
def test_the_signal_before_the_time_limit_makes_the_worker_release_its_trial(
    slurm: SlurmNode, queue: TrialQueue
) -> None:
    """What --signal=B:TERM@180 sends, sent now."""
    key = queue.submit("slow", 1)
    job = submitted(slurm, queue, key, "--array=1", "--time=10", words=("--drain-timeout", "0.2s"))
    queue.wait_for_file("started")
    slurm.call("scancel", "--batch", "--signal=TERM", job)
    wait_for_end(slurm, job)

    assert [entry.why for entry in queue.trial(key).history] == ["worker drained"]
    assert "leaves: 0 done, 0 failed" in output(queue, job)
