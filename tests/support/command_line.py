"""Calling commands in the process of a test, which spares the imports of a new one."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from hpsearch.cli import main
from hpsearch.core.trial import State
from hpsearch.store.mongo.store import MongoStore
from tests.support.waiting import wait_until


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
    """Give what calls ``hpsearch ARGUMENTS`` on a database."""
    monkeypatch.setenv("HPSEARCH_STORE", uri)
    capsys.readouterr()

    def called(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["hpsearch", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return Outcome(int(str(ended.value.code)), said.out, said.err)

    yield called
    logging.getLogger("hpsearch").setLevel(logging.NOTSET)


def wait_for_running(store: MongoStore, exp_key: str) -> None:
    """Wait until a worker has claimed a trial."""
    wait_until(lambda: store.counts(exp_key)[State.RUNNING], "a running trial")
