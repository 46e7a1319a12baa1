"""The users of the campaign's fleet, their passwords, and the store files in which processes find those."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.preparation import COLLECTIONS_AND_VIEWS
from hpsearch.store.mongo.roles import COORDINATOR, WORKER
from hpsearch.store.mongo.setup import Setup
from tests.support.replica_set import Cluster

#: Seconds for which the servers may be away while passwords are changed.
_PATIENCE_S = 600.0


class Passwords:
    """Users with the rights that coordinators and workers need, and no others.

    Parameters
    ----------
    folder : Path
        Where the store files lie.
    cluster : Cluster
        Whose users they are; made here.
    proxy_ports : sequence of int
        By which the store file of workers behind the proxy names the servers.
    """

    def __init__(self, folder: Path, cluster: Cluster, proxy_ports: Sequence[int]) -> None:
        self._uri = cluster.uri()
        self._hosts, self._proxy_hosts = cluster.hosts(), cluster.hosts(proxy_ports)
        self.coordinator = folder / "coordinator.uri"
        self.worker = folder / "worker.uri"
        self.worker_behind_proxy = folder / "worker-behind-proxy.uri"
        with Setup(self._uri, Patience(_PATIENCE_S)) as setup:
            for each in COLLECTIONS_AND_VIEWS:
                setup.prepare(each)
            for role in (COORDINATOR, WORKER):
                setup.define(role)
        self.write(self.change())

    def change(self) -> dict[str, str]:
        """Give the users new passwords on the servers; return the URIs that hold them, by user."""
        with Setup(self._uri, Patience(_PATIENCE_S)) as setup:
            return {role.name: setup.set_user(role) for role in (COORDINATOR, WORKER)}

    def write(self, uris: Mapping[str, str]) -> None:
        """Put URIs into the store files, each at once."""
        _replace(self.coordinator, uris[COORDINATOR.name])
        _replace(self.worker, uris[WORKER.name])
        _replace(self.worker_behind_proxy, uris[WORKER.name].replace(self._hosts, self._proxy_hosts))


def _replace(file: Path, uri: str) -> None:
    new = file.with_suffix(".new")
    new.touch(mode=0o600)
    new.write_text(uri)
    new.replace(file)
