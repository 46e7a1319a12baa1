"""A fleet of real processes, on a server of its own that a test may kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hpsearch.core.trial import State, Trial
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore

OBJECTIVE = """
import os, time
from hpsearch import hp

space = {"x": hp.uniform("x", -5, 5), "kind": hp.choice("kind", ["a", "b"])}

def objective(config):
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(f"{config['x']!r}\\n")
    time.sleep(float(os.environ.get("SLEEP", "0.1")))
    return {"loss": config["x"] ** 2, "kind": config["kind"]}

def slow(config):
    time.sleep(600)
    return 0.0

def failing(config):
    raise ValueError(f"no luck with {config['kind']}")
"""


#: A trial of a killed worker soon runs again. On a busy machine, live workers lose trials, too.
SHORT_LEASE = ("--lease", "3s")


def start_process(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    processes: list[subprocess.Popen[str]],
) -> subprocess.Popen[str]:
    """Start a process with its output in a file of its own, and add it to those of the folder."""
    with (folder / f"process-{len(processes)}.log").open("w") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    processes.append(process)
    return process


@dataclass
class Fleet:
    """Coordinators and workers of one search, started as a user would."""

    folder: Path
    uri: str
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """Start ``hpsearch ARGS`` with its output in a file of its own."""
        command = [sys.executable, "-m", "hpsearch", *args]
        return start_process(command, self.folder, {**self.environment(), **env}, self.processes)

    def call(self, *args: str, timeout_s: float = 200) -> subprocess.CompletedProcess[str]:
        """Run ``hpsearch ARGS`` to its end."""
        return subprocess.run(
            [sys.executable, "-m", "hpsearch", *args],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def environment(self) -> dict[str, str]:
        return {**os.environ, "HPSEARCH_STORE": self.uri, "CALLS": str(self.folder / "calls")}

    def coordinator(self, *args: str) -> subprocess.Popen[str]:
        """Start a coordinator; where a worker is to lose its trials soon, add ``SHORT_LEASE``."""
        return self.start("coordinator", "search.py", "--seed", "1", *args)

    def worker(self, *args: str, **env: str) -> subprocess.Popen[str]:
        return self.start("worker", "--drain-timeout", "5s", *args, **env)

    def output(self, process: subprocess.Popen[str]) -> str:
        return (self.folder / f"process-{self.processes.index(process)}.log").read_text()

    def calls(self) -> int:
        """How often the objective was called."""
        return len((self.folder / "calls").read_text().splitlines())

    def trials(self, exp_key: str = "search") -> list[Trial]:
        store = MongoStore.connect(self.uri, patience=Patience(120))
        try:
            return list(store.trials(exp_key))
        finally:
            store.close()

    def end(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for_exit(process: subprocess.Popen[str], timeout_s: float = 200) -> int:
    """Wait for a process and return its exit code."""
    return process.wait(timeout=timeout_s)


def running_trials(trials: list[Trial]) -> list[Trial]:
    return [t for t in trials if t.state is State.RUNNING]
