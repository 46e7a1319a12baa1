"""``hpsearch-mongo-worker`` as a user of Hyperopt's worker starts it, on a real MongoDB."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.fleet import ended, wait_until
from tests.acceptance.objectives import Shop

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(shop: Shop) -> Start:
    """Start the command in the user's folder; what it says goes to the file ``said``."""

    def started(*flags: str, mongo: str | None = None) -> subprocess.Popen[str]:
        with (shop.fleet.folder / "said").open("w") as out:
            process = subprocess.Popen(
                [
                    Path(sys.executable).with_name("hpsearch-mongo-worker"),
                    "--mongo",
                    mongo or shop.fleet.uri,
                    *flags,
                ],
                cwd=shop.fleet.folder,
                env={name: value for name, value in os.environ.items() if name != "HPSEARCH_STORE"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        shop.fleet.processes.append(process)
        return process

    return started


def said(shop: Shop) -> str:
    return (shop.fleet.folder / "said").read_text()


def test_the_flags_of_a_batch_script_do_what_they_did(shop: Shop, start: Start):
    """Two jobs, in the folder that was asked for, of the experiment that was asked for."""
    other, key = shop.open("quick", 1), shop.open("writes_here", 3)
    flags = (
        "--exp-key",
        key,
        "--max-jobs=2",
        "--poll-interval=0.1",
        "--reserve-timeout=10",
        "--workdir",
        "out",
    )
    assert ended(start(*flags)) == 0, said(shop)
    assert (shop.states(key), shop.states(other)) == (["done", "done", "pending"], ["pending"])
    assert (shop.fleet.folder / "out" / "written").read_text() == "xx"
    assert [path.name for path in (shop.fleet.folder / "out").iterdir()] == ["written"]
    told = said(shop)
    assert f"hpsearch worker --exp-key {key} --max-trials 2 --max-idle 40s" in told
    assert "--poll-interval changes nothing" in told
    assert "no folder is made for each of them" in told


def test_a_module_of_the_users_folder_is_found(shop: Shop, start: Start):
    key = shop.open("quick", 1, kind="import", file="work")
    assert ended(start("--max-jobs", "1", "--no-subprocesses")) == 0, said(shop)
    assert shop.states(key) == ["done"]


def test_waiting_in_vain_is_no_failure(shop: Shop, start: Start):
    """Hyperopt's worker ends with an error then, and batch systems take the job for failed."""
    key = shop.open("fails", 1)
    assert ended(start("--reserve-timeout", "0.2", "--max-consecutive-failures", "2")) == 0, said(shop)
    assert shop.states(key) == ["failed"]


def test_failures_in_a_row_end_the_worker(shop: Shop, start: Start):
    key = shop.open("fails", 9)
    assert ended(start()) == 70
    assert shop.states(key).count("failed") == 4


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_lets_the_worker_finish_its_job(shop: Shop, start: Start, signum: signal.Signals):
    key = shop.open("waits_to_go_on", 2)
    worker = start()
    shop.wait_for_file("started")
    worker.send_signal(signum)
    wait_until(lambda: shop.store.workers()[0].state == "draining", "the worker to drain")
    shop.touch("go_on")
    assert ended(worker) == 0
    assert shop.states(key) == ["done", "pending"]


def test_hyperopts_url_reaches_the_database_and_its_password_is_not_shown(shop: Shop, start: Start):
    credentials, _, place = shop.fleet.uri.removeprefix("mongodb://").rpartition("@")
    password = credentials.partition(":")[2]
    hosts, _, options = place.partition("/")
    database, _, options = options.partition("?")
    assert password
    key = shop.open("quick", 1)
    assert ended(start("--max-jobs=1", mongo=f"mongo://{credentials}@{hosts}/{database}/jobs?{options}")) == 0
    assert shop.states(key) == ["done"]
    assert ":***@" in said(shop)
    assert password not in said(shop)
