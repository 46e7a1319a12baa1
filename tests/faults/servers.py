"""Faults of the servers of the replica set, and of their commands."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

from pymongo.errors import PyMongoError

from tests.faults.evidence import Call, Death, Rotation
from tests.faults.fleet import LEASE_S
from tests.faults.injections import AT_START, COMMANDS, Injection, Kind
from tests.faults.table import Outcome
from tests.faults.targets import Targets, chosen, hit_all, outcome_of
from tests.support.replica_set import Member

#: Seconds by which clocks are set: far more than a lease, and than the checker waits for a trial. MongoDB's
#: timers of elections follow the clock, so after a step back there may be no primary for so long.
CLOCK_STEP_S = 300

#: Connections that are closed when passwords were changed: about all of the fleet.
_N_CONNECTIONS = 40

#: Seconds that the replica set has to be whole again before the next fault of its lane.
_RECOVERY_S = 90.0


def hit(targets: Targets, injection: Injection) -> Outcome | None:
    """Carry out a fault of the lane "servers"; None if there was no target."""
    cluster, kind = targets.cluster, injection.kind
    if not cluster.wait_for_health(_RECOVERY_S):
        return None
    in_hand = targets.in_hand(targets.fleet.workers)
    secondary = chosen(cluster.secondaries(), injection.target)
    member = secondary if kind in {Kind.KILL_SECONDARY, Kind.FREEZE_SECONDARY} else cluster.primary()
    if kind is Kind.FILL_DISK and injection.target < 0.5:
        member = secondary
    if member is None:
        return None
    _break(targets, member, injection)
    cluster.wait_for_health(_RECOVERY_S)
    member.post.may_die = False
    return hit_all(injection, in_hand, note=member.post.name)


def answer_badly(targets: Targets, injection: Injection) -> Outcome | None:
    """Carry out a fault of the lane "commands": set a fail point, wait until it was met, take it back."""
    member = targets.found(targets.cluster.primary)
    if member is None:
        return None
    in_hand = targets.in_hand(targets.fleet.workers)
    if injection.kind is Kind.ROTATE:
        return _change_passwords(targets, injection, in_hand)
    try:
        member.fail([injection.command], _how(injection), injection.times)
        if injection.command in AT_START and (post := targets.fleet.standby()) is not None:
            post.kill()  # another starts, and sends it
        targets.is_over.wait(LEASE_S / 2)
        n = member.n_failed()
    except PyMongoError:  # the member went away: a fault of another lane
        n = _taken_back(member)
    note = f"{injection.command} x {injection.times}"
    return outcome_of(injection, n, "commands", in_hand, note=note) if n > 0 else None


def _break(targets: Targets, member: Member, injection: Injection) -> None:
    match injection.kind:
        case Kind.KILL_ALL:
            for each in targets.cluster.members:
                each.post.kill()
        case Kind.FREEZE_PRIMARY | Kind.FREEZE_SECONDARY:
            member.freeze(is_frozen=True)
            targets.outlast_lease(injection)
            member.freeze(is_frozen=False)
        case Kind.STEP_DOWN:
            targets.cluster.step_down()
        case Kind.STEP_BACK | Kind.STEP_AHEAD:
            _set_clock(targets, member, injection)
        case Kind.FILL_DISK:
            member.fill_disk()
            targets.is_over.wait(5 + 10 * injection.length)
            member.free_disk()
        case _:
            member.post.kill()


def _set_clock(targets: Targets, primary: Member, injection: Injection) -> None:
    """Set the clock of all servers, or that of the primary, which then hands over to another.

    In the moment before, or while the leases are dates of a clock that is ahead, a worker is killed,
    and at times the leading coordinator.
    """
    step_s = CLOCK_STEP_S if injection.kind is Kind.STEP_AHEAD else -CLOCK_STEP_S
    is_of_all = injection.target < 0.5
    if is_of_all:
        _kill_holders(targets, injection)
    for member in targets.cluster.members if is_of_all else [primary]:
        member.clock.move(member.clock.offset_s + step_s)
    if not is_of_all:
        targets.is_over.wait(LEASE_S / 2)
        _kill_holders(targets, injection)
        targets.cluster.step_down()
        targets.is_over.wait(LEASE_S / 2)
        primary.clock.move(primary.clock.offset_s - step_s)


def _kill_holders(targets: Targets, injection: Injection) -> None:
    post = chosen(targets.at_work(targets.fleet.workers), injection.length)
    if post is not None and post.pid is not None:
        in_hand = targets.in_hand([post])
        post.kill()
        at = time.monotonic()
        targets.deaths.extend(Death(trial=call.trial, attempt=call.attempt, at=at) for call in in_hand)
    leader = targets.fleet.leader(injection.target) if injection.length < 0.5 else None
    if leader is not None:
        leader.kill()


def _change_passwords(targets: Targets, injection: Injection, in_hand: Sequence[Call]) -> Outcome:
    """Change passwords, have all processes reconnect, and write the store files some seconds later."""
    since = time.monotonic()
    uris = targets.passwords.change()
    targets.proxy.reset()
    member, n = targets.found(targets.cluster.primary), 0
    with suppress(PyMongoError):
        if member is not None:
            member.fail(COMMANDS, {"closeConnection": True}, _N_CONNECTIONS)
    targets.is_over.wait(2 + 6 * injection.length)
    with suppress(PyMongoError):  # the member went away, which ends its connections as well
        n = 0 if member is None else max(0, member.n_failed())
    targets.passwords.write(uris)
    targets.rotations.append(Rotation(since=since, until=time.monotonic()))
    return outcome_of(injection, n, "connections", in_hand)


def _taken_back(member: Member) -> int:
    with suppress(PyMongoError):
        return member.n_failed()
    return 0  # with its process the fail point is gone, too; a frozen one keeps few


def _how(injection: Injection) -> dict[str, object]:
    """Return what a fail point does to a command."""
    match injection.kind:
        case Kind.ERROR:
            return {"errorCode": injection.code}
        case Kind.UNSAFE:
            return {"writeConcernError": {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "too slow"}}
        case Kind.CLOSE:
            return {"closeConnection": True}
    return {"blockConnection": True, "blockTimeMS": int(500 + 9_500 * injection.length)}
