"""The evidence of a campaign, as values; from outside the database where possible."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.supervisor import End

#: A worker's message after the store has acknowledged a result.
_ACKNOWLEDGED = re.compile(r"trial (\S+)/(\d+) (?:done: loss (\S+) in|failed: (\w+):|pruned: )")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the objective, from its lines in the log."""

    exp_key: str
    tid: int
    attempt: int
    worker: int  #: process number of the worker
    process: int  #: process number of its evaluating child
    temper: str  #: what the objective does: ``good``, ``raise``, ...
    began_at: float  #: monotonic seconds, of the machine
    start: int | None = None  #: step of the checkpoint with which it went on; None if it did not come so far
    saved: int = 0  #: step of the last checkpoint that it knows to be stored
    ended_at: float | None = None  #: None if it never returned
    loss: float | None = None  #: what it returned

    @property
    def trial(self) -> str:
        """Name of the trial, as in the database."""
        return f"{self.exp_key}/{self.tid:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """A worker's output after the database had stored its result."""

    trial: str
    worker: str  #: its name
    loss: float | None  #: to six digits; None for a failed or pruned trial
    kind: str | None  #: of the failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A time in which no call of a search may begin."""

    exp_key: str
    since: float  #: monotonic, as all times here: when `hpsearch pause` had returned
    until: float  #: when `hpsearch resume` was called


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A worker's death in the middle of a call, at which the servers' clock was set."""

    trial: str
    attempt: int
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time in which the servers answered no question of the sampler."""

    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """A time in which the passwords of the store files were not those of the servers."""

    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Priority:
    """The priority of a search from a time on."""

    exp_key: str
    at: float
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One search: what was asked for, and what is in the database in the end."""

    exp_key: str
    max_evals: int
    max_attempts: int
    experiment: Mapping[str, Any]  #: its document
    trials: Sequence[Mapping[str, Any]]  #: their documents


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence that the checker uses."""

    searches: Sequence[Search]
    calls: Sequence[Call]
    acknowledged: Sequence[Acknowledgement]
    #: The documents of finished trials as they were first seen, by name.
    first_seen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Who was seen to hold a trial: its name, the attempt, the token, the worker's name.
    holds: frozenset[tuple[str, int, str, str]] = frozenset()
    ends: Sequence[End] = ()
    pauses: Sequence[Pause] = ()
    rotations: Sequence[Rotation] = ()
    deaths: Sequence[Death] = ()
    outages: Sequence[Outage] = ()
    crowds: Sequence[Sequence[str]] = ()  #: names of searches that were begun together
    priorities: Sequence[Priority] = ()  #: of those, from the first on
    far_workers: frozenset[int] = frozenset()  #: process numbers of those whose answers a proxy may hold back
    n_children_killed: int = 0  #: evaluating processes that the campaign killed
    left_behind: Sequence[str] = ()  #: processes, files and connections that should be gone
    logs: Mapping[str, str] = field(default_factory=dict)  #: what each process printed


def read_calls(lines: Iterable[str]) -> list[Call]:
    """Return the calls in the log of the objective."""
    calls: dict[tuple[int, float], Call] = {}
    for line in lines:
        call = Call(**json.loads(line))
        calls[call.process, call.began_at] = call  # the second line says all of the first, and more
    return list(calls.values())


def under_way(calls: Iterable[Call], processes: Collection[int]) -> list[Call]:
    """Return the calls that living processes are running, one per process."""
    latest = {call.process: call for call in calls}
    return [c for process, c in latest.items() if process in processes and c.ended_at is None]


def read_acknowledged(worker: str, log: str) -> list[Acknowledgement]:
    """Return the results that a worker logged as acknowledged."""
    return [
        Acknowledgement(
            trial=f"{exp_key}/{tid}", worker=worker, loss=float(loss) if loss else None, kind=kind or None
        )
        for exp_key, tid, loss, kind in _ACKNOWLEDGED.findall(log)
    ]
