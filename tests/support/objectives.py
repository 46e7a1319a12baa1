"""Trials that wait for workers, without a coordinator, and objectives of every temper."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch import hp
from hpsearch.core.experiment import Defaults, Experiment, ObjectiveRef
from hpsearch.core.trial import Trial
from hpsearch.space.tree import Space
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.fleet import Fleet
from tests.support.waiting import wait_until

SPACE = Space({"x": hp.uniform("x", 0, 100)})

OBJECTIVES = """
import ctypes, datetime, os, sys, time
from pathlib import Path
import numpy as np
import hpsearch

def quick(config):
    return config["x"]

def odd_values(config):
    return {
        "loss": np.float32(0.5),
        "weights": np.arange(6).reshape(2, 3),
        "nested": {"a": [np.int64(1), (2.5, None)], "b.c": {"$d": True}},
        "at": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        "blob": b"\\0\\1",
        "model": object(),
    }

def fails(config):
    raise ValueError("no luck")

def slow(config):
    Path("started").touch()
    print("at work")
    time.sleep(600)

def slow_once(config):
    if not Path("started").exists():
        slow(config)
    return config["x"]

def stubborn(config):
    Path("started").touch()
    while True:
        try:
            time.sleep(600)
        except BaseException:
            pass

def a_second(config):
    Path("started").touch()
    time.sleep(1)
    return config["x"]

def waits_to_go_on(config):
    Path("started").touch()
    while not Path("go_on").exists():
        time.sleep(0.01)
    return config["x"]

def writes_here(config):
    with open("written", "a") as file:
        file.write("x")
    os.chdir("/")
    return config["x"]

def holds_the_lock(config):
    Path("started").touch()
    ctypes.PyDLL(None).system(b"while [ ! -e go_on ]; do sleep 0.05; done")
    return config["x"]

def speaks(config):
    hpsearch.current_trial().report(1, 0.5)
    Path("started").touch()
    while not Path("go_on").exists():
        time.sleep(0.01)
    hpsearch.current_trial().report(2, 0.25)
    return config["x"]

def speaks_a_lot(config):
    Path("started").touch()
    end = time.monotonic() + 1.5
    step = 0
    while time.monotonic() < end or not Path("go_on").exists():
        print("line" * 1000)
        hpsearch.current_trial().report(step, 0.5)
        step += 1
        time.sleep(0.01)
    Path("ended").touch()
    return step
"""


@dataclass
class TrialQueue:
    """Trials that wait for workers, in a database of their own; there is no coordinator."""

    fleet: Fleet
    store: MongoStore

    def submit(
        self, function: str, n: int, *, file: str = "work.py", kind: str = "file", **defaults: Any
    ) -> str:
        exp_key = f"{function}-{file.removesuffix('.py')}"
        opened = self.store.open_experiment(
            Experiment(
                exp_key=exp_key,
                space=SPACE.to_json(),
                space_fingerprint=SPACE.fingerprint,
                objective=ObjectiveRef(kind=kind, ref=f"{file}:{function}"),
                defaults=Defaults(**defaults),
            )
        )
        lease_s, max_attempts = defaults.get("lease_s", 60.0), defaults.get("max_attempts", 3)
        self.store.insert(
            [
                Trial(
                    exp_key=exp_key,
                    exp_created_at=opened.created_at,
                    tid=i,
                    values={"x": float(i)},
                    lease_s=lease_s,
                    max_attempts=max_attempts,
                )
                for i in range(n)
            ]
        )
        return exp_key

    def trial(self, exp_key: str, tid: int = 0) -> Trial:
        return self.store.trial(exp_key, tid)

    def states(self, exp_key: str) -> list[str]:
        return [t.state.value for t in self.store.trials(exp_key)]

    def wait_for_file(self, name: str) -> None:
        wait_until((self.fleet.folder / name).exists, f"the file {name}")

    def touch(self, name: str) -> None:
        (self.fleet.folder / name).touch()


def open_queue(folder: Path, uri: str) -> TrialQueue:
    (folder / "work.py").write_text(OBJECTIVES)
    return TrialQueue(Fleet(folder, uri), MongoStore.connect(uri, patience=Patience(120)))
