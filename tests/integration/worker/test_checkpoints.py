"""Checkpoints of a trial: what one attempt leaves, and the next one gets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpsearch import hp
from hpsearch.core.experiment import Experiment
from hpsearch.core.trial import Trial
from hpsearch.core.worker import Worker
from hpsearch.errors import LeaseLostError, StoreUnavailableError
from hpsearch.objective.checkpoint import Checkpoint, LoadCheckpoint, SaveCheckpoint
from hpsearch.objective.loading import parse_target
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore
from hpsearch_worker.checkpoints import CheckpointWriter
from hpsearch_worker.evaluator import Evaluator
from hpsearch_worker.heartbeat import Heartbeat
from hpsearch_worker.inline_evaluator import InlineEvaluator
from hpsearch_worker.isolated_evaluator import IsolatedEvaluator

WORKER = Worker(name="w", host="h", pid=1)
SPACE = Space({"x": hp.uniform("x", 0, 9)})

OBJECTIVES = """
import os
from multiprocessing import get_context
import hpsearch

def trains(config):
    trial = hpsearch.current_trial()
    old = trial.resume()
    start = old.step if old else 0
    assert old is None or old.data == bytes([int(start)]) * 300_000
    for step in range(int(start) + 1, int(start) + 4):
        trial.report(step, 1 / step)
        assert trial.checkpoint(step, data=bytearray([step]) * 300_000)
    return start

def in_a_process(config):
    with get_context("fork").Pool(1) as pool:
        return pool.apply(trains, (config,))

def by_path(config):
    trial = hpsearch.current_trial()
    old = trial.resume()
    assert trial.checkpoint(1, path="/share/model.pt")
    return 0.0 if old is None else float(old.path == "/share/model.pt" and old.data is None)

def wrong(config):
    trial = hpsearch.current_trial()
    refused = 0
    for options in ({}, {"data": b"", "path": "x"}, {"data": "text"}):
        try:
            trial.checkpoint(1, **options)
        except TypeError:
            refused += 1
    try:
        trial.checkpoint(float("nan"), data=b"")
    except TypeError:
        refused += 1
    return refused
"""


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def heartbeat(store: MemoryStore) -> Iterator[Heartbeat]:
    beating = Heartbeat(store, lambda: WORKER)
    beating.start()
    yield beating
    beating.stop(WORKER, 1.0)


@pytest.fixture(scope="module", params=["isolated", "inline"])
def evaluator(request: pytest.FixtureRequest) -> Iterator[Evaluator]:
    made: Evaluator = (
        IsolatedEvaluator(echo=False, term_grace_s=1.0) if request.param == "isolated" else InlineEvaluator()
    )
    yield made
    made.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoints") / "objectives_with_checkpoints.py"
    path.write_text(OBJECTIVES)
    return path


def experiment(file: Path, function: str) -> Experiment:
    return Experiment(
        exp_key=function,
        space=SPACE.to_json(),
        space_fingerprint=SPACE.fingerprint,
        objective=parse_target(f"{file}:{function}"),
    )


def claim(store: MemoryStore, exp_key: str = "e") -> Trial:
    token = f"token{len(store.trial(exp_key, 0).history)}"
    trial = store.claim(WORKER, token, [exp_key])
    assert trial is not None
    return trial


@pytest.mark.parametrize("function", ["trains", "in_a_process"])
def test_the_next_attempt_goes_on_at_the_last_checkpoint(
    store: MemoryStore, heartbeat: Heartbeat, evaluator: Evaluator, file: Path, function: str
) -> None:
    if function == "in_a_process" and isinstance(evaluator, InlineEvaluator):
        pytest.skip("an inline evaluator has no connection to other processes")
    store.insert([Trial(exp_key=function, tid=0, values={"x": 1.0})])
    starts = []
    for _ in range(3):
        trial = claim(store, function)
        with heartbeat.holding(trial) as held:
            result = evaluator.evaluate(trial, experiment(file, function), lambda: None, held.on_event)
            heartbeat.write_reports(held)
        assert result.error is None
        starts.append(result.loss)
        store.release(trial, f"released {trial.attempt}")
    assert starts == [0, 3, 6]
    assert [report.step for report in claim(store, function).reports] == list(range(1, 10))


@pytest.mark.parametrize(("function", "losses"), [("by_path", [0, 1]), ("wrong", [4])])
def test_a_path_comes_back_and_wrong_arguments_are_refused(
    store: MemoryStore,
    heartbeat: Heartbeat,
    evaluator: Evaluator,
    file: Path,
    function: str,
    losses: list[float],
) -> None:
    store.insert([Trial(exp_key=function, tid=0, values={"x": 1.0})])
    for loss in losses:
        trial = claim(store, function)
        with heartbeat.holding(trial) as held:
            result = evaluator.evaluate(trial, experiment(file, function), lambda: None, held.on_event)
        assert result.loss == loss
        store.release(trial, "released")


class AwayStore(MemoryStore):
    """Holds each checkpoint until it may be stored, or raises ``error``."""

    def __init__(self) -> None:
        super().__init__()
        self.is_back = threading.Event()
        self.has_begun = threading.Event()
        self.error: Exception | None = None

    def save_checkpoint(self, trial: Any, step: Any, **content: Any) -> None:
        if self.error is not None:
            raise self.error
        self.has_begun.set()
        assert self.is_back.wait(60)
        super().save_checkpoint(trial, step, **content)


def test_only_the_latest_checkpoint_waits_for_a_database_that_is_away() -> None:
    store = AwayStore()
    store.insert([Trial(exp_key="e", tid=0, values={})])
    writer = CheckpointWriter(store, claim(store), lambda: None, lambda: None)
    answers: dict[int, Any] = {}
    for step in (1, 2, 3):
        writer.put(SaveCheckpoint(step, b"data"), lambda value, step=step: answers.update({step: value}))
        assert store.has_begun.wait(60)
    assert answers == {2: False}

    store.is_back.set()
    writer.wait(60)

    assert answers == {1: True, 2: False, 3: True}
    pointer = store.trial("e", 0).checkpoint
    assert pointer is not None
    assert pointer.step == 3
    writer.close()


@pytest.mark.parametrize(
    ("error", "n_lost"), [(LeaseLostError("e/0"), 1), (StoreUnavailableError("away"), 0)]
)
def test_a_checkpoint_that_cannot_be_stored_costs_no_evaluation(error: Exception, n_lost: int) -> None:
    store = AwayStore()
    store.error = error
    store.insert([Trial(exp_key="e", tid=0, values={})])
    lost: list[int] = []
    writer = CheckpointWriter(store, claim(store), lambda: None, lambda: lost.append(1))
    answers: list[Any] = []
    writer.put(SaveCheckpoint(1, b"data"), answers.append)
    writer.put(LoadCheckpoint(), answers.append)
    writer.wait(60)
    assert (answers, len(lost)) == ([None, None], n_lost)
    writer.close()


def test_reports_are_written_before_the_trial_points_at_the_checkpoint(
    store: MemoryStore,
) -> None:
    store.insert([Trial(exp_key="e", tid=0, values={})])
    order: list[str] = []
    writer = CheckpointWriter(store, claim(store), lambda: order.append("reports"), lambda: None)
    writer.put(SaveCheckpoint(1, path="/share"), lambda _: order.append("saved"))
    writer.wait(60)
    writer.close()
    assert order == ["reports", "saved"]


def test_outside_a_search_there_is_no_checkpoint() -> None:
    from hpsearch import current_trial

    assert current_trial().checkpoint(1, data=b"data") is False
    assert current_trial().resume() is None
    assert Checkpoint(step=1).data is None
