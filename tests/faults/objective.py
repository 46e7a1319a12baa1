"""An objective of every kind, which records each of its calls in a log outside the database.

It trains in steps: after each it keeps a checkpoint, with which the next attempt goes on, and asks whether to
stop.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import time
from pathlib import Path
from typing import Any

import hpsearch
from hpsearch import hp

#: Frequency of each kind.
_TEMPERS = [
    (0.83, "good"),
    (0.05, "raise"),
    (0.03, "segfault"),
    (0.03, "exit"),
    (0.02, "hang"),
    (0.04, "eat"),
]

#: Steps of a training; each adds its share to the loss.
N_STEPS = 6

#: Seconds that an import takes at the most while the campaign wants it slow.
_SLOW_IMPORT_S = 15.0

space = {
    "x": hp.uniform("x", -5, 5),
    "temper": hp.pchoice("temper", _TEMPERS),
    "seconds": hp.loguniform("seconds", -2, 1),
}


def objective(config: dict[str, Any]) -> dict[str, Any]:
    """Return the square of x after some steps, or fail in the given way."""
    trial = hpsearch.current_trial()
    call = {
        "exp_key": trial.exp_key,
        "tid": trial.tid,
        "attempt": trial.attempt,
        "worker": os.getppid(),
        "process": os.getpid(),
        "temper": config["temper"],
        "began_at": time.monotonic(),
    }
    _tell(call)
    loss = None
    try:
        old = trial.resume()
        call["start"] = call["saved"] = 0 if old is None else int(old.step)
        _tell(call)
        total = float(old.data) if old is not None and old.data is not None else 0.0
        for step in range(call["start"] + 1, N_STEPS + 1):
            time.sleep(config["seconds"] / N_STEPS)
            total += config["x"] ** 2 / N_STEPS
            trial.report(step, config["x"] ** 2 + 1 / step)
            if trial.should_stop():
                raise hpsearch.Pruned
            if trial.checkpoint(step, data=repr(total).encode()):
                call["saved"] = step
                _tell(call)
        _TEMPER[config["temper"]]()
        loss = total
    finally:
        _tell({**call, "ended_at": time.monotonic(), "loss": loss})
    return {"loss": loss, "x": config["x"]}


def _tell(fields: dict[str, Any]) -> None:
    # A single append to a file is atomic, and survives the death of the process.
    file = os.open(os.environ["CALLS"], os.O_WRONLY | os.O_APPEND)
    os.write(file, json.dumps(fields).encode() + b"\n")
    os.close(file)


def _raise() -> None:
    raise ValueError("no luck")


def _segfault() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.string_at(0)


def _exit() -> None:
    os._exit(3)


def _hang() -> None:
    time.sleep(3600)


def _eat() -> None:
    """Run out of memory, as under a limit of the system."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, limits[1]))
    try:
        bytearray(8 << 30)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)


_TEMPER = {
    "good": lambda: None,
    "raise": _raise,
    "segfault": _segfault,
    "exit": _exit,
    "hang": _hang,
    "eat": _eat,
}


def _import_slowly() -> None:
    """Take as long as a file says, as an import that reads from a slow disk."""
    until = time.monotonic() + _SLOW_IMPORT_S
    is_slow = Path(os.environ["SLOW_IMPORT"]).exists
    while is_slow() and time.monotonic() < until:
        time.sleep(0.02)


_import_slowly()
