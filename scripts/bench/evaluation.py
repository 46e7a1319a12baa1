"""Cost of an evaluation's output and attachments for its worker.

::

    python scripts/bench/evaluation.py

Prints the worker's CPU seconds for 100 MB of each kind of output; and for attachments the worker's peak
memory, as a multiple of their size, and the round trips to MongoDB.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from pymongo import monitoring

from hpsearch import hp
from hpsearch.core.experiment import Experiment, ExperimentState
from hpsearch.core.trial import FINISHED, State, Trial
from hpsearch.mongod import ephemeral_mongod
from hpsearch.objective.loading import parse_target
from hpsearch.space.tree import Space
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch_worker.isolated_evaluator import IsolatedEvaluator

MB = 10**6

KINDS = (
    "lines of 80 characters",
    "lines of 8 characters",
    "no end of a line",
    "a progress bar",
    "colours",
    "Chinese",
)

SPACE = Space({"kind": hp.choice("kind", KINDS)})

OBJECTIVES = """
import sys
import hpsearch

LINES = {
    "lines of 80 characters": "x" * 79 + "\\n",
    "lines of 8 characters": "x" * 7 + "\\n",
    "no end of a line": "x" * 80,
    "a progress bar": "\\r 50%|#####     | 500/1000 [00:10<00:10, 49.9it/s]",
    "colours": "\\x1b[32mINFO\\x1b[0m epoch 3 of 10: loss 0.125, accuracy 0.9375, 12.5 s\\n",
    "Chinese": "\\u8bad\\u7ec3" * 13 + "\\n",
}

def print_100_mb(config):
    line = LINES[config["kind"]]
    block = line * (10**6 // len(line.encode()))
    for _ in range(100):
        sys.stdout.write(block)
    return 0.0

def attach_300_mb(config):
    hpsearch.current_trial().attach("large", b"x" * (300 * 10**6))
    return 0.0

def attach_nothing(config):
    hpsearch.current_trial().attach("small", b"")
    return 0.0
"""


class Calls(monitoring.CommandListener):
    """Counts the commands that the driver sends."""

    n = 0

    def started(self, event: Any) -> None:
        """Count a command."""
        self.n += 1

    def succeeded(self, event: Any) -> None:
        """Count nothing."""

    def failed(self, event: Any) -> None:
        """Count nothing."""


def main() -> None:
    calls = Calls()
    monitoring.register(calls)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "objectives.py"
        file.write_text(OBJECTIVES)
        print("CPU of the worker to pass 100 MB of output on, in seconds")
        for kind, seconds in output_costs(file):
            print(f"  {kind:24} {seconds:.2f}")
        with ephemeral_mongod() as server:
            store = MongoStore.connect(server.uri, patience=Patience(60))
            base = peak_bytes(store, server.uri, file, "attach_nothing")
            peak = peak_bytes(store, server.uri, file, "attach_300_mb")
            print(f"memory of the worker for an attachment: {(peak - base) / (300 * MB):.2f} x its size")
            print(f"round trips for 3,000 small ones: {round_trips(store, calls)}")
            store.close()


def output_costs(file: Path) -> list[tuple[str, float]]:
    """Return the CPU seconds for each kind of output, written to a file."""
    costs = []
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as log:
        os.dup2(log.fileno(), 2)
        for number, kind in enumerate(KINDS):
            evaluator, experiment = IsolatedEvaluator(echo=True), described(file, "print_100_mb")
            evaluator.prepare(experiment, lambda: None)
            began = time.process_time()
            trial = Trial(exp_key=experiment.exp_key, tid=number, values={"kind": number}, attempt=1)
            evaluator.evaluate(trial, experiment, lambda: None, lambda word: None)
            costs.append((kind, time.process_time() - began))
            evaluator.close()
            log.truncate(0)
        os.dup2(stderr, 2)
    return costs


def peak_bytes(store: MongoStore, uri: str, file: Path, objective: str) -> int:
    """Return the peak memory of a worker for one trial."""
    experiment = store.open_experiment(described(file, objective))
    store.insert([Trial(exp_key=experiment.exp_key, tid=0, values={"kind": 0})])
    worker = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "hpsearch",
            "worker",
            "--exp-key",
            experiment.exp_key,
            "--drain-timeout",
            "5m",
        ],
        env={**os.environ, "HPSEARCH_STORE": uri},
        stderr=subprocess.DEVNULL,
    )
    while not store.counts(experiment.exp_key, FINISHED)[State.DONE]:
        time.sleep(0.1)
    lines = Path(f"/proc/{worker.pid}/status").read_text().splitlines()
    peak_kb = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    store.set_experiment_state(experiment.exp_key, ExperimentState.STOPPED)
    worker.terminate()
    worker.wait()
    return peak_kb * 1024


def round_trips(store: MongoStore, calls: Calls) -> int:
    """Return the number of commands for 3,000 small attachments."""
    before = calls.n
    store.attach_all("small", {f"fold{i}": b"x" * 100 for i in range(3000)}, tid=0, attempt=1)
    return calls.n - before


def described(file: Path, objective: str) -> Experiment:
    return Experiment(
        exp_key=objective.replace("_", "-"),
        space=SPACE.to_json(),
        space_fingerprint=SPACE.fingerprint,
        objective=parse_target(f"{file}:{objective}"),
    )


if __name__ == "__main__":
    main()
