"""A thousand workers on one MongoDB, without finished trials and with a hundred thousand.

    python scripts/bench/scale.py [--workers 1000] [--finished 100000] [--trial-s 20] [--for-s 30]
                                  [--parts restart costs work wait throughput]

Starts a private MongoDB with two searches, an empty one and one with finished trials, inserted by
``TrialStore.insert``, and measures both in turn:

restart     time from the start of ``hpsearch coordinator`` to its first suggestion, median of five
costs       index keys and documents that the server examines for each call, from its profiler
work        all workers evaluate, with a coordinator: milliseconds of the calls, median and 99th percentile;
            the coordinator's CPU for each trial, and its peak memory
wait        the same while nearly all workers wait, and 50 trials a second arrive
throughput  trials claimed and finished per second, with evaluations that take no time

The workers (``crowd.py``) share this machine with the server. They are real ones except for the process that
evaluates. Workers in one process share a pool of connections; real ones have three connections each.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from crowd import EXP_KEY, Latencies
from pymongo import MongoClient
from scale_search import SOURCE, Search, opened

from hpsearch.core.trial import Result, State
from hpsearch.core.worker import Worker
from hpsearch.mongod import ephemeral_mongod
from hpsearch.report.progress_reading import read_progress

PROCESSES, RESTARTS = 4, 5

#: Trials per second that arrive while the workers wait, and seconds that each takes.
TRICKLE_PER_S, SHORT_S = 50, 1.0

#: Seconds until idle workers have reached their longest polling interval.
SETTLE_S = 45.0

#: Workers and seconds of the throughput measurement.
CLOSED_WORKERS, CLOSED_S = 64, 8.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--finished", type=int, default=100_000)
    parser.add_argument("--trial-s", type=float, default=20.0)
    parser.add_argument("--for-s", type=float, default=30.0)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, {options.workers} workers, at a load average of {os.getloadavg()[0]:.1f}")
    with ephemeral_mongod() as server, tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "scale.py")
        target.write_text(SOURCE)
        searches = {n: opened(server.uri, target, n) for n in (0, options.finished)}
        for part in options.parts:
            for n_finished, search in searches.items():
                print(f"\n{part}, {n_finished} finished, load {os.getloadavg()[0]:.1f}")
                for line in PARTS[part](search, options):
                    print(f"  {line}", flush=True)
        for search in searches.values():
            search.store.close()


def restart(search: Search, options: Namespace) -> list[str]:
    """Start a coordinator repeatedly, with an empty queue."""
    took_s, memory_mb = [], 0.0
    for _ in range(RESTARTS):
        search.store.cancel(EXP_KEY, {State.PENDING})
        newest, began = search.newest(), time.monotonic()
        with search.coordinated() as pid:
            while search.newest() == newest:
                time.sleep(0.01)
            took_s.append(time.monotonic() - began)
            memory_mb = max(memory_mb, peak_mb(pid))
    times = " ".join(f"{t:.2f}" for t in took_s)
    return [f"first suggestion after {statistics.median(took_s):.2f} s ({times}), at most {memory_mb:.0f} MB"]


def costs(search: Search, options: Namespace) -> list[str]:
    """Measure each call, with ten running and ten pending trials."""
    store, worker = search.store, Worker(name="cost", host="here", pid=1)
    store.insert(search.new(20))
    running = [trial for i in range(10) if (trial := store.claim(worker, f"cost {i}", [EXP_KEY]))]
    store.record_worker(worker, 60.0)
    outstanding = range(search.newest() - 19, search.newest() + 1)
    calls: dict[str, Callable[[], object]] = {
        "claim": lambda: store.claim(worker, "cost", [EXP_KEY]),
        "renew": lambda: store.renew(running[0]),
        "finish": lambda: store.finish(running[0], Result(loss=0.5)),
        "expire": lambda: store.expire(EXP_KEY),
        "coordinator's look": lambda: store.finished(EXP_KEY, outstanding),
        "open trials": lambda: store.counts(EXP_KEY, {State.PENDING, State.RUNNING}),
        "best trial": lambda: list(store.trials(EXP_KEY, sort="loss", limit=1)),
        "hpsearch status": lambda: read_progress(store, [store.experiment(EXP_KEY)]),
    }
    lines = []
    with MongoClient[dict[str, Any]](search.uri) as client:
        database = client.get_default_database()
        for name, call in calls.items():
            database.command("profile", 2)
            call()
            database.command("profile", 0)
            seen = list(database["system.profile"].find({"ns": {"$not": {"$regex": "profile"}}}))
            database.drop_collection("system.profile")
            n_keys = sum(command.get("keysExamined", 0) for command in seen)
            n_documents = sum(command.get("docsExamined", 0) for command in seen)
            lines.append(f"{name:<20} {n_keys:>7} keys {n_documents:>6} documents")
    store.cancel(EXP_KEY, {State.PENDING, State.RUNNING})
    return lines


def work(search: Search, options: Namespace) -> list[str]:
    """All workers evaluate, with a coordinator."""
    warm_up_s = 2 * options.trial_s
    with search.coordinated() as pid:
        crowd = Crowd(search, options.workers, options.trial_s, warm_up_s, options.for_s)
        time.sleep(warm_up_s)
        cpu_s, n_done = cpu_of(pid), search.store.counts(EXP_KEY)[State.DONE]
        time.sleep(options.for_s - 1)
        cpu_s, n_done = cpu_of(pid) - cpu_s, search.store.counts(EXP_KEY)[State.DONE] - n_done
        cpu_ms = 1e3 * cpu_s / n_done
        return [*crowd.lines(), f"coordinator {cpu_ms:.2f} ms of CPU a trial, at most {peak_mb(pid):.0f} MB"]


def wait(search: Search, options: Namespace) -> list[str]:
    """A few trials arrive steadily, and most workers wait."""
    search.store.cancel(EXP_KEY, {State.PENDING, State.RUNNING})
    crowd = Crowd(search, options.workers, SHORT_S, SETTLE_S, options.for_s)
    trials = search.new(int(TRICKLE_PER_S * (SETTLE_S + options.for_s)))
    began, n_in = time.monotonic(), 0
    while n_in < len(trials):
        time.sleep(0.1)
        n_due = int(TRICKLE_PER_S * (time.monotonic() - began))
        search.store.insert(trials[n_in:n_due])
        n_in = n_due
    return crowd.lines()


def throughput(search: Search, options: Namespace) -> list[str]:
    """A few workers without evaluation time, on a queue that never becomes empty."""
    search.store.cancel(EXP_KEY, {State.PENDING, State.RUNNING})
    search.store.insert(search.new(int(2000 * CLOSED_S)))
    return Crowd(search, CLOSED_WORKERS, 0.0, CLOSED_S / 2, CLOSED_S).lines()


class Crowd:
    """The simulated workers, in several processes.

    Parameters
    ----------
    search : Search
        The search that they serve.
    n_workers : int
        Number of workers in all processes; positive.
    trial_s : float
        Mean seconds of an evaluation.
    warm_up_s, for_s : float
        Seconds before and during the measurement.
    """

    def __init__(
        self, search: Search, n_workers: int, trial_s: float, warm_up_s: float, for_s: float
    ) -> None:
        self._for_s = for_s
        numbers = {"--workers": n_workers // PROCESSES, "--trial-s": trial_s, "--warm-up-s": warm_up_s}
        arguments = [str(part) for pair in {**numbers, "--for-s": for_s}.items() for part in pair]
        command = [sys.executable, str(Path(__file__).with_name("crowd.py")), *arguments]
        pipe = subprocess.PIPE
        self._processes = [
            subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(PROCESSES)
        ]
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{search.uri}\n")
            process.stdin.flush()

    def lines(self) -> list[str]:
        """Wait until they end, and return their measurements."""
        found: Latencies = defaultdict(list)
        for process in self._processes:
            for name, ms in json.loads(process.communicate()[0]).items():
                found[name] += ms
        return [
            f"{name:<11} {len(ms) / self._for_s:>6.0f}/s  median {np.median(ms):>6.1f} ms  "
            f"p99 {np.percentile(ms, 99):>7.1f} ms"
            for name, ms in sorted(found.items())
        ]


PARTS: dict[str, Callable[[Search, Namespace], list[str]]] = {
    "restart": restart,
    "costs": costs,
    "work": work,
    "wait": wait,
    "throughput": throughput,
}


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """Return the peak memory of a process, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = (line for line in lines if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1e3


if __name__ == "__main__":
    main()
