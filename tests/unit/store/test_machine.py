"""The memory store behaves like the model, for calls in any order."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test as run

from hpsearch.store.memory.store import MemoryStore
from tests.support.store_machine import StoreMachine, World


@dataclass
class MemoryWorld:
    """A store whose clock moves only when it is set."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    exp_key: str = "e"
    store: MemoryStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = MemoryStore(lambda: self.now)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class MemoryMachine(StoreMachine):
    @staticmethod
    def new_world() -> World:
        return MemoryWorld()


def test_the_memory_store_behaves_like_the_model() -> None:
    """Over any sequence of calls, including stale and repeated ones, and expired leases."""
    run(MemoryMachine, settings=settings(stateful_step_count=40))
