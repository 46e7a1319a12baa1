"""What a service manager and a batch system give to real processes, and what they hear from them."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fleet import OBJECTIVE, wait_for_exit
from tests.support.objectives import TrialQueue
from tests.support.waiting import wait_until

AROUND = """
import os, time
from pathlib import Path

NAMES = ("CUDA_VISIBLE_DEVICES", "NOTIFY_SOCKET", "WATCHDOG_USEC")
AT_IMPORT = {name: os.environ.get(name) for name in NAMES}

def around(config):
    seen = {name: os.environ.get(name) for name in NAMES}
    return {"loss": config["x"], "seen": seen, "at_import": AT_IMPORT}

def together(config):
    Path(f"at-work-{int(config['x'])}").touch()
    while len(list(Path().glob("at-work-*"))) < 2:
        time.sleep(0.01)
    return around(config)
"""

NVIDIA_SMI = """#!/bin/sh
echo 'GPU 0: Tesla T4 (UUID: GPU-aaaa)'
echo 'GPU 1: Tesla T4 (UUID: GPU-bbbb)'
"""


class Manager:
    """Listens as systemd does."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.setblocking(False)
        self._heard: list[str] = []
        self.environment = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "20000000"}

    def heard(self) -> list[str]:
        while True:
            try:
                self._heard.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return self._heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    listening = Manager(tmp_path)
    yield listening
    listening.close()


@pytest.fixture
def work(queue: TrialQueue) -> TrialQueue:
    (queue.fleet.folder / "around.py").write_text(AROUND)
    return queue


# The service manager


def test_a_worker_notifies_systemd_but_its_objective_cannot(work: TrialQueue, manager: Manager) -> None:
    key = work.submit("around", 1, file="around.py")
    worker = work.fleet.worker(**manager.environment)
    wait_until(lambda: manager.heard().count("WATCHDOG=1") > 1, "signs of life")
    wait_until(lambda: "STATUS=idle: 1 done, 0 failed" in manager.heard(), "the status line")
    assert "STOPPING=1" not in manager.heard()
    worker.terminate()

    assert wait_for_exit(worker) == 0
    assert manager.heard().count("READY=1") == 1
    assert manager.heard()[-1] == "STOPPING=1"
    assert work.trial(key).result["seen"] == dict.fromkeys(
        ("CUDA_VISIBLE_DEVICES", "NOTIFY_SOCKET", "WATCHDOG_USEC")
    )


def test_a_coordinator_notifies_systemd_of_leadership_and_end(work: TrialQueue, manager: Manager) -> None:
    (work.fleet.folder / "search.py").write_text(OBJECTIVE)
    coordinator = work.fleet.coordinator("--max-evals", "3")
    wait_until(lambda: "pending" in work.states("search"), "the leader to suggest")
    standby = work.fleet.start("coordinator", "search.py", **manager.environment)
    wait_until(lambda: "STATUS=standby of search: 0 running, 0 done, 0 failed" in manager.heard(), "standby")
    assert "READY=1" in manager.heard()
    assert "WATCHDOG=1" in manager.heard()
    coordinator.send_signal(signal.SIGTERM)
    wait_until(lambda: any(m.startswith("STATUS=leads search") for m in manager.heard()), "the take-over")
    assert wait_for_exit(work.fleet.worker("--max-trials", "3")) == 0

    assert wait_for_exit(standby) == 0
    assert manager.heard()[-1] == "STOPPING=1"


# GPUs


@pytest.mark.parametrize("choice", ["auto", pytest.param("GPU-aaaa,GPU-bbbb,7", marks=pytest.mark.long)])
def test_concurrent_trials_see_one_gpu_each(
    work: TrialQueue, choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = work.fleet.folder / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(NVIDIA_SMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    key = work.submit("together", 2, file="around.py")

    assert wait_for_exit(work.fleet.worker("--gpus", choice, "--concurrency", "2", "--burst")) == 0

    trials = [work.trial(key, tid) for tid in (0, 1)]
    assert {t.result["seen"]["CUDA_VISIBLE_DEVICES"] for t in trials} == {"GPU-aaaa", "GPU-bbbb"}
    assert all(t.result["at_import"] == t.result["seen"] for t in trials)


def test_without_isolation_the_first_import_sees_the_gpu(
    work: TrialQueue,
) -> None:
    key = work.submit("around", 1, file="around.py")

    assert (
        wait_for_exit(work.fleet.worker("--gpus", "0,1", "--no-isolate", "--burst", CUDA_VISIBLE_DEVICES="5"))
        == 0
    )

    assert work.trial(key).result["at_import"]["CUDA_VISIBLE_DEVICES"] == "0"


def test_a_worker_with_too_few_gpus_exits_before_it_claims_a_trial(work: TrialQueue) -> None:
    key = work.submit("around", 1, file="around.py")
    worker = work.fleet.worker("--gpus", "auto", "--concurrency", "2", CUDA_VISIBLE_DEVICES="5")

    assert wait_for_exit(worker) == 78
    assert "2 trials at a time need 2 GPUs, but there are 1:" in work.fleet.output(worker)
    assert work.states(key) == ["pending"]
