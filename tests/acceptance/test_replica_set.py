"""A search on a replica set of three whose primary is killed in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from hpsearch.trial import State
from tests.acceptance.fleet import OBJECTIVE, Fleet, ended, wait_until
from tests.integration.servers import Server

N = 20


@pytest.fixture
def members(tmp_path: Path) -> Iterator[list[Server]]:
    """Three servers on loopback that elect quickly."""
    started = [Server(tmp_path / f"member-{i}", "--replSet", "three") for i in range(3)]
    for server in started:
        server.launch()
    hosts = [{"_id": i, "host": f"127.0.0.1:{server.port}"} for i, server in enumerate(started)]
    settings = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 300}
    with started[0].client() as client:
        wait_until(lambda: answers(client), "the first member to answer")
        client.admin.command("replSetInitiate", {"_id": "three", "members": hosts, "settings": settings})
    yield started
    for server in started:
        server.kill()


def test_a_fail_over_in_mid_search_loses_no_acknowledged_result(members: list[Server], tmp_path: Path):
    hosts = ",".join(f"127.0.0.1:{server.port}" for server in members)
    (tmp_path / "search.py").write_text(OBJECTIVE)
    (tmp_path / "calls").touch()
    fleet = Fleet(tmp_path, f"mongodb://{hosts}/hpsearch?replicaSet=three")
    try:
        workers = [fleet.worker() for _ in range(3)]
        coordinator = fleet.coordinator("--max-evals", str(N))
        wait_until(lambda: fleet.calls() > 0, "the first trial", timeout_s=90)
        wait_until(lambda: len(done(fleet)) >= 4, "four trials")
        acknowledged = done(fleet)
        primary(members).kill()
        assert ended(coordinator) == 0
        final = done(fleet)
        assert len(final) == N
        assert {tid: final[tid] for tid in acknowledged} == acknowledged
        assert [worker.poll() for worker in workers] == [None] * 3
    finally:
        fleet.end()


def done(fleet: Fleet) -> dict[int, float | None]:
    return {t.tid: t.loss for t in fleet.trials() if t.state is State.DONE}


def primary(members: list[Server]) -> Server:
    """Return the member that takes writes."""
    for server in members:
        with server.client() as client, suppress(PyMongoError):
            if client.admin.command("hello")["isWritablePrimary"]:
                return server
    raise AssertionError("no member is primary")


def answers(client: MongoClient[dict[str, object]]) -> bool:
    with suppress(PyMongoError):
        return bool(client.admin.command("ping")["ok"])
    return False
