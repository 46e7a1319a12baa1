"""Calling commands in the process of a test, which spares the imports of a new one."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from hpsearch.cli import main
from hpsearch.core.trial import State, Trial
from hpsearch.core.worker import Worker
from hpsearch.runtime.logs import preserve_logging
from hpsearch.store.mongo.store import MongoStore
from tests.support.waiting import wait_until

#: The worker of the search "search".
WORKER = Worker(name="anna", host="machine", pid=4711, exp_keys=("search",))


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


Call = Callable[..., Outcome]


@contextmanager
def calls_in_this_process(
    uri: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Call]:
    """Give what calls ``hpsearch ARGUMENTS`` on a database; afterwards, undo what they did to the process."""
    monkeypatch.setenv("HPSEARCH_STORE", uri)
    capsys.readouterr()

    def called(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["hpsearch", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Outcome(int(str(ended.value.code)), said.out, said.err)

    modules, path = set(sys.modules), list(sys.path)
    with preserve_logging():
        yield called
    folders = {Path(folder) for folder in set(sys.path) - set(path)}  # of the user's files
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent in folders:
            del sys.modules[name]


def wait_for_running(store: MongoStore, exp_key: str) -> None:
    """Wait until a worker has claimed a trial."""
    wait_until(lambda: store.counts(exp_key)[State.RUNNING], "a running trial")


def claimed(store: MongoStore) -> Trial:
    """Claim the next trial of the search "search"."""
    taken = store.claim(WORKER, uuid.uuid4().hex, ["search"])
    assert taken is not None
    return taken
