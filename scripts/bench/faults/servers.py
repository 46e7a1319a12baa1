"""Faults of the servers of the replica set, and of the commands that they answer."""

from __future__ import annotations

from contextlib import suppress

from pymongo.errors import PyMongoError

from .cluster import Member
from .fleet import LEASE_S
from .injections import AT_START, Injection, Kind
from .scene import Scene, chosen, hit_all, outcome_of
from .table import Outcome

#: Seconds that the replica set has to be whole again before the next fault of its lane.
_RECOVERY_S = 90.0


def hit(scene: Scene, injection: Injection) -> Outcome | None:
    """Carry out a fault of the lane "servers"; None if there was nothing that it could hit."""
    cluster, kind = scene.cluster, injection.kind
    if not cluster.wait_for_health(_RECOVERY_S):
        return None
    in_hand = scene.in_hand(scene.fleet.workers)
    secondary = chosen(cluster.secondaries(), injection.target)
    member = secondary if kind in {Kind.KILL_SECONDARY, Kind.FREEZE_SECONDARY} else cluster.primary()
    if kind is Kind.FILL_DISK and injection.target < 0.5:
        member = secondary
    if member is None:
        return None
    _break(scene, member, injection)
    cluster.wait_for_health(_RECOVERY_S)
    member.post.may_die = False
    return hit_all(injection, in_hand, note=member.post.name)


def answer_badly(scene: Scene, injection: Injection) -> Outcome | None:
    """Carry out a fault of the lane "commands": set a fail point, wait until it was met, take it back."""
    member = scene.found(scene.cluster.primary)
    if member is None:
        return None
    in_hand = scene.in_hand(scene.fleet.workers)
    try:
        member.fail(injection.command, _how(injection), injection.times)
        if injection.command in AT_START and (post := scene.fleet.standby()) is not None:
            post.kill()  # another starts, and sends it
        scene.is_over.wait(LEASE_S / 2)
        n = member.n_failed()
    except PyMongoError:  # the member went away: a fault of another lane
        n = _taken_back(member)
    note = f"{injection.command} x {injection.times}"
    return outcome_of(injection, n, "commands", in_hand, note=note) if n > 0 else None


def _break(scene: Scene, member: Member, injection: Injection) -> None:
    match injection.kind:
        case Kind.KILL_ALL:
            for each in scene.cluster.members:
                each.post.kill()
        case Kind.FREEZE_PRIMARY | Kind.FREEZE_SECONDARY:
            member.freeze(is_frozen=True)
            scene.outlast_lease(injection)
            member.freeze(is_frozen=False)
        case Kind.STEP_DOWN:
            scene.cluster.step_down()
        case Kind.FILL_DISK:
            member.fill_disk()
            scene.is_over.wait(5 + 10 * injection.length)
            member.free_disk()
        case _:
            member.post.kill()


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
