"""Workers in the registry of the store, and rules about them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hpsearch.core.trial import Holder


class WorkerState(StrEnum):
    """What a worker is doing."""

    IDLE = "idle"  #: waiting for a trial
    BUSY = "busy"  #: evaluating
    DRAINING = "draining"  #: finishing its trials, claiming no more
    STOPPED = "stopped"  #: has stopped


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker process; it may evaluate several trials at a time."""

    name: str  #: unique in the fleet
    host: str  #: name of the machine it runs on
    pid: int  #: process number on that machine
    slots: int = 1  #: trials it evaluates at a time
    exp_keys: tuple[str, ...] = ()  #: names of the experiments it serves; empty for all
    state: WorkerState = WorkerState.IDLE
    n_done: int = 0  #: trials that it evaluated successfully
    n_failed: int = 0  #: trials that failed on it
    versions: Mapping[str, str] = field(default_factory=dict)  #: of Python and hpsearch, by name
    started_at: datetime | None = None  #: store time, UTC, like all times below
    seen_at: datetime | None = None
    expire_at: datetime | None = None  #: when its entry expires without another heartbeat

    @property
    def holder(self) -> Holder:
        """The worker as the holder of a trial."""
        return Holder(name=self.name, host=self.host, pid=self.pid)

    def serves(self, exp_key: str) -> bool:
        """Whether this worker claims trials of an experiment."""
        return not self.exp_keys or exp_key in self.exp_keys


def free_slots(workers: Iterable[Worker], exp_key: str, rivals: Mapping[str, int], n_running: int) -> int:
    """Return how many slots can be expected to claim another trial of an experiment.

    A worker that serves several experiments counts with the experiment's share of their priorities,
    because it divides its claims accordingly. All idle slots count, as no other experiment uses them.

    Parameters
    ----------
    workers : iterable of Worker
        Live workers that serve the experiment.
    exp_key : str
        Name of the experiment.
    rivals : mapping
        Priorities by name, of the experiment and of all others with pending trials.
    n_running : int
        Number of running trials of the experiment.
    """
    n_slots, n_idle, n_due = 0, 0, 0.0
    for worker in workers:
        share = _share(exp_key, {key: p for key, p in rivals.items() if worker.serves(key)})
        n_slots += worker.slots
        n_due += share * worker.slots
        if share < 1 and worker.state is WorkerState.IDLE:
            n_idle += worker.slots
    # A sum of shares may differ from a whole number by a rounding error.
    return max(math.ceil(n_due - 1e-9) - n_running, min(n_idle, n_slots - n_running))


def _share(exp_key: str, priorities: Mapping[str, int]) -> float:
    """Return an experiment's share of a worker; those of priority 0 share only among themselves."""
    total = sum(priorities.values())
    if set(priorities) <= {exp_key}:
        return 1.0
    return priorities.get(exp_key, 0) / total if total else 1 / len(priorities)


def has_valid_entry(worker: Worker, now: datetime) -> bool:
    """Whether the worker's registry entry has not expired.

    An entry from the future was written before the store's clock was set back; it is valid for no longer
    than its own duration from now.

    Parameters
    ----------
    worker : Worker
        The entry.
    now : datetime
        Store time.
    """
    if worker.expire_at is None or worker.expire_at <= now:
        return False
    return worker.seen_at is None or worker.seen_at <= now + (worker.expire_at - worker.seen_at)


def is_alive(worker: Worker, now: datetime) -> bool:
    """Whether the worker claims trials: its entry is valid, and it is neither draining nor stopped.

    Parameters
    ----------
    worker : Worker
        The entry.
    now : datetime
        Store time.
    """
    return has_valid_entry(worker, now) and worker.state not in {WorkerState.DRAINING, WorkerState.STOPPED}


def has_left_idle(worker: Worker, since: datetime | None) -> bool:
    """Whether the worker stopped without the result of any trial.

    Parameters
    ----------
    worker : Worker
        The entry.
    since : datetime or None
        Store time; None stands for any time. A worker that stopped before does not count.
    """
    if worker.state is not WorkerState.STOPPED or worker.n_done or worker.n_failed:
        return False
    return since is None or (worker.seen_at is not None and worker.seen_at >= since)
