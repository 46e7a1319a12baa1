"""A search on a replica set of three whose primary is killed in the middle."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.core.trial import State
from tests.support.fleet import OBJECTIVE, Fleet, wait_for_exit
from tests.support.replica_set import Cluster
from tests.support.supervisor import Supervisor
from tests.support.waiting import wait_until

N = 20

#: Longer than the test: a member that was killed stays away.
NEVER_S = 3600.0


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three servers on loopback that elect quickly."""
    supervisor = Supervisor(NEVER_S)
    try:
        three = Cluster(tmp_path, supervisor, None, has_disks=False, environment=os.environ)
        three.initiate(60)
        yield three
    finally:
        supervisor.close()


@pytest.mark.long
def test_a_failover_during_a_search_loses_no_acknowledged_result(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "search.py").write_text(OBJECTIVE)
    (tmp_path / "calls").touch()
    fleet = Fleet(tmp_path, cluster.uri())
    try:
        workers = [fleet.worker() for _ in range(3)]
        coordinator = fleet.coordinator("--max-evals", str(N))
        wait_until(lambda: fleet.calls() > 0, "the first trial")
        wait_until(lambda: len(done(fleet)) >= 4, "four trials")
        acknowledged = done(fleet)
        primary = cluster.primary()
        assert primary is not None
        primary.post.kill()
        assert wait_for_exit(coordinator) == 0
        final = done(fleet)
        assert len(final) == N
        assert {tid: final[tid] for tid in acknowledged} == acknowledged
        assert [worker.poll() for worker in workers] == [None] * 3
    finally:
        fleet.end()


def done(fleet: Fleet) -> dict[int, float | None]:
    return {t.tid: t.loss for t in fleet.trials() if t.state is State.DONE}
