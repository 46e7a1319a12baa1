"""Copying finished trials to other tools, each once."""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Experiment, ExperimentState, ObjectiveRef
from hpsearch.core.goal import LOSS, Goal
from hpsearch.core.trial import Report, State, Trial
from hpsearch.errors import NotFoundError, TargetUnavailableError
from hpsearch.integrations.mirror.tail import Pauses, mirror
from hpsearch.integrations.mirror.trial_content import TrialContent, content_of
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore
from tests.support.extras import needs

SPACE = Space({"x": hp.uniform("x", 0, 1)})


@dataclass
class Shelf:
    """A target in memory, which is away for the given numbers of calls."""

    away: list[int] = field(default_factory=list)  #: numbers of calls that fail
    written: list[int] = field(default_factory=list)
    n_calls: int = 0

    def known(self) -> set[int]:
        self._call()
        return set(self.written)

    def write(self, content: TrialContent) -> None:
        self._call()
        self.written.append(content.trial.tid)

    def _call(self) -> None:
        self.n_calls += 1
        if self.n_calls in self.away:
            raise TargetUnavailableError("The shelf is away.")


def search(*states: State, state: ExperimentState = ExperimentState.STOPPED) -> MemoryStore:
    store = MemoryStore()
    store.open_experiment(
        Experiment(
            exp_key="s",
            space=SPACE.to_json(),
            space_fingerprint=SPACE.fingerprint,
            objective=ObjectiveRef(kind="import", ref="m:f"),
            state=state,
        )
    )
    add(store, *states)
    return store


def add(store: MemoryStore, *states: State) -> None:
    n = sum(store.counts("s").values())
    store.insert(
        [
            Trial(exp_key="s", tid=n + i, values={"x": 0.5}, state=s, loss=1.0 if s is State.DONE else None)
            for i, s in enumerate(states)
        ]
    )


def test_every_finished_trial_is_copied_once() -> None:
    store = search(State.DONE, State.CANCELLED, State.FAILED, State.PENDING)
    shelf = Shelf()
    assert mirror(store, "s", shelf) == 2
    assert shelf.written == [0, 2]
    add(store, State.PRUNED)
    assert mirror(store, "s", shelf) == 1  # a second process
    assert shelf.written == [0, 2, 4]


def test_a_running_search_is_followed_until_it_ends() -> None:
    store = search(State.DONE, state=ExperimentState.RUNNING)

    class Last(Shelf):
        def write(self, content: TrialContent) -> None:
            super().write(content)
            if content.trial.tid == 0:
                add(store, State.DONE)
                store.set_experiment_state("s", ExperimentState.STOPPED)

    assert mirror(store, "s", shelf := Last(), pauses=Pauses(is_stopped=lambda: False)) == 2
    assert shelf.written == [0, 1]


def test_while_the_tool_is_away_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    """Call 1 reads what is known, 3 writes trial 1; 4, 5 and 6 try to read again."""
    store, shelf, waited = search(*[State.DONE] * 3), Shelf(away=[3, 4, 5]), list[float]()
    with caplog.at_level(logging.WARNING):
        assert mirror(store, "s", shelf, pauses=Pauses(wait=waited.append)) == 3
    assert shelf.written == [0, 1, 2]
    assert waited == [1.0, 2.0, 4.0]
    assert [record.message for record in caplog.records] == ["The shelf is away. Trying again."]


def test_once_does_not_wait() -> None:
    with pytest.raises(TargetUnavailableError):
        mirror(search(State.DONE), "s", Shelf(away=[1]), once=True)
    assert mirror(search(State.DONE, state=ExperimentState.RUNNING), "s", Shelf(), once=True) == 1


def test_a_search_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(NotFoundError):
        mirror(MemoryStore(), "s", Shelf())


def test_a_trial_is_shown_as_the_user_sees_it() -> None:
    trial = Trial(
        exp_key="s",
        tid=0,
        values={"x": 0.5},
        params={"x": 0.5},
        state=State.DONE,
        loss=-0.75,
        duration_s=2.0,
        result={
            "loss": 0.75,
            "status": "ok",
            "part": {"size": 2},
            "ok": True,
            "nan": float("nan"),
            "text": "t",
        },
        reports=(Report(step=1, value=-0.5),),
    )
    content = content_of(trial, Goal(maximize=True))
    assert content.metrics == {"value": 0.75, "part.size": 2.0, "duration_s": 2.0}
    assert content.curve == ((1, 0.5),)
    assert content_of(trial, LOSS).metrics["loss"] == -0.75


@needs("tensorboardX", "tensorboard")
def test_tensorboard_gets_a_folder_for_each_trial(tmp_path: Path) -> None:
    from hpsearch.integrations.mirror.tensorboard import TensorBoardTarget

    store = search(State.DONE, State.FAILED)
    experiment = store.experiment("s")
    (tmp_path / "s" / "trial-000001.part").mkdir(parents=True)  # left by a mirror that was killed
    assert mirror(store, "s", TensorBoardTarget(experiment, tmp_path)) == 2
    assert mirror(store, "s", TensorBoardTarget(experiment, tmp_path)) == 0
    places = sorted(path.name for path in (tmp_path / "s").iterdir())
    assert places == ["trial-000000", "trial-000001"]
    assert ("loss", 1.0) in set(scalars(tmp_path / "s" / "trial-000000"))


def scalars(folder: Path) -> Iterator[tuple[str, float]]:
    """Yield the scalars of an event file: records of a length, its checksum, the data and its checksum."""
    from tensorboardX.proto.event_pb2 import Event

    [path] = folder.glob("events*")
    data = path.read_bytes()
    while data:
        [length] = struct.unpack("<Q", data[:8])
        event = Event.FromString(data[12 : 12 + length])
        yield from ((value.tag, value.simple_value) for value in event.summary.value)
        data = data[12 + length + 4 :]
