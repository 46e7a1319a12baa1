"""The targets of faults, and their outcomes."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.faults.evidence import Call, Death, Pause, Priority, Rotation, read_calls, under_way
from tests.faults.fleet import LEASE_S, Fleet
from tests.faults.injections import Injection
from tests.faults.passwords import Passwords
from tests.faults.table import Outcome
from tests.support.movable_clock import MovableClock
from tests.support.proxy import Proxy
from tests.support.replica_set import Cluster
from tests.support.supervisor import Post, children_of, send

Thing = TypeVar("Thing")

#: Seconds to look for a target.
_LOOK_FOR_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """A fleet and its servers; shared by the threads of all lanes."""

    cluster: Cluster
    fleet: Fleet
    proxy: Proxy
    passwords: Passwords
    clock: MovableClock
    calls: Path  #: log of the objective
    is_over: threading.Event = field(default_factory=threading.Event)  #: faults end at once when it is set
    pauses: list[Pause] = field(default_factory=list)
    rotations: list[Rotation] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    priorities: list[Priority] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)  #: evaluating processes that faults killed, by pid
    left_behind: list[str] = field(default_factory=list)  #: evaluating processes that outlived their workers

    def in_hand(self, workers: Sequence[Post]) -> list[Call]:
        """Return the evaluations that some workers are running."""
        children = {child for post in workers if post.pid for child in children_of(post.pid)}
        return under_way(self._calls(), children)

    def at_work(self, workers: Sequence[Post]) -> list[Post]:
        """Return the workers that are running an evaluation."""
        calls = self._calls()
        return [post for post in workers if post.pid and under_way(calls, children_of(post.pid))]

    def found(self, find: Callable[[], Thing | None]) -> Thing | None:
        """Look for a target for at most half a minute."""
        deadline = time.monotonic() + _LOOK_FOR_S
        while (thing := find()) is None and time.monotonic() < deadline:
            if self.is_over.wait(0.5):
                return None
        return thing

    def freeze(self, processes: Sequence[int], injection: Injection) -> None:
        """Stop processes for longer than a lease."""
        for pid in processes:
            send(pid, signal.SIGSTOP)
        self.outlast_lease(injection)
        for pid in processes:
            send(pid, signal.SIGCONT)

    def outlast_lease(self, injection: Injection) -> None:
        """Wait for longer than a lease."""
        self.is_over.wait(LEASE_S + 1 + 4 * injection.length)

    def _calls(self) -> list[Call]:
        return read_calls(self.calls.read_text().splitlines())


def chosen(things: Sequence[Thing], target: float) -> Thing | None:
    """Return one of the things, by a number from 0 to 1; None where there are none."""
    return things[int(target * len(things))] if things else None


def hit_one(injection: Injection, in_hand: Sequence[Call], post: Post) -> Outcome:
    """Return the outcome of a fault of one worker."""
    return outcome_of(injection, len(in_hand), "trials in hand", in_hand, is_local=True, note=post.name)


def hit_all(injection: Injection, in_hand: Sequence[Call], note: str) -> Outcome:
    """Return the outcome of a fault that hits all workers."""
    return outcome_of(injection, len(in_hand), "trials in hand", in_hand, note=note)


def outcome_of(
    injection: Injection,
    n: int,
    unit: str,
    in_hand: Sequence[Call],
    *,
    is_local: bool = False,
    note: str = "",
) -> Outcome:
    """Return the outcome of a fault; the arguments are as in ``Outcome``."""
    held = frozenset((call.trial, call.attempt) for call in in_hand)
    return Outcome(kind=injection.kind, n_hit=n, unit=unit, in_hand=held, is_local=is_local, note=note)
