"""Carries faults out, one lane each in a thread of its own."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pymongo.errors import PyMongoError

from .clock import MovableClock
from .cluster import Cluster, Member
from .evidence import Call, read_calls, under_way
from .fleet import BEHIND_PROXY, LEASE_S, WITH_OTHER_CLOCK, Fleet
from .injections import AT_START, Injection, Kind
from .posts import Post, children_of, send
from .proxy import Proxy
from .table import Outcome

Thing = TypeVar("Thing")

#: Seconds that the replica set has to be whole again before the next fault of its lane.
_RECOVERY_S = 90.0

#: Seconds that a child may live on after its worker was killed.
_ORPHAN_S = 10.0

_HOUR_S = 3600

#: Seconds that an evaluating process takes to load the objective, or longer.
_LOADING_S = 0.5

#: Share of the faults of workers that hit one in the middle of a trial, if there is one.
_AT_WORK = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What faults happen to."""

    cluster: Cluster
    fleet: Fleet
    proxy: Proxy
    clock: MovableClock
    calls: Path  #: log of the objective

    def in_hand(self, workers: Sequence[Post]) -> list[Call]:
        """Return the evaluations that some workers are in the middle of."""
        children = {child for post in workers if post.pid for child in children_of(post.pid)}
        return under_way(self._told(), children)

    def at_work(self, workers: Sequence[Post]) -> list[Post]:
        """Return those workers that are in the middle of an evaluation."""
        told = self._told()
        return [post for post in workers if post.pid and under_way(told, children_of(post.pid))]

    def _told(self) -> list[Call]:
        return read_calls(self.calls.read_text().splitlines())


class Injector:
    """Injects faults until it is told to stop, and leaves everything as it was."""

    def __init__(
        self, scene: Scene, lanes: Sequence[Iterator[Injection]], tell: Callable[[str], None]
    ) -> None:
        self._scene = scene
        self._tell = tell
        self._is_over = threading.Event()
        self.outcomes: list[Outcome] = []
        self.left_behind: list[str] = []  #: evaluating processes that outlived their workers
        self.n_children_killed = 0
        self.errors: list[BaseException] = []  #: of the campaign itself
        self._threads = [threading.Thread(target=self._run, args=(lane,), daemon=True) for lane in lanes]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Inject nothing more, and return once all is undone."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _run(self, lane: Iterator[Injection]) -> None:
        try:
            for injection in lane:
                if self._is_over.wait(injection.pause_s):
                    return
                self._inject(injection)
        except BaseException as error:  # noqa: BLE001 - told by ``stop``
            self.errors.append(error)

    def _inject(self, injection: Injection) -> None:
        outcome = self._carried_out(injection)
        if outcome is not None:
            self.outcomes.append(outcome)
            self._tell(f"{injection.kind}: {outcome.n_hit} {outcome.unit} {outcome.note}")

    def _carried_out(self, injection: Injection) -> Outcome | None:
        """Carry out a fault; None if there was nothing that it could hit."""
        match injection.kind:
            case Kind.KILL_WORKER | Kind.KILL_CHILD:
                return self._kill_at_work(injection)
            case Kind.FREEZE_WORKER | Kind.FREEZE_CHILD | Kind.FREEZE_BOTH:
                return self._freeze_at_work(injection)
            case Kind.KILL_LEADER | Kind.KILL_STANDBY | Kind.FREEZE_LEADER:
                return self._coordinator(injection)
            case Kind.MOVE_CLOCK:
                return self._move_clock(injection)
            case Kind.ERROR | Kind.UNSAFE | Kind.CLOSE | Kind.BLOCK:
                return self._answer_badly(injection)
            case Kind.RESET | Kind.DELAY | Kind.SILENCE:
                return self._disturb(injection)
            case kind if kind.startswith("cut"):
                return self._cut(injection)
        return self._server(injection)

    # Workers

    def _worker(self, injection: Injection) -> Post | None:
        """Choose a worker: mostly one that evaluates, at times any, which may just claim or finish."""
        alive = [post for post in self._scene.fleet.workers if post.pid]
        at_work = self._scene.at_work(alive)
        return _chosen(at_work if at_work and injection.length < _AT_WORK else alive, injection.target)

    def _kill_at_work(self, injection: Injection) -> Outcome | None:
        post = self._worker(injection)
        if post is None or post.pid is None:
            return None
        in_hand, children = self._scene.in_hand([post]), children_of(post.pid)
        if injection.kind is Kind.KILL_CHILD:
            self._kill_children(children, post, injection)
            return _at_work(injection, post, in_hand) if children else None
        post.kill()
        self._await_orphans(post, children)
        return _at_work(injection, post, in_hand)

    def _kill_children(self, children: Sequence[int], post: Post, injection: Injection) -> None:
        """Kill evaluating processes; at times also the one that follows, while it loads the objective."""
        for child in children:
            self._kill_child(child)
        deadline = time.monotonic() + (LEASE_S / 2 if injection.length >= _AT_WORK else 0)
        while post.pid is not None and time.monotonic() < deadline:
            if later := set(children_of(post.pid)) - set(children):
                self._is_over.wait(injection.target * _LOADING_S)
                self._kill_child(later.pop())
                return
            time.sleep(0.01)

    def _kill_child(self, pid: int) -> None:
        send(pid, signal.SIGKILL)
        self.n_children_killed += 1

    def _await_orphans(self, post: Post, children: Sequence[int]) -> None:
        deadline = time.monotonic() + _ORPHAN_S
        alive = [child for child in children if _is_evaluating(child)]
        while alive and time.monotonic() < deadline:
            time.sleep(0.05)
            alive = [child for child in alive if _is_evaluating(child)]
        self.left_behind += [f"process {child} outlived {post.name}" for child in alive]

    def _freeze_at_work(self, injection: Injection) -> Outcome | None:
        post = self._worker(injection)
        if post is None or post.pid is None:
            return None
        in_hand, children = self._scene.in_hand([post]), children_of(post.pid)
        frozen = {
            Kind.FREEZE_WORKER: [post.pid],
            Kind.FREEZE_CHILD: children,
            Kind.FREEZE_BOTH: [post.pid, *children],
        }[injection.kind]
        self._freeze(frozen, injection)
        return _at_work(injection, post, in_hand) if frozen else None

    def _freeze(self, processes: Sequence[int], injection: Injection) -> None:
        """Stop processes for longer than a lease."""
        for pid in processes:
            send(pid, signal.SIGSTOP)
        self._is_over.wait(LEASE_S + 1 + 4 * injection.length)
        for pid in processes:
            send(pid, signal.SIGCONT)

    def _move_clock(self, injection: Injection) -> Outcome | None:
        post = self._scene.fleet.workers[WITH_OTHER_CLOCK]
        if not self._scene.clock.is_possible or post.pid is None:
            return None
        in_hand = self._scene.in_hand([post])
        self._scene.clock.move(_HOUR_S if injection.target < 0.5 else -_HOUR_S)
        self._is_over.wait(LEASE_S / 2)
        self._scene.clock.move(0)
        return _at_work(injection, post, in_hand)

    # Coordinators

    def _coordinator(self, injection: Injection) -> Outcome | None:
        fleet = self._scene.fleet
        find = fleet.standby if injection.kind is Kind.KILL_STANDBY else fleet.leader
        post = self._found(find)
        if post is None or post.pid is None:
            return None
        in_hand = self._scene.in_hand(fleet.workers)
        if injection.kind is Kind.FREEZE_LEADER:
            self._freeze([post.pid], injection)
        else:
            post.kill()
        return _everywhere(injection, in_hand, note=post.name)

    # Servers

    def _server(self, injection: Injection) -> Outcome | None:
        cluster, kind = self._scene.cluster, injection.kind
        if not cluster.wait_for_health(_RECOVERY_S):
            return None
        in_hand = self._scene.in_hand(self._scene.fleet.workers)
        followers = cluster.secondaries()
        secondary = _chosen(followers, injection.target)
        member = secondary if kind in {Kind.KILL_SECONDARY, Kind.FREEZE_SECONDARY} else cluster.primary()
        if kind is Kind.FILL_DISK and injection.target < 0.5:
            member = secondary
        if member is None:
            return None
        self._break(member, injection)
        cluster.wait_for_health(_RECOVERY_S)
        member.post.may_die = False
        return _everywhere(injection, in_hand, note=member.post.name)

    def _break(self, member: Member, injection: Injection) -> None:
        match injection.kind:
            case Kind.KILL_ALL:
                for each in self._scene.cluster.members:
                    each.post.kill()
            case Kind.FREEZE_PRIMARY | Kind.FREEZE_SECONDARY:
                member.freeze(is_frozen=True)
                self._is_over.wait(LEASE_S + 1 + 4 * injection.length)
                member.freeze(is_frozen=False)
            case Kind.STEP_DOWN:
                self._scene.cluster.step_down()
            case Kind.FILL_DISK:
                member.fill_disk()
                self._is_over.wait(5 + 10 * injection.length)
                member.free_disk()
            case _:
                member.post.kill()

    # The wire

    def _cut(self, injection: Injection) -> Outcome | None:
        proxy, kind = self._scene.proxy, injection.kind
        in_hand = self._in_hand_behind_proxy()
        what = "claim" if "claim" in kind else "finish"
        n_before, deadline = proxy.n_cut, time.monotonic() + 2 * LEASE_S
        proxy.cut(what, before=kind in {Kind.CUT_BEFORE_CLAIM, Kind.CUT_BEFORE_FINISH})
        while proxy.n_cut == n_before and time.monotonic() < deadline:
            if self._is_over.wait(0.1):
                break
        proxy.cut(what, before=True, times=0)
        n = proxy.n_cut - n_before
        return _outcome(injection, n, "commands", in_hand, is_local=True) if n else None

    def _disturb(self, injection: Injection) -> Outcome | None:
        proxy = self._scene.proxy
        in_hand = self._in_hand_behind_proxy()
        if injection.kind is Kind.RESET:
            return _outcome(injection, proxy.reset(), "connections", in_hand, is_local=True)
        if injection.kind is Kind.DELAY:
            proxy.delay(0.1 + injection.length)
        else:
            proxy.hold(is_open=False)
        self._is_over.wait(LEASE_S + 1 + 4 * injection.length)
        proxy.delay(0)
        proxy.hold(is_open=True)
        return _outcome(injection, len(in_hand), "trials in hand", in_hand, is_local=True)

    def _in_hand_behind_proxy(self) -> list[Call]:
        return self._scene.in_hand([self._scene.fleet.workers[i] for i in BEHIND_PROXY])

    # Commands

    def _answer_badly(self, injection: Injection) -> Outcome | None:
        """Set a fail point, wait until it was met, and take it back."""
        cluster = self._scene.cluster
        member = self._found(cluster.primary)
        if member is None:
            return None
        in_hand = self._scene.in_hand(self._scene.fleet.workers)
        try:
            member.fail(injection.command, _how(injection), injection.times)
            if injection.command in AT_START and (post := self._scene.fleet.standby()) is not None:
                post.kill()  # another starts, and sends it
            self._is_over.wait(LEASE_S / 2)
            n = member.n_failed()
        except PyMongoError:  # the member went away: a fault of another lane
            n = self._taken_back(member)
        note = f"{injection.command} x {injection.times}"
        return _outcome(injection, n, "commands", in_hand, note=note) if n else None

    def _taken_back(self, member: Member) -> int:
        with suppress(PyMongoError):
            return member.n_failed()
        return 0  # with its process the fail point is gone, too; a frozen one keeps few

    def _found(self, find: Callable[[], Thing | None]) -> Thing | None:
        """Look for something for half a minute at the most."""
        deadline = time.monotonic() + 30
        while (thing := find()) is None and time.monotonic() < deadline:
            if self._is_over.wait(0.5):
                return None
        return thing


def _how(injection: Injection) -> dict[str, object]:
    match injection.kind:
        case Kind.ERROR:
            return {"errorCode": injection.code}
        case Kind.UNSAFE:
            return {"writeConcernError": {"code": 64, "codeName": "WriteConcernFailed", "errmsg": "too slow"}}
        case Kind.CLOSE:
            return {"closeConnection": True}
    return {"blockConnection": True, "blockTimeMS": int(500 + 9_500 * injection.length)}


def _chosen(things: Sequence[Thing], target: float) -> Thing | None:
    return things[int(target * len(things))] if things else None


def _is_evaluating(pid: int) -> bool:
    """Whether a process is one that evaluates, and no later one of the same number."""
    with suppress(OSError):
        return "hpsearch_worker.child" in Path(f"/proc/{pid}/cmdline").read_text()
    return False


def _at_work(injection: Injection, post: Post, in_hand: Sequence[Call]) -> Outcome:
    return _outcome(injection, len(in_hand), "trials in hand", in_hand, is_local=True, note=post.name)


def _everywhere(injection: Injection, in_hand: Sequence[Call], note: str) -> Outcome:
    return _outcome(injection, len(in_hand), "trials in hand", in_hand, note=note)


def _outcome(
    injection: Injection,
    n: int,
    unit: str,
    in_hand: Sequence[Call],
    *,
    is_local: bool = False,
    note: str = "",
) -> Outcome:
    held = frozenset((call.trial, call.attempt) for call in in_hand)
    return Outcome(kind=injection.kind, n_hit=n, unit=unit, in_hand=held, is_local=is_local, note=note)
