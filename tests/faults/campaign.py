"""The order of a campaign: a replica set, a fleet, searches under faults, the check."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.faults.checker import Broken, broken_promises
from tests.faults.evidence import Evidence, Priority, read_acknowledged, read_calls
from tests.faults.fleet import BEHIND_PROXY, MAX_ATTEMPTS, Fleet, environment_of
from tests.faults.injections import LANES, Kind, drawn
from tests.faults.injector import Injector
from tests.faults.passwords import Passwords
from tests.faults.sampler import Sampler
from tests.faults.servers import CLOCK_STEP_S
from tests.faults.table import Outcome
from tests.faults.targets import Targets
from tests.support import small_disk
from tests.support.movable_clock import MovableClock, compiled
from tests.support.proxy import Proxy
from tests.support.replica_set import Cluster
from tests.support.supervisor import Post, Supervisor

_OBJECTIVE = Path(__file__).with_name("objective.py")

#: Time limits in seconds: start of the set, restart of a process, drain.
_START_S, _RESTART_S, _DRAIN_S = 90.0, 1.0, 60.0

#: Seconds without progress after which a search is stuck.
_STUCK_S = 180.0 + CLOCK_STEP_S

#: Number of searches that share the workers, and how often they replace a single one.
_CROWD, _CROWD_EVERY = 10, 3

#: Seconds within which connections and processes of ended workers must have ended.
_GONE_S = 60.0

#: Most files and sockets that a worker may have open.
_MOST_DESCRIPTORS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The amount of work; the campaign ends with the search in which all of it is done."""

    seed: int
    n_trials: int  #: at the least, in all searches together
    n_faults: int  #: at the least
    minutes: float  #: at the least
    trials_per_search: int
    trials_of_crowd: int  #: of each of the searches that share the workers; 0 for no such searches
    kinds: frozenset[Kind]
    mean_pause_s: float  #: between two faults of one lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The result of a campaign."""

    outcomes: Sequence[Outcome]
    evidence: Evidence
    broken: Sequence[Broken]
    left_out: Sequence[str]  #: kinds of faults that are not possible on this machine, and why
    seconds: float
    logs: Path | None  #: kept if a promise was broken


def run(plan: Plan) -> Verdict:
    """Run a campaign, and keep the logs if it finds something."""
    began_at = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="hpsearch-faults-"))
    has_disks = small_disk.can_mount()
    library = compiled(folder)
    kinds, left_out = _possible(plan.kinds, has_disks=has_disks, has_clock=library is not None)
    broken: list[Broken] = []
    try:
        with ExitStack() as stack:
            campaign = _Campaign(folder, stack, library, has_disks=has_disks)
            injector = campaign.inject(plan, kinds, began_at)
            evidence = campaign.conclude()
        broken = broken_promises(evidence)
    finally:
        if not broken:
            shutil.rmtree(folder)
    return Verdict(
        outcomes=injector.outcomes,
        evidence=evidence,
        broken=broken,
        left_out=left_out,
        seconds=time.monotonic() - began_at,
        logs=folder if broken else None,
    )


class _Campaign:
    """The services of a campaign, which end with the stack."""

    def __init__(self, folder: Path, stack: ExitStack, library: Path | None, *, has_disks: bool) -> None:
        self._folder = folder
        self._mark = uuid4().hex
        self._logs, self._site = folder / "logs", folder / "site"
        self._logs.mkdir()
        self._site.mkdir()
        shutil.copy(_OBJECTIVE, self._site / "search.py")
        self._calls = folder / "calls"
        self._calls.touch()
        environment = environment_of(folder, self._mark)
        servers = Supervisor(_RESTART_S)
        self._cluster = Cluster(folder, servers, library, has_disks=has_disks, environment=environment)
        stack.callback(self._cluster.close)
        stack.callback(servers.close)
        self._cluster.initiate(_START_S)
        proxy = Proxy(self._cluster.ports())
        stack.callback(proxy.close)
        self._supervisor = Supervisor(_RESTART_S)
        stack.callback(self._supervisor.close)
        self._sampler = Sampler(self._cluster.client)
        stack.callback(self._sampler.close)
        passwords = Passwords(folder, self._cluster, proxy.ports)
        self._fleet = Fleet(self._site, self._logs, self._supervisor, environment, passwords)
        clock = MovableClock(library, folder / "clock-offset")
        self._fleet.start_workers(clock.environment)
        self._targets = Targets(
            cluster=self._cluster,
            fleet=self._fleet,
            proxy=proxy,
            passwords=passwords,
            clock=clock,
            calls=self._calls,
        )
        self._crowds: list[Sequence[str]] = []
        self._asked: list[tuple[str, int]] = []
        self._left_behind: list[str] = []

    def inject(self, plan: Plan, kinds: frozenset[Kind], began_at: float) -> Injector:
        """Run searches under faults, one after the other, until the plan is done."""
        lanes = {lane: drawn(plan.seed, lane, kinds, plan.mean_pause_s) for lane in LANES}
        injector = Injector(self._targets, lanes, lambda text: _tell(began_at, text))
        n_rounds = 0
        while not (self._left_behind or injector.errors) and (
            sum(n for _, n in self._asked) < plan.n_trials
            or len(injector.outcomes) < plan.n_faults
            or time.monotonic() - began_at < 60 * plan.minutes
        ):
            n_rounds += 1
            name = f"faults-{n_rounds}"
            if plan.trials_of_crowd and n_rounds % _CROWD_EVERY == 0:
                crowd = [f"{name}-{i}" for i in range(_CROWD)]
                self._crowds.append(crowd)
                never = float("-inf")
                self._targets.priorities.extend(Priority(exp_key=key, at=never, priority=1) for key in crowd)
                self._search(crowd, plan.trials_of_crowd, plan.seed + n_rounds)
            else:
                self._search([name], plan.trials_per_search, plan.seed + n_rounds)
            _tell(began_at, f"{name} has ended, after {len(injector.outcomes)} faults in all")
        injector.stop()
        return injector

    def conclude(self) -> Evidence:
        """End everything regularly, and collect the evidence."""
        if not self._cluster.wait_for_health(_START_S):
            raise SystemExit("The replica set did not recover from the last fault.")
        self._left_behind += [*self._targets.left_behind, *_too_many_descriptors(self._fleet.workers)]
        self._left_behind += [f"{name} does not leave" for name in self._fleet.drain(_DRAIN_S)]
        self._cluster.end_commands()
        self._left_behind += self._still_there()
        searches = [self._sampler.read(key, n, MAX_ATTEMPTS) for key, n in self._asked]
        logs = {path.stem: path.read_text(errors="replace") for path in self._logs.iterdir()}
        return Evidence(
            searches=searches,
            calls=read_calls(self._calls.read_text().splitlines()),
            acknowledged=[result for name, log in logs.items() for result in read_acknowledged(name, log)],
            first_seen=self._sampler.first_seen,
            holds=frozenset(self._sampler.holds),
            ends=self._supervisor.ends(),
            pauses=self._targets.pauses,
            rotations=self._targets.rotations,
            deaths=self._targets.deaths,
            outages=self._sampler.outages,
            crowds=self._crowds,
            priorities=self._targets.priorities,
            far_workers=frozenset(pid for i in BEHIND_PROXY for pid in self._fleet.workers[i].pids),
            n_children_killed=len(self._targets.killed),
            left_behind=self._left_behind,
            logs=logs,
        )

    def _search(self, exp_keys: Sequence[str], n_trials: int, seed: int) -> None:
        """Run searches at the same time to their end; give up without progress."""
        self._asked += [(exp_key, n_trials) for exp_key in exp_keys]
        self._sampler.turn_to(exp_keys)
        self._fleet.start_searches(exp_keys, n_trials, seed)
        size, changed_at = 0, time.monotonic()
        while not self._fleet.is_search_over():
            time.sleep(0.2)
            if (now_size := self._calls.stat().st_size) != size:
                size, changed_at = now_size, time.monotonic()
            elif time.monotonic() - changed_at > _STUCK_S:
                self._left_behind.append(f"{', '.join(exp_keys)} made no progress for {_STUCK_S:.0f} s")
                for post in self._fleet.coordinators:
                    post.is_needed = False
                    post.kill()
                return

    def _still_there(self) -> list[str]:
        """Return the leftovers of the fleet after a generous time to end."""
        deadline = time.monotonic() + _GONE_S
        while (remains := self._remains()) and time.monotonic() < deadline:
            self._cluster.end_commands()  # a server notices a lost client only between two commands
            time.sleep(0.5)
        return remains

    def _remains(self) -> list[str]:
        servers = {member.post.pid for member in self._cluster.members}
        processes = [pid for pid in _marked(self._mark) if pid not in servers]
        files = [*(self._folder / "tmp").rglob("*"), *self._site.iterdir(), *self._folder.glob("home/**/*")]
        known = {self._site / "search.py", self._site / "__pycache__"}
        return [
            *(f"process {pid}: {_command_of(pid)}" for pid in processes),
            *(f"file {file}" for file in files if file not in known),
            *self._cluster.connections(),
        ]


def _possible(
    kinds: frozenset[Kind], *, has_disks: bool, has_clock: bool
) -> tuple[frozenset[Kind], list[str]]:
    """Return the kinds that this machine supports, and why not the others."""
    reasons = {
        Kind.FILL_DISK: "" if has_disks else "this process may not mount a disk",
        **dict.fromkeys(
            (Kind.MOVE_CLOCK, Kind.STEP_BACK, Kind.STEP_AHEAD),
            "" if has_clock else "there is no C compiler",
        ),
    }
    left_out = {kind: why for kind, why in reasons.items() if why and kind in kinds}
    return kinds - set(left_out), [f"{kind}: {why}" for kind, why in left_out.items()]


def _too_many_descriptors(workers: Sequence[Post]) -> list[str]:
    counts = {p.name: len(list(Path(f"/proc/{p.pid}/fd").iterdir())) for p in workers if p.pid}
    return [f"{name} has {n} files and sockets open" for name, n in counts.items() if n > _MOST_DESCRIPTORS]


def _marked(mark: str) -> list[int]:
    """Return the processes with the mark of a campaign in their environment."""
    found: list[int] = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            is_marked = mark.encode() in environment.read_bytes()
        except OSError:  # it has ended, or belongs to another user
            continue
        if is_marked:
            found.append(int(environment.parent.name))
    return [pid for pid in found if pid != os.getpid()]


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return "which has just ended"


def _tell(began_at: float, text: str) -> None:
    print(f"{time.monotonic() - began_at:7.1f} s  {text}", flush=True)
