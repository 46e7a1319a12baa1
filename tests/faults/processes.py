"""Faults of workers, of their evaluating processes, and of coordinators."""

from __future__ import annotations

import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.faults.evidence import Pause
from tests.faults.fleet import LEASE_S, WITH_OTHER_CLOCK
from tests.faults.injections import Injection, Kind
from tests.faults.table import Outcome
from tests.faults.targets import Targets, chosen, hit_all, hit_one
from tests.support.supervisor import Post, children_of, send

#: Seconds that a child may live on after its worker was killed.
_ORPHAN_S = 10.0

_HOUR_S = 3600

#: Seconds that an evaluating process takes to load the objective, or longer.
_LOADING_S = 0.5

#: Workers that load a search while it is paused.
_N_LOADING = 4

#: Seconds between two tries of a command.
_AGAIN_S = 1.0

#: Share of the faults of workers that hit one in the middle of a trial, if there is one.
_AT_WORK = 0.8


def hit(targets: Targets, injection: Injection) -> Outcome | None:
    """Carry out a fault of the lane "processes"; None if there was no target."""
    match injection.kind:
        case Kind.KILL_WORKER | Kind.KILL_CHILD:
            return _kill_at_work(targets, injection)
        case Kind.FREEZE_WORKER | Kind.FREEZE_CHILD | Kind.FREEZE_BOTH:
            return _freeze_at_work(targets, injection)
        case Kind.MOVE_CLOCK:
            return _move_clock(targets, injection)
        case Kind.PAUSE:
            return _pause(targets, injection)
    return _hit_coordinator(targets, injection)


def _kill_at_work(targets: Targets, injection: Injection) -> Outcome | None:
    post = _worker(targets, injection)
    if post is None or post.pid is None:
        return None
    in_hand, children = targets.in_hand([post]), children_of(post.pid)
    if injection.kind is Kind.KILL_CHILD:
        _kill_children(targets, children, post, injection)
        return hit_one(injection, in_hand, post) if children else None
    post.kill()
    _await_orphans(targets, post, children)
    return hit_one(injection, in_hand, post)


def _freeze_at_work(targets: Targets, injection: Injection) -> Outcome | None:
    post = _worker(targets, injection)
    if post is None or post.pid is None:
        return None
    in_hand, children = targets.in_hand([post]), children_of(post.pid)
    frozen = {
        Kind.FREEZE_WORKER: [post.pid],
        Kind.FREEZE_CHILD: children,
        Kind.FREEZE_BOTH: [post.pid, *children],
    }[injection.kind]
    targets.freeze(frozen, injection)
    return hit_one(injection, in_hand, post) if frozen else None


def _move_clock(targets: Targets, injection: Injection) -> Outcome | None:
    post = targets.fleet.workers[WITH_OTHER_CLOCK]
    if not targets.clock.is_possible or post.pid is None:
        return None
    in_hand = targets.in_hand([post])
    targets.clock.move(_HOUR_S if injection.target < 0.5 else -_HOUR_S)
    targets.is_over.wait(LEASE_S / 2)
    targets.clock.move(0)
    return hit_one(injection, in_hand, post)


def _pause(targets: Targets, injection: Injection) -> Outcome | None:
    """Pause a search while evaluating processes load it slowly; let it go on once they have loaded it."""
    fleet = targets.fleet
    exp_key = chosen(fleet.exp_keys, injection.target)
    if exp_key is None:
        return None
    fleet.slow_import.touch()
    in_hand = targets.in_hand(fleet.workers)
    for post in fleet.workers[:_N_LOADING]:
        for child in children_of(post.pid) if post.pid else ():
            _kill_child(targets, child)
    is_paused = fleet.command("pause", exp_key)
    since = time.monotonic()
    targets.is_over.wait(1 + injection.length)
    fleet.slow_import.unlink()
    if is_paused:
        targets.is_over.wait(LEASE_S / 2)
    until = time.monotonic()
    # A command without a response may have been executed: resume the search in any case.
    while not (fleet.command("resume", exp_key) or fleet.has_ended(exp_key)):
        time.sleep(_AGAIN_S)
    if not is_paused:
        return None
    targets.pauses.append(Pause(exp_key=exp_key, since=since, until=until))
    return hit_all(injection, in_hand, note=exp_key)


def _hit_coordinator(targets: Targets, injection: Injection) -> Outcome | None:
    fleet = targets.fleet
    is_standby = injection.kind is Kind.KILL_STANDBY
    post = targets.found(fleet.standby if is_standby else lambda: fleet.leader(injection.target))
    if post is None or post.pid is None:
        return None
    in_hand = targets.in_hand(fleet.workers)
    if injection.kind is Kind.FREEZE_LEADER:
        targets.freeze([post.pid], injection)
    else:
        post.kill()
    return hit_all(injection, in_hand, note=post.name)


def _worker(targets: Targets, injection: Injection) -> Post | None:
    """Choose a worker: mostly one that evaluates, at times any, which may just claim or finish."""
    alive = [post for post in targets.fleet.workers if post.pid]
    at_work = targets.at_work(alive)
    return chosen(at_work if at_work and injection.length < _AT_WORK else alive, injection.target)


def _kill_children(targets: Targets, children: Sequence[int], post: Post, injection: Injection) -> None:
    """Kill evaluating processes; at times also the one that follows, while it loads the objective."""
    for child in children:
        _kill_child(targets, child)
    deadline = time.monotonic() + (LEASE_S / 2 if injection.length >= _AT_WORK else 0)
    while post.pid is not None and time.monotonic() < deadline:
        if later := set(children_of(post.pid)) - set(children):
            targets.is_over.wait(injection.target * _LOADING_S)
            _kill_child(targets, later.pop())
            return
        time.sleep(0.01)


def _kill_child(targets: Targets, pid: int) -> None:
    send(pid, signal.SIGKILL)
    targets.killed.append(pid)


def _await_orphans(targets: Targets, post: Post, children: Sequence[int]) -> None:
    """Record the evaluating processes that survive their worker for too long."""
    deadline = time.monotonic() + _ORPHAN_S
    alive = [child for child in children if _is_evaluating(child)]
    while alive and time.monotonic() < deadline:
        time.sleep(0.05)
        alive = [child for child in alive if _is_evaluating(child)]
    targets.left_behind.extend(f"process {child} outlived {post.name}" for child in alive)


def _is_evaluating(pid: int) -> bool:
    """Whether a process is one that evaluates, and no later one of the same number."""
    with suppress(OSError):
        return "hpsearch_worker.child" in Path(f"/proc/{pid}/cmdline").read_text()
    return False
