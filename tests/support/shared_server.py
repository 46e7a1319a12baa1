"""A pytest plugin that gives all processes of a run one MongoDB server.

Each server costs seconds of CPU time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from xdist.workermanage import WorkerController

from hpsearch.mongod import ephemeral_mongod

_URI = "mongo_uri"
_server = pytest.StashKey[ExitStack]()
_uri = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def mongo_uri(request: pytest.FixtureRequest) -> Iterator[str]:
    """URI of a throw-away server that all tests of the run share; stop or kill only servers of your own."""
    shared = getattr(request.config, "workerinput", {}).get(_URI)
    if shared is not None:
        yield shared
    else:
        with ephemeral_mongod() as server:
            yield server.uri


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Start the server before the first process of ``-n N``, and pass its URI to each."""
    stash = node.config.stash
    if _server not in stash:
        stash[_server] = ExitStack()
        stash[_uri] = stash[_server].enter_context(ephemeral_mongod()).uri
    node.workerinput[_URI] = stash[_uri]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server with the last process."""
    if _server in config.stash:
        config.stash[_server].close()
