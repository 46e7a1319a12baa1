"""Simulated workers in one process: real workers, except for the child process and the objective.

    python scripts/bench/crowd.py --workers 250 --trial-s 20 --warm-up-s 20 --for-s 40 < URI

Each has the parts of a real worker: a slot that claims, waits and finishes, a heartbeat that renews the lease
and updates the worker's document, a list of the experiments, and a MongoDB client with its connections and
monitors. The evaluation is a sleep of half to one and a half times ``--trial-s``. The URI comes on stdin,
since it contains a password. Prints one line of JSON: milliseconds of every call after the warm-up, by name.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import Result, Trial
from hpsearch.core.worker import Worker
from hpsearch.runtime.signals import Interrupt
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from hpsearch.store.protocol import LeaseStatus
from hpsearch_worker.evaluator import StopCheck, StoppedError
from hpsearch_worker.heartbeat import Heartbeat
from hpsearch_worker.loop import Limits, Slot
from hpsearch_worker.served_experiments import ServedExperiments
from hpsearch_worker.shutdown import Shutdown
from hpsearch_worker.trial_counts import Tally

#: Milliseconds of each call, by its name.
Latencies = dict[str, list[float]]

EXP_KEY = "scale"

#: Seconds between two checks of an evaluation whether to continue, as in a real one.
_LOOK_S = 0.5

#: Seconds between the last call that is measured and the end.
_LAST_S = 2.0


class Stopwatch:
    """Measures calls from some instant on; shared by all threads."""

    def __init__(self, since: float, until: float) -> None:
        self._since, self._until = since, until
        self.ms: Latencies = defaultdict(list)

    @contextmanager
    def timing(self, name: Callable[[], str]) -> Iterator[None]:
        """Measure a block, whose name is read when it has ended."""
        began = time.monotonic()
        yield
        if self._since <= began < self._until:
            self.ms[name()].append(1e3 * (time.monotonic() - began))


class TimedStore(MongoStore):
    """A store whose calls are timed."""

    stopwatch: Stopwatch

    def claim(self, worker: Worker, token: str, exp_keys: Sequence[str]) -> Trial | None:
        """Claim; measured separately when the queue is empty."""
        trial = None
        with self.stopwatch.timing(lambda: "claim" if trial else "empty claim"):
            trial = super().claim(worker, token, exp_keys)
        return trial

    def renew(self, trial: Trial) -> LeaseStatus:
        """Renew."""
        with self.stopwatch.timing(lambda: "renew"):
            return super().renew(trial)

    def finish(self, trial: Trial, result: Result) -> None:
        """Finish."""
        with self.stopwatch.timing(lambda: "finish"):
            super().finish(trial, result)


class Sleeper:
    """An evaluator that sleeps and returns a loss."""

    def __init__(self, mean_s: float) -> None:
        self._mean_s = mean_s

    def prepare(self, experiment: Experiment, should_stop: StopCheck) -> None:
        """Nothing needs loading."""

    def evaluate(self, trial: Trial, experiment: Experiment, should_stop: StopCheck, on_event: Any) -> Result:
        """Sleep."""
        duration_s = self._mean_s * random.uniform(0.5, 1.5)
        end = time.monotonic() + duration_s
        while (left := end - time.monotonic()) > 0:
            if (why := should_stop()) is not None:
                raise StoppedError(why)
            time.sleep(min(left, _LOOK_S))
        loss = random.random()
        return Result(loss=loss, result={"loss": loss, "status": "ok"}, duration_s=duration_s)

    def close(self) -> None:
        """Nothing was started."""


def main() -> None:
    """Run the workers, and print the durations of their calls."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--workers", type=int, default=250)
    parser.add_argument("--trial-s", type=float, default=20.0)
    parser.add_argument("--warm-up-s", type=float, default=20.0)
    parser.add_argument("--for-s", type=float, default=40.0)
    options = parser.parse_args()
    uri = f"{sys.stdin.readline().strip()}&maxPoolSize={options.workers}"
    store = TimedStore.connect(uri, patience=Patience(30))
    since = time.monotonic() + options.warm_up_s
    store.stopwatch = stopwatch = Stopwatch(since, since + options.for_s)
    with Interrupt() as interrupt:
        # The shutdown of all workers at once is not measured.
        shutdown = Shutdown(interrupt, 0.0, options.warm_up_s + options.for_s + _LAST_S)
        evaluator, step_s = Sleeper(options.trial_s), options.warm_up_s / 2 / options.workers
        threads = [
            threading.Thread(target=work, args=(store, number, evaluator, shutdown, number * step_s))
            for number in range(options.workers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if shutdown.error is not None:
        raise shutdown.error
    print(json.dumps(stopwatch.ms))


def work(store: TimedStore, number: int, evaluator: Sleeper, shutdown: Shutdown, start_s: float) -> None:
    """Run one worker until shutdown."""
    shutdown.sleep(start_s)
    tally = Tally(Worker(name=f"crowd-{os.getpid()}-{number}", host=socket.gethostname(), pid=os.getpid()))
    heartbeat = Heartbeat(store, tally.worker)
    heartbeat.start()
    Slot(
        store=store,
        evaluator=evaluator,
        served=ServedExperiments(store, [EXP_KEY]),
        heartbeat=heartbeat,
        tally=tally,
        shutdown=shutdown,
        limits=Limits(),
    ).work()
    heartbeat.stop(tally.worker(is_draining=True), 1.0)


if __name__ == "__main__":
    main()
