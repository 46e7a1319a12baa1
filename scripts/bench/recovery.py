"""How soon a search continues after one of its processes is killed, and after an outage of MongoDB.

    .venv/bin/python scripts/bench/recovery.py [--repeats 5] [--lease 10] [--away 120] [--only NAME ...]

Each repeat is a fleet of real processes with its own MongoDB, one of which is killed at a random phase of its
leases. Times are from the kill, or the end of the outage, to the next write of the server, by the clock of
this machine. Run nothing else at the same time, since all processes share the processors.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

from pymongo.errors import PyMongoError

sys.path.insert(0, str(Path(__file__).parents[2]))

from hpsearch.coordination.election import LEADER_LEASE_S
from hpsearch.core.trial import State, Trial
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.fleet import OBJECTIVE, Fleet
from tests.support.servers import Server
from tests.support.waiting import wait_until

#: Seconds allowed beyond a lease, and after the loss of a primary.
_MARGIN_S, _ELECTION_S = 5.0, 20.0

#: Finished trials after which a search counts as running.
_UNDER_WAY = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The settings of all repeats."""

    lease_s: float  #: of trials
    away_s: float  #: seconds without MongoDB


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A running search."""

    fleet: Fleet
    store: MongoStore
    setting: Setting

    def coordinator(self) -> int:
        """Start a coordinator; return its PID, which is also its process group."""
        lease = f"{self.setting.lease_s}s"
        return self.fleet.start("coordinator", "search.py", "--seed", "1", "--lease", lease).pid

    def worker(self, name: str, sleep_s: float) -> int:
        """Start a worker with evaluations of this duration; return its process group."""
        return self.fleet.worker("--name", name, "--no-echo", SLEEP=str(sleep_s)).pid

    def trials(self) -> list[Trial]:
        """Return the present trials."""
        return list(self.store.trials("search"))

    def wait_until_under_way(self) -> None:
        """Wait until the search is running."""
        wait_until(lambda: self.n_done() >= _UNDER_WAY, "the search to be under way", 120)

    def n_done(self) -> int:
        """Return the number of finished trials."""
        return sum(trial.state is State.DONE for trial in self.trials())

    def since(self, event: datetime, moment: Callable[[Trial], datetime | None]) -> float:
        """Wait for the first time after an event; return the seconds between them."""

        def later() -> list[datetime]:
            found = (moment(trial) for trial in self.trials())
            return [at for at in found if at is not None and at > event]

        wait_until(lambda: bool(later()), "the search to go on", 300)
        return (min(later()) - event).total_seconds()


def worker_killed(folder: Path, setting: Setting) -> dict[str, float]:
    """Its trial is claimed again."""
    with one_server(folder) as server, scene_on(server.uri, folder, setting) as scene:
        victim = scene.worker("victim", 3600)
        scene.coordinator()
        wait_until(lambda: any(t.state is State.RUNNING for t in scene.trials()), "the victim to work", 60)
        tid = next(t.tid for t in scene.trials() if t.state is State.RUNNING)
        for i in range(2):
            scene.worker(f"survivor-{i}", 0.2)
        scene.wait_until_under_way()
        killed_at = killed(victim)
        again = scene.since(killed_at, lambda t: t.claimed_at if t.tid == tid else None)
    return {"its trial runs again": again}


def coordinator_killed(folder: Path, setting: Setting) -> dict[str, float]:
    """The standby takes over; workers wait meanwhile."""
    with one_server(folder) as server, scene_on(server.uri, folder, setting) as scene:
        for i in range(3):
            scene.worker(f"worker-{i}", 0.3)
        leader = scene.coordinator()
        scene.wait_until_under_way()
        scene.coordinator()
        wait_until(lambda: "standby" in scene.fleet.output(scene.fleet.processes[-1]), "the standby", 60)
        killed_at = killed(leader)
        suggests = scene.since(killed_at, lambda t: t.created_at)
        n_done = scene.n_done()
        wait_until(lambda: scene.n_done() >= n_done + 2 * _UNDER_WAY, "all workers to go on", 60)
        idle = max(idle_s(scene.trials(), f"worker-{i}", killed_at) for i in range(3))
    return {"the standby suggests": suggests, "longest idle time of a worker": idle}


def primary_killed(folder: Path, setting: Setting) -> dict[str, float]:
    """The other members elect a primary, with default settings."""
    with three_servers(folder) as (servers, uri), scene_on(uri, folder, setting) as scene:
        for i in range(3):
            scene.worker(f"worker-{i}", 0.3)
        scene.coordinator()
        scene.wait_until_under_way()
        time.sleep(random.uniform(0, 2))
        primary = primary_of(servers)
        assert primary is not None, "the replica set lost its primary without a kill"
        killed_at = datetime.now(UTC)
        primary.kill()
        claim = scene.since(killed_at, lambda t: t.claimed_at)
        result = scene.since(killed_at, lambda t: t.finished_at)
        assert all_live(scene), "a process exited"
    return {"a trial is claimed": claim, "a result is written": result}


def mongodb_away(folder: Path, setting: Setting) -> dict[str, float]:
    """All processes wait and continue; trials evaluated meanwhile are not evaluated again."""
    with one_server(folder) as server, scene_on(server.uri, folder, setting) as scene:
        scene.worker("patient", setting.away_s / 2)  # ends its trial while there is no MongoDB
        scene.coordinator()
        wait_until(lambda: any(t.state is State.RUNNING for t in scene.trials()), "the patient to work", 60)
        for i in range(2):
            scene.worker(f"worker-{i}", 0.3)
        scene.wait_until_under_way()
        server.kill()
        time.sleep(setting.away_s)
        assert all_live(scene), "a process exited"
        server.start()
        back_at = datetime.now(UTC)
        result = scene.since(back_at, lambda t: t.finished_at)
        claim = scene.since(back_at, lambda t: t.claimed_at)
        wait_until(lambda: worker_is_done(scene, "patient"), "the patient's result", 60)
        assert all_live(scene), "a process exited"
        reruns = sum(trial.attempt > 1 for trial in scene.trials())
    return {"a result is written": result, "a trial is claimed": claim, "trials that ran again": reruns}


#: Name, event, and the limit in seconds by the setting; the end of an outage has no limit.
EVENTS: dict[str, tuple[Callable[[Path, Setting], dict[str, float]], Callable[[Setting], float | None]]] = {
    "worker killed": (worker_killed, lambda setting: setting.lease_s + _MARGIN_S),
    "coordinator killed": (coordinator_killed, lambda setting: LEADER_LEASE_S + _MARGIN_S),
    "primary killed": (primary_killed, lambda setting: _ELECTION_S),
    "MongoDB away": (mongodb_away, lambda setting: None),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--lease", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--away", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--only", nargs="+", choices=EVENTS, default=list(EVENTS))
    options = parser.parse_args()
    setting = Setting(lease_s=options.lease, away_s=options.away)
    print(
        f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {options.repeats} repeats, {setting}\n"
    )
    print("| event | seconds until | median | longest | bound |\n|---|---|---|---|---|", flush=True)
    for name in options.only:
        event, bound = EVENTS[name]
        found = [measured(event, setting) for _ in range(options.repeats)]
        for what in found[0]:
            seconds = [repeat[what] for repeat in found]
            limit = bound(setting)
            shown = "" if limit is None else f"{limit:g}" if max(seconds) <= limit else f"**{limit:g}**"
            print(f"| {name} | {what} | {median(seconds):.1f} | {max(seconds):.1f} | {shown} |", flush=True)


def measured(event: Callable[[Path, Setting], dict[str, float]], setting: Setting) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="recovery-") as folder:
        return event(Path(folder), setting)


@contextmanager
def one_server(folder: Path) -> Iterator[Server]:
    """A replica set of one member."""
    server = Server(folder / "db", "--replSet", "rs0")
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def three_servers(folder: Path) -> Iterator[tuple[list[Server], str]]:
    """A replica set of three members with default settings, and its URI."""
    servers = [Server(folder / f"db-{i}", "--replSet", "three") for i in range(3)]
    for server in servers:
        server.launch()
    try:
        members = [{"_id": i, "host": f"127.0.0.1:{server.port}"} for i, server in enumerate(servers)]
        wait_until(lambda: all(map(is_up, servers)), "all members to respond")
        with servers[0].client() as client:
            client.admin.command("replSetInitiate", {"_id": "three", "members": members})
        wait_until(lambda: primary_of(servers) is not None, "a primary", 120)
        hosts = ",".join(str(member["host"]) for member in members)
        yield servers, f"mongodb://{hosts}/?replicaSet=three"
    finally:
        for server in servers:
            server.kill()


@contextmanager
def scene_on(uri: str, folder: Path, setting: Setting) -> Iterator[Scene]:
    """A folder with a search, and a database for it."""
    (folder / "search.py").write_text(OBJECTIVE)
    store = MongoStore.connect(uri, patience=Patience(300))
    fleet = Fleet(folder, uri)
    try:
        yield Scene(fleet=fleet, store=store, setting=setting)
    finally:
        fleet.end()
        store.close()


def killed(group: int) -> datetime:
    """Kill a process with its children at a random time within the next seconds; return the time."""
    time.sleep(random.uniform(0, 5))
    now = datetime.now(UTC)
    os.killpg(group, signal.SIGKILL)
    return now


def idle_s(trials: list[Trial], worker: str, since: datetime) -> float:
    """Return the longest idle time of a worker, of those that ended after a given time."""
    mine = sorted(
        (t.claimed_at, t.finished_at)
        for t in trials
        if t.claimed_at and t.finished_at and t.worker and t.worker.name == worker
    )
    gaps = [(begin - end).total_seconds() for (_, end), (begin, _) in pairwise(mine) if begin > since]
    return max(gaps)


def worker_is_done(scene: Scene, name: str) -> bool:
    done = (t for t in scene.trials() if t.state is State.DONE)
    return any(trial.worker is not None and trial.worker.name == name for trial in done)


def all_live(scene: Scene) -> bool:
    return all(process.poll() is None for process in scene.fleet.processes)


def primary_of(servers: list[Server]) -> Server | None:
    """Return the primary."""
    for server in servers:
        with server.client() as client, suppress(PyMongoError):
            if client.admin.command("hello")["isWritablePrimary"]:
                return server
    return None


def is_up(server: Server) -> bool:
    with server.client() as client, suppress(PyMongoError):
        return bool(client.admin.command("ping")["ok"])
    return False


if __name__ == "__main__":
    main()
