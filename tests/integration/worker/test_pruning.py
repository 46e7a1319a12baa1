"""Objectives that ask whether to stop, and objectives that do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch import hp
from hpsearch.core.experiment import NO_PRUNER, Experiment, ObjectiveRef, PruneMode, Pruner
from hpsearch.core.trial import State, Trial
from hpsearch.core.worker import Worker
from hpsearch.objective.loading import parse_target
from hpsearch.runtime.signals import Interrupt
from hpsearch.space.tree import Space
from hpsearch.store.memory.store import MemoryStore
from hpsearch_worker.evaluator import Evaluator
from hpsearch_worker.heartbeat import Heartbeat
from hpsearch_worker.inline_evaluator import InlineEvaluator
from hpsearch_worker.isolated_evaluator import IsolatedEvaluator
from hpsearch_worker.loop import Limits, Slot
from hpsearch_worker.served_experiments import ServedExperiments
from hpsearch_worker.shutdown import Shutdown
from hpsearch_worker.trial_counts import Tally

WORKER = Worker(name="w", host="h", pid=1)
SPACE = Space({"x": hp.uniform("x", 0, 9)})
POLICY = {
    "version": 4,
    "rule": "asha",
    "max_resource": 27.0,
    "min_resource": None,
    "sign": 1.0,
    "cut_name": "best third",
    "brackets": [{"until": 1.0, "cuts": [[2, 0.5, 9]]}],
}
REASON = "at step 3 of 27: 0.9 is worse than 0.5, the best third of 9 trials"

OBJECTIVES = """
import time
from multiprocessing import get_context
import hpsearch

def trains(config):
    trial = hpsearch.current_trial()
    for step in range(1, 28):
        trial.report(step, 0.9)
        if trial.should_stop():
            assert step == 3 and trial.should_stop() and "at step 3" in trial.stop_reason
            raise hpsearch.Pruned
    return {"loss": 0.9, "max_resource": trial.max_resource, "has_pruner": trial.has_pruner}

def returns(config):
    trial = hpsearch.current_trial()
    step = 0
    while not trial.should_stop():
        step += 1
        trial.report(step, 0.9)
    return step

def in_a_process(config):
    with get_context("fork").Pool(1) as pool:
        return pool.apply(returns, (config,))

def ignores(config):
    for step in range(1, 10):
        hpsearch.current_trial().report(step, 0.9)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pruning") / "objectives_that_are_pruned.py"
    path.write_text(OBJECTIVES)
    return path


@pytest.fixture(scope="module", params=["isolated", "inline"])
def evaluator(request: pytest.FixtureRequest) -> Iterator[Evaluator]:
    made: Evaluator = (
        IsolatedEvaluator(echo=False, term_grace_s=1.0) if request.param == "isolated" else InlineEvaluator()
    )
    yield made
    made.close()


def evaluated(evaluator: Evaluator, objective: ObjectiveRef, pruner: Pruner) -> Trial:
    """Evaluate one trial of an experiment with a policy, and return it as it is stored then."""
    store = MemoryStore()
    opened = store.open_experiment(
        Experiment(
            exp_key=objective.ref.rpartition(":")[2],
            space=SPACE.to_json(),
            space_fingerprint=SPACE.fingerprint,
            objective=objective,
            pruner=pruner,
        )
    )
    key = opened.exp_key
    store.insert([Trial(exp_key=key, exp_created_at=opened.created_at, tid=0, values={"x": 1.0})])
    store.lead(key, "leader", 60)
    store.publish_policy(key, POLICY, "leader")
    heartbeat = Heartbeat(store, lambda: WORKER)
    heartbeat.start()
    with Interrupt() as interrupt:
        tally = Tally(WORKER, max_trials=1)
        Slot(
            store=store,
            evaluator=evaluator,
            served=ServedExperiments(store, []),
            heartbeat=heartbeat,
            tally=tally,
            shutdown=Shutdown(interrupt, 30.0),
            limits=Limits(is_burst=True),
        ).work()
    heartbeat.stop(WORKER, 1.0)
    return store.trial(key, 0)


ASHA = Pruner(name="asha", max_resource=27.0)


def test_an_objective_is_told_to_stop_at_the_rung(evaluator: Evaluator, file: Path) -> None:
    trial = evaluated(evaluator, parse_target(f"{file}:trains"), ASHA)
    assert (trial.state, trial.loss, trial.pruned) == (State.PRUNED, None, REASON)
    assert trial.verdict is not None
    assert (trial.verdict.is_stop, trial.verdict.reason) == (True, REASON)
    assert [report.step for report in trial.reports] == [1, 2, 3]
    assert [rung.step for rung in trial.rungs] == [1, 2, 3]


def test_without_a_pruner_nothing_stops_and_nothing_more_is_stored(evaluator: Evaluator, file: Path) -> None:
    trial = evaluated(evaluator, parse_target(f"{file}:trains"), NO_PRUNER)
    assert (trial.state, len(trial.reports)) == (State.DONE, 27)
    assert (trial.rungs, trial.verdict) == ((), None)
    assert trial.result["has_pruner"] is False


def test_a_loss_that_is_returned_nevertheless_counts(evaluator: Evaluator, file: Path) -> None:
    trial = evaluated(evaluator, parse_target(f"{file}:returns"), ASHA)
    assert (trial.state, trial.loss, trial.pruned) == (State.DONE, 3.0, None)


def test_a_process_of_the_objective_is_told_as_well(file: Path) -> None:
    evaluator = IsolatedEvaluator(echo=False, term_grace_s=1.0)
    trial = evaluated(evaluator, parse_target(f"{file}:in_a_process"), ASHA)
    assert (trial.state, trial.loss) == (State.DONE, 3.0)


def test_the_mode_kill_ends_an_evaluation_that_goes_on(evaluator: Evaluator, file: Path) -> None:
    killing = Pruner(name="asha", max_resource=27.0, mode=PruneMode.KILL)
    trial = evaluated(evaluator, parse_target(f"{file}:ignores"), killing)
    assert (trial.state, trial.pruned) == (State.PRUNED, REASON)
    assert len(trial.reports) == 9
