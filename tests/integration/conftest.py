"""Servers besides the shared one: without a replica set, and with fail points."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.proxy import Proxy
from tests.support.servers import Server


@pytest.fixture(scope="session")
def standalone_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is no replica set."""
    server = Server(tmp_path_factory.mktemp("standalone"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def failpoint_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A replica set of one member that has fail points; leave it as it was."""
    folder = tmp_path_factory.mktemp("failpoint_server")
    server = Server(folder, "--replSet", "rs0", "--setParameter", "enableTestCommands=1")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def killable_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A replica set of one member that the test may kill."""
    server = Server(tmp_path_factory.mktemp("killable_server"), "--replSet", "rs0")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def proxy(failpoint_server: Server) -> Iterator[Proxy]:
    """A proxy before the server with fail points, whose connections can be cut."""
    proxy = Proxy([failpoint_server.port])
    yield proxy
    proxy.close()
