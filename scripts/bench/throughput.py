"""Trials per second of real worker processes, compared with a bare loop of the same two commands.

    .venv/bin/python scripts/bench/throughput.py [--workers 1 4 16] [--trials 400] [--rounds 3]

For each number of workers, measures in turn, so that drifts of the machine's speed affect all equally:
processes that only claim and finish, with the driver's calls; workers that evaluate an empty objective in
their process; workers that evaluate it in a child process. The queue is filled beforehand. The rate is from
the first claim to the last finish by the server's times, without the start of Python. CPU is that of the
worker and its child, minus that of workers on an empty queue.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from uuid import uuid4

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import FINISHED, Trial
from hpsearch.mongod import ephemeral_mongod
from hpsearch.objective.loading import parse_target
from hpsearch.space.tree import Space
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore

OBJECTIVE = "space = {}\ndef objective(config): return 0.0\n"

BARE = """
import sys
from uuid import uuid4
from pymongo import MongoClient, ReturnDocument
from hpsearch.store.mongo import queries
from hpsearch.store.documents.trial import result_document
from hpsearch.core.trial import Result

trials = MongoClient(sys.argv[1], w="majority", journal=True)[sys.argv[2]].trials
outcome = result_document(Result(loss=0.0, result={"loss": 0.0, "status": "ok"}))
while True:
    token = uuid4().hex
    taken = trials.find_one_and_update(
        queries.pending("bench"),
        queries.claim(token, {"name": "bare", "host": "here", "pid": 1}),
        sort=queries.QUEUE_ORDER,
        return_document=ReturnDocument.AFTER,
    )
    if taken is None:
        break
    held = {"_id": taken["_id"], "owner": token, "attempt": taken["attempt"], "state": "running"}
    trials.update_one(held, queries.finish(outcome))
"""

WORKER = ["-m", "hpsearch", "worker", "--burst", "--no-echo", "--exp-key", "bench"]
WAYS = {
    "bare loop": ["-c", BARE],
    "own process": [*WORKER, "--no-isolate"],
    "child process": WORKER,
}


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--trials", type=int, default=400, help="for each worker up to four")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with ephemeral_mongod() as server, tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "empty.py")
        target.write_text(OBJECTIVE)
        print(f"{os.cpu_count()} cores, {options.rounds} rounds, medians")
        print(f"{'workers':>7}  {'way':<14} {'trials/s':>9} {'of bare':>8} {'CPU ms/trial':>13}")
        for n_workers in options.workers:
            n_trials = options.trials * min(n_workers, 4)
            idle, rounds = (
                [
                    {way: measure(server.uri, target, way, n_workers, n) for way in WAYS}
                    for _ in range(options.rounds)
                ]
                for n in (0, n_trials)
            )
            for way in WAYS:
                rate = median(r[way][0] for r in rounds)
                ratio = median(r[way][0] / r["bare loop"][0] for r in rounds)
                cpu_s = median(r[way][1] for r in rounds) - median(r[way][1] for r in idle)
                print(f"{n_workers:>7}  {way:<14} {rate:>9.0f} {ratio:>8.2f} {1e3 * cpu_s / n_trials:>13.2f}")


def measure(uri: str, target: Path, way: str, n_workers: int, n_trials: int) -> tuple[float, float]:
    """Return the trials per second, and the CPU seconds of all processes."""
    database = f"bench_{uuid4().hex[:8]}"
    at = uri.replace("/hpsearch?", f"/{database}?")
    store = MongoStore.connect(at, patience=Patience(30))
    fill(store, target, n_trials)
    arguments = [at, database] if way == "bare loop" else []
    command = [sys.executable, *WAYS[way], *arguments]
    environment = {**os.environ, "HPSEARCH_STORE": at}
    before = os.times()
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(n_workers)
    ]
    for process in processes:
        if process.wait() != 0:
            raise SystemExit(f"{way}: a process ended with code {process.returncode}")
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    finished = [t for t in store.trials("bench") if t.state in FINISHED]
    store.close()
    if len(finished) != n_trials:
        raise SystemExit(f"{way}: {len(finished)} of {n_trials} trials finished")
    if n_trials == 0:
        return 0.0, cpu_s
    first = min(t.claimed_at for t in finished if t.claimed_at)
    last = max(t.finished_at for t in finished if t.finished_at)
    return n_trials / (last - first).total_seconds(), cpu_s


def fill(store: MongoStore, target: Path, n_trials: int) -> None:
    """Create an experiment with pending trials, without a coordinator."""
    space = Space({})
    store.open_experiment(
        Experiment(
            exp_key="bench",
            space=space.to_json(),
            space_fingerprint=space.fingerprint,
            objective=parse_target(str(target)),
        )
    )
    store.insert([Trial(exp_key="bench", tid=tid, values={}) for tid in range(n_trials)])


if __name__ == "__main__":
    main()
