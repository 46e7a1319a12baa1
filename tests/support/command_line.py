"""How tests call commands, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


def wait_for_running(store: MongoStore, exp_key: str) -> None:
    """Wait until a worker has claimed a trial."""
    wait_until(lambda: store.counts(exp_key)[State.RUNNING], "a running trial")
