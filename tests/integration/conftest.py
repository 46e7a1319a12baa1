"""Servers besides the shared one: without a replica set, and with fail points."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scripts.bench.faults.proxy import Proxy
from tests.integration.servers import Server


@pytest.fixture(scope="session")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is no replica set."""
    server = Server(tmp_path_factory.mktemp("standalone"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A replica set of one member that has fail points; leave it as it was."""
    folder = tmp_path_factory.mktemp("faulty")
    server = Server(folder, "--replSet", "rs0", "--setParameter", "enableTestCommands=1")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A replica set of one member that the test may kill."""
    server = Server(tmp_path_factory.mktemp("mortal"), "--replSet", "rs0")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def wire(faulty: Server) -> Iterator[Proxy]:
    """A wire to the faulty server, which can be cut."""
    proxy = Proxy([faulty.port])
    yield proxy
    proxy.close()
