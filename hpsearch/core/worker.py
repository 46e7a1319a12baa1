"""The workers of a fleet, as the registry in the store knows them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hpsearch.core.trial import Holder


class WorkerState(StrEnum):
    """What a worker says of itself."""

    IDLE = "idle"  #: waiting for a trial
    BUSY = "busy"  #: evaluating
    DRAINING = "draining"  #: finishing what it has, taking nothing new
    STOPPED = "stopped"  #: said good-bye


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker process; it may evaluate several trials at a time."""

    name: str  #: unique in the fleet
    host: str  #: name of the machine it runs on
    pid: int  #: process number on that machine
    slots: int = 1  #: trials it evaluates at a time
    exp_keys: tuple[str, ...] = ()  #: experiments it serves; empty means any
    state: WorkerState = WorkerState.IDLE
    n_done: int = 0  #: trials that it gave a loss
    n_failed: int = 0  #: trials that failed with it
    versions: Mapping[str, str] = field(default_factory=dict)  #: python, hpsearch
    started_at: datetime | None = None  #: server time, UTC, as all times below
    seen_at: datetime | None = None
    expire_at: datetime | None = None  #: without a sign of life it counts as gone from here on

    @property
    def holder(self) -> Holder:
        """How a trial names this worker."""
        return Holder(name=self.name, host=self.host, pid=self.pid)

    def serves(self, exp_key: str) -> bool:
        """Whether this worker takes trials of that experiment."""
        return not self.exp_keys or exp_key in self.exp_keys


def free_slots(workers: Iterable[Worker], exp_key: str, rivals: Mapping[str, int], n_running: int) -> int:
    """Return how many slots can be expected to take a trial of an experiment.

    A worker that serves others as well counts with the share of the experiment's priority, as it takes
    turns by those. What nobody else uses is free for all, so that at least the idle workers count.

    Parameters
    ----------
    workers : iterable of Worker
        Those that are alive and serve the experiment.
    exp_key : str
        The experiment.
    rivals : mapping
        Priorities by name, of the experiment and of all others that offer trials.
    n_running : int
        Running trials of the experiment.
    """
    n_slots, n_idle, n_due = 0, 0, 0.0
    for worker in workers:
        share = _share(exp_key, {key: p for key, p in rivals.items() if worker.serves(key)})
        n_slots += worker.slots
        n_due += share * worker.slots
        if share < 1 and worker.state is WorkerState.IDLE:
            n_idle += worker.slots
    # Summed shares may miss a whole number by a rounding error.
    return max(math.ceil(n_due - 1e-9) - n_running, min(n_idle, n_slots - n_running))


def _share(exp_key: str, priorities: Mapping[str, int]) -> float:
    """Return the share of an experiment among those of one worker; those of priority 0 get what is left."""
    total = sum(priorities.values())
    if set(priorities) <= {exp_key}:
        return 1.0
    return priorities.get(exp_key, 0) / total if total else 1 / len(priorities)


def is_known(worker: Worker, now: datetime) -> bool:
    """Whether the worker's last sign of life is still good.

    One from the future was given before the store's clock was set back; it is good for no longer than
    it would have been without that.
    """
    if worker.expire_at is None or worker.expire_at <= now:
        return False
    return worker.seen_at is None or worker.seen_at <= now + (worker.expire_at - worker.seen_at)


def is_alive(worker: Worker, now: datetime) -> bool:
    """Whether the worker takes trials: recently seen, and neither draining nor gone."""
    return is_known(worker, now) and worker.state not in {WorkerState.DRAINING, WorkerState.STOPPED}


def has_left_idle(worker: Worker, since: datetime | None) -> bool:
    """Whether the worker said good-bye after that time, without a result of any trial."""
    if worker.state is not WorkerState.STOPPED or worker.n_done or worker.n_failed:
        return False
    return since is None or (worker.seen_at is not None and worker.seen_at >= since)
