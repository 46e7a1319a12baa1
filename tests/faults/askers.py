"""Processes that ask for trials and tell their results, while some are killed, on a replica set.

    scripts/askers --seed 1 [--trials 1000 --processes 16 --kills 40]

Each asker logs a trial before it tells its result, and after the result was acknowledged. At the end the logs
are compared with the database. Prints what was counted and every broken promise; then the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from hpsearch.core.trial import State, Trial
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.replica_set import Cluster
from tests.support.supervisor import Supervisor

#: Longer than the run: no server is started again.
_NEVER_S = 3600.0

#: Seconds until a killed asker's trial is asked for again.
_LEASE_S = 10.0

_KEY = "asked"

#: One asker; its lines are "ask TID ATTEMPT" and "acknowledged TID ATTEMPT".
_ASKER = f"""
import os, random, sys, time
import hpsearch
from hpsearch import hp

uri, seed, n_trials, log = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
pause = random.Random(seed)
out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

def note(word, trial):
    os.write(out, f"{{word}} {{trial.tid}} {{trial.attempt}}\\n".encode())

space = {{"x": hp.uniform("x", 0, 1)}}
with hpsearch.open(uri, "{_KEY}", space, algo="random", max_evals=n_trials, lease={_LEASE_S}) as search:
    for trial in search:
        note("ask", trial)
        time.sleep(pause.uniform(0, 0.2))
        trial.tell({{"loss": trial.config["x"], "attempt": trial.attempt}})
        note("acknowledged", trial)
"""


class Line(NamedTuple):
    """A line in the log of an asker."""

    word: str  #: "ask" before the result is sent, "acknowledged" once it is stored
    tid: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was counted, and what was broken."""

    counts: dict[str, float]
    broken: list[str]


def main() -> None:
    """Run the askers once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seed", type=int, required=True, help="of the victims")
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--processes", type=int, default=16, help="at the same time")
    parser.add_argument(
        "--kills", type=int, default=40, help="half of them in a trial; each is replaced by a new process"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        supervisor = Supervisor(_NEVER_S)
        try:
            cluster = Cluster(Path(folder), supervisor, None, has_disks=False, environment=os.environ)
            cluster.initiate(60)
            outcome = run(
                cluster.uri(), Path(folder), options.trials, options.processes, options.kills, options.seed
            )
        finally:
            supervisor.close()
    print(", ".join(f"{name} {count:g}" for name, count in outcome.counts.items()))
    for sentence in outcome.broken:
        print(f"Broken: {sentence}")
    sys.exit(1 if outcome.broken else 0)


def run(uri: str, folder: Path, n_trials: int, n_processes: int, n_kills: int, seed: int) -> Outcome:
    """Have processes ask and tell until the budget is spent, and kill some of them.

    Parameters
    ----------
    uri : str
        The database.
    folder : Path
        For the logs.
    n_trials, n_processes, n_kills : int
        Trials of the search, processes at a time, and how many of them are killed, evenly over the search.
    seed : int
        Of the victims.
    """
    began = time.monotonic()
    askers = _Askers(uri, folder, n_trials)
    victims = random.Random(seed)
    store = MongoStore.connect(uri, patience=Patience(120))
    try:
        for _ in range(n_processes):
            askers.start()
        for kill in range(n_kills):
            while _n_done(store) < (kill + 1) * n_trials // (n_kills + 1):
                time.sleep(0.1)
            askers.kill(victims, in_trial=kill % 2 == 0)
            askers.start()
        codes = askers.wait()
        trials = list(store.trials(_KEY))
    finally:
        askers.close()
        store.close()
    logs = _lines(folder)
    counts = {
        "trials": len(trials),
        "done": sum(trial.state is State.DONE for trial in trials),
        "asked": sum(line.word == "ask" for line in logs),
        "acknowledged": sum(line.word == "acknowledged" for line in logs),
        "asked again": sum(trial.attempt > 1 for trial in trials),
        "processes": n_processes + n_kills,
        "killed": n_kills,
        "seconds": round(time.monotonic() - began),
    }
    return Outcome(counts=counts, broken=broken_promises(trials, logs, codes, n_trials))


class _Askers:
    """The processes, each with a log of its own.

    Parameters
    ----------
    uri : str
        The database.
    folder : Path
        For the logs.
    n_trials : int
        Trials of the search.
    """

    def __init__(self, uri: str, folder: Path, n_trials: int) -> None:
        self._uri, self._folder, self._n_trials = uri, folder, n_trials
        self._all: list[subprocess.Popen[bytes]] = []
        self._killed: set[int] = set()

    def start(self) -> None:
        """Start one more."""
        seed = len(self._all)
        arguments = [self._uri, str(seed), str(self._n_trials), str(self._folder / f"asker-{seed}.log")]
        self._all.append(subprocess.Popen([sys.executable, "-c", _ASKER, *arguments]))

    def kill(self, victims: random.Random, *, in_trial: bool) -> None:
        """Kill one that has asked before; ``in_trial``: one that evaluates, unless it ends just then."""
        while not (ready := self._ready(in_trial=in_trial)):
            time.sleep(0.005)
        chosen = victims.choice(ready)
        self._all[chosen].kill()
        self._all[chosen].wait()
        self._killed.add(chosen)

    def _ready(self, *, in_trial: bool) -> list[int]:
        living = (i for i in range(len(self._all)) if i not in self._killed and self._log(i).exists())
        return [i for i in living if not in_trial or _last_word(self._log(i)) == "ask"]

    def wait(self) -> list[int]:
        """Return the exit codes of those that were not killed."""
        return [process.wait() for i, process in enumerate(self._all) if i not in self._killed]

    def close(self) -> None:
        """Kill all."""
        for process in self._all:
            process.kill()
            process.wait()

    def _log(self, index: int) -> Path:
        return self._folder / f"asker-{index}.log"


def _last_word(log: Path) -> str:
    lines = log.read_text().splitlines()
    return lines[-1].split()[0] if lines else ""


def _n_done(store: MongoStore) -> int:
    return store.counts(_KEY, {State.DONE})[State.DONE]


def _lines(folder: Path) -> list[Line]:
    """Return what the askers logged."""
    words = [line.split() for path in folder.glob("asker-*.log") for line in path.read_text().splitlines()]
    return [Line(word, int(tid), int(attempt)) for word, tid, attempt in words]


def broken_promises(
    trials: Sequence[Trial], lines: Sequence[Line], codes: Sequence[int], n_trials: int
) -> list[str]:
    """Return a sentence for each promise that was not kept.

    Parameters
    ----------
    trials : sequence of Trial
        As they are in the database at the end.
    lines : sequence of Line
        What the askers logged.
    codes : sequence of int
        Exit codes of the askers that were not killed.
    n_trials : int
        Trials of the search.
    """
    stored = {trial.tid: trial for trial in trials}
    acknowledged = Counter((line.tid, line.attempt) for line in lines if line.word == "acknowledged")
    broken = [f"An asker ended with {code}." for code in codes if code]
    if sorted(stored) != list(range(n_trials)):
        broken.append(f"There are {len(stored)} trials, which are not those from 0 to {n_trials - 1}.")
    broken += [f"Trial {t.tid} is {t.state}." for t in trials if t.state is not State.DONE]
    broken += [f"Trial {t.tid} has the loss {t.loss}." for t in trials if t.loss != t.values["x"]]
    by_trial = Counter[int]()
    for (tid, _), n in acknowledged.items():
        by_trial[tid] += n
    broken += [f"Trial {tid} was acknowledged {n} times." for tid, n in by_trial.items() if n > 1]
    kept = {tid: trial.result.get("attempt") for tid, trial in stored.items()}
    broken += [
        f"Trial {tid} was acknowledged in attempt {attempt}, but the database has that of {kept.get(tid)}."
        for tid, attempt in acknowledged
        if kept.get(tid) != attempt
    ]
    return broken


if __name__ == "__main__":
    main()
