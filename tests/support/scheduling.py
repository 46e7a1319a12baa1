"""A pytest plugin that shares tests among processes so that all cores are busy and little is done twice.

The tests of a file run in one process, which makes the fixtures of a module once. Acceptance tests wait for
other processes and share few fixtures, so each of them may run anywhere.

Some processes start with the acceptance tests, which mostly wait. As many as there are cores start at the
other end, with the unit tests, which compute. They meet in the integration tests.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController


class TwoEnds(LoadScopeScheduling):
    """Gives some processes the first files, and as many as there are cores the last."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if is_acceptance(nodeid) else nodeid.partition("::")[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        if self.nodes.index(node) < (os.cpu_count() or 1):
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)


def is_acceptance(nodeid: str) -> bool:
    """Return whether a test is in the acceptance tier."""
    return nodeid.startswith("tests/acceptance/")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> TwoEnds | None:
    """Share the tests of ``-n N`` so, unless ``--dist`` asks for another way."""
    if config.getoption("dist") != "load":
        return None
    config.option.loadscopereorder = False
    return TwoEnds(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Spare the garbage collector the thousands of tests, which live until the end."""
    gc.disable()
    result = yield
    gc.collect()
    gc.freeze()
    gc.enable()
    return result
