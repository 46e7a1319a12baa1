"""Scripts as Hyperopt's users write them, with ``MongoTrials`` and workers that are killed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hpsearch.core.experiment import ExperimentState
from hpsearch.core.trial import State, Trial
from hpsearch.hyperopt.mongoexp import MongoTrials
from hpsearch.store.mongo.hyperopt_uri import jobs_address
from tests.support.fleet import start_process, wait_for_exit
from tests.support.waiting import wait_until

WORKER = Path(sys.executable).with_name("hpsearch-mongo-worker")

#: Its objective is a function of its own, which travels by value.
TUNE = """
import os, sys, time
from hyperopt import STATUS_OK, fmin, hp, tpe
from hyperopt.mongoexp import MongoTrials


def objective(config):
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(f"{config['x']!r}\\n")
    time.sleep(float(os.environ.get("SLEEP", "0.02")))
    return {"loss": config["x"] ** 2, "status": STATUS_OK, "kind": config["kind"]}


if __name__ == "__main__":
    space = {"x": hp.uniform("x", -5, 5), "kind": hp.choice("kind", ["a", "b"])}
    trials = MongoTrials(os.environ["MONGO"], exp_key="tune")
    trials.defaults = type(trials.defaults)(lease_s=float(os.environ.get("LEASE", "60")))
    best = fmin(objective, space, algo=tpe.suggest, max_evals=int(sys.argv[1]), trials=trials, rstate=7)
    print(f"best {best['x']:.4f} of {len(trials)}")
"""

#: In the manner of libraries that wrap the search and its workers in a class of their own.
INTEGRATOR = """
import json, os, subprocess, sys
import numpy as np
from hyperopt import fmin, hp, tpe
from hyperopt.mongoexp import MongoTrials
from model import loss


class FileTrials(MongoTrials):
    def __init__(self, folder, address, num_workers=1, *args, **kwargs):
        self.num_workers, self.workers, self._store = num_workers, [], False
        self._file = os.path.join(folder, "tries.json")
        self._rstate = None
        super().__init__(f"{address}", *args, **kwargs)

    @property
    def rstate(self):
        return self._rstate

    @rstate.setter
    def rstate(self, value):
        self._rstate = np.random.default_rng(value)

    def refresh(self):
        super().refresh()
        tries = [{"tid": t["tid"], "loss": t["result"].get("loss")} for t in self._dynamic_trials]
        with open(self._file, "w") as file:
            json.dump(tries, file)

    def start_workers(self):
        command = ["hyperopt-mongo-worker", "--mongo", os.environ["MONGO"], "--exp-key", self._exp_key,
                   "--reserve-timeout", "600", "--poll-interval", "0.1", "--no-subprocesses"]
        self.workers = [subprocess.Popen(command) for _ in range(self.num_workers)]

    def stop_workers(self):
        for worker in self.workers:
            worker.terminate()
            worker.wait()


trials = FileTrials(".", os.environ["MONGO"], num_workers=2, exp_key="n3")
trials.rstate = 42
trials.start_workers()
try:
    fmin(loss, {"x": hp.uniform("x", -1, 1)}, algo=tpe.suggest, max_evals=12, trials=trials,
         rstate=trials.rstate, show_progressbar=False, max_queue_len=trials.num_workers)
finally:
    trials.stop_workers()
print(len(json.load(open("tries.json"))))
"""


#: Its space and objective lie in a module, so that the commands can go on with it.
SHORT = """
import os
from hyperopt import fmin, tpe
from hyperopt.mongoexp import MongoTrials
from model import loss, space

trials = MongoTrials(os.environ["MONGO"], exp_key="tune")
print(fmin(loss, space, algo=tpe.suggest, max_evals=5, trials=trials))
"""

MODEL = """
from hpsearch import hp

space = {"x": hp.uniform("x", -1, 1)}


def loss(config):
    return abs(config["x"])
"""


@dataclass
class Office:
    """A user's folder, a database, and the processes that were started."""

    folder: Path
    url: str
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def script(self, name: str, *args: str, **env: str) -> subprocess.Popen[str]:
        """Start ``python -m hpsearch.hyperopt NAME ARGS``."""
        return self.start(sys.executable, "-m", "hpsearch.hyperopt", name, *args, **env)

    def worker(self, *flags: str, **env: str) -> subprocess.Popen[str]:
        return self.start(str(WORKER), "--mongo", self.url, *flags, **env)

    def start(self, *command: str, **env: str) -> subprocess.Popen[str]:
        return start_process(command, self.folder, {**self.environment(), **env}, self.processes)

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "CALLS": str(self.folder / "calls"),
            "HPSEARCH_SECRET": "shared by the script and its workers",
            "MONGO": self.url,
            "WORKER": str(WORKER),
        }

    def output(self, process: subprocess.Popen[str]) -> str:
        return (self.folder / f"process-{self.processes.index(process)}.log").read_text()

    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    def kill(self, process: subprocess.Popen[str]) -> None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def office(tmp_path: Path, mongo_uri: str, database: str) -> Iterator[Office]:
    """The scripts, and a database of their own on the shared server, at an address in Hyperopt's form."""
    head, _, options = mongo_uri.partition("?")
    place = head.removeprefix("mongodb://").rpartition("/")[0]
    (tmp_path / "tune.py").write_text(TUNE)
    (tmp_path / "integrator.py").write_text(INTEGRATOR)
    (tmp_path / "short.py").write_text(SHORT)
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "calls").touch()
    opened = Office(tmp_path, f"mongo://{place}/{database}/jobs?{options}")
    yield opened
    for process in opened.processes:
        if process.poll() is None:
            opened.kill(process)


@pytest.fixture
def tuned(office: Office) -> Iterator[MongoTrials]:
    """The trials of ``tune.py``, as seen from here."""
    trials = MongoTrials(office.url, exp_key="tune")
    yield trials
    trials.store.close()


def held_by(trials: MongoTrials, worker: subprocess.Popen[str]) -> list[Trial]:
    running = trials.store.trials("tune", states={State.RUNNING})
    return [trial for trial in running if trial.worker and trial.worker.pid == worker.pid]


@pytest.mark.long
def test_two_hundred_trials_with_a_worker_killed_are_all_done_once(
    office: Office, tuned: MongoTrials
) -> None:
    """Four workers, 200 trials: none is lost, none doubled, and only the victim's is evaluated again."""
    script = office.script("tune.py", "200", LEASE="3")
    victim = office.worker("--exp-key", "tune", SLEEP="600")
    wait_until(lambda: bool(held_by(tuned, victim)), "a trial that the victim holds")
    [lost] = held_by(tuned, victim)
    wait_until(lambda: len(office.calls()) == 1, "its evaluation")
    others = [office.worker("--exp-key", "tune", "--poll-interval", "0.1") for _ in range(3)]
    wait_until(lambda: len(office.calls()) > 20, "the others at work")
    office.kill(victim)
    assert wait_for_exit(script, 120) == 0, office.output(script)
    assert re.search(r"^best -?0\.\d{4} of 200$", office.output(script), re.MULTILINE)
    tuned.refresh()
    assert tuned.tids == list(range(200))
    assert set(tuned.statuses()) == {"ok"}
    counted = Counter(office.calls())
    assert counted.pop(repr(tuned.vals["x"][lost.tid])) == 2
    assert counted == Counter(repr(x) for tid, x in enumerate(tuned.vals["x"]) if tid != lost.tid)
    owners = {doc["owner"][0] for doc in tuned}
    assert owners <= {f"{socket.gethostname()}:{other.pid}" for other in others}
    for worker in others:
        worker.terminate()
    assert [wait_for_exit(worker) for worker in others] == [0, 0, 0]


@pytest.mark.parametrize("signum", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_a_killed_script_continues_its_search(
    office: Office, tuned: MongoTrials, signum: signal.Signals
) -> None:
    """Killed or interrupted, and started again: nothing is lost, doubled, or suggested twice."""
    script = office.script("tune.py", "30")
    office.worker("--exp-key", "tune")
    wait_until(lambda: len(office.calls()) > 8, "the search in full swing")
    os.killpg(script.pid, signum)
    assert wait_for_exit(script) == -signum
    assert tuned.store.experiment("tune").state is ExperimentState.RUNNING
    again = office.script("tune.py", "30")
    assert wait_for_exit(again) == 0, office.output(again)
    tuned.refresh()
    assert tuned.tids == list(range(30))
    assert len(set(tuned.vals["x"])) == 30
    assert sorted(office.calls()) == sorted(map(repr, tuned.vals["x"]))


@pytest.mark.long
def test_a_script_reports_that_all_workers_refused_and_continues_with_others(
    office: Office,
) -> None:
    """It names the reason that they most often have, here another secret."""
    script = office.script("tune.py", "2")
    refusing = office.worker("--exp-key", "tune", HPSEARCH_SECRET="the secret of another fleet")
    assert wait_for_exit(refusing) != 0
    wait_until(lambda: "have left" in office.output(script), "the message of the script")
    assert "1 of them without a trial; check their logs (often another HPSEARCH_SECRET" in office.output(
        script
    )
    office.worker("--exp-key", "tune")
    assert wait_for_exit(script) == 0, office.output(script)


@pytest.mark.long
def test_a_class_can_wrap_the_search_and_its_workers(office: Office) -> None:
    script = office.script("integrator.py")
    assert wait_for_exit(script) == 0, office.output(script)
    assert office.output(script).splitlines()[-1] == "12"


@pytest.mark.long
def test_another_objective_under_the_same_key_is_refused(office: Office) -> None:
    office.worker("--exp-key", "tune")
    assert wait_for_exit(office.script("tune.py", "3")) == 0
    path = office.folder / "tune.py"
    path.write_text(TUNE.replace('config["x"] ** 2', 'config["x"] ** 4'))
    changed = office.script("tune.py", "6")
    assert wait_for_exit(changed) == 78
    last = office.output(changed).splitlines()[-1]
    assert "Experiment 'tune' exists with another objective: '__main__:objective' has other code here" in last
    assert "give MongoTrials another exp_key" in last


@pytest.mark.long
def test_a_value_that_changes_with_each_run_is_named_in_the_refusal(office: Office) -> None:
    stamped = TUNE.replace("\n\ndef objective", "\nSTART = time.time()\n\n\ndef objective")
    (office.folder / "tune.py").write_text(
        stamped.replace('"status": STATUS_OK', '"at": START, "status": "ok"')
    )
    office.worker("--exp-key", "tune")
    first = office.script("tune.py", "3")
    assert wait_for_exit(first) == 0, office.output(first)
    again = office.script("tune.py", "6")
    assert wait_for_exit(again) == 78
    output = office.output(again).splitlines()[-1]
    assert "has another value of 'START' here; do not put values that change from run to run into" in output
    assert "give MongoTrials another exp_key" in output


@pytest.mark.long
def test_the_commands_continue_a_search_of_a_script(office: Office, tuned: MongoTrials) -> None:
    office.worker("--exp-key", "tune")
    assert wait_for_exit(office.script("short.py")) == 0
    store = {"HPSEARCH_STORE": jobs_address(office.url).uri}
    command = (sys.executable, "-m", "hpsearch", "coordinator", "model:loss")
    coordinator = office.start(*command, "--exp-key", "tune", "--max-evals", "9", **store)
    assert wait_for_exit(coordinator) == 0, office.output(coordinator)
    tuned.refresh()
    assert tuned.tids == list(range(9))
    assert len(set(tuned.vals["x"])) == 9
    assert f"{tuned.best_trial['result']['loss']:.6g}"[:5] in office.output(coordinator)
