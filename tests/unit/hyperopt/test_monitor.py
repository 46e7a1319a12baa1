"""What a script is told of its search on a fleet, and when it ends it, by a clock of the test's own."""

from __future__ import annotations

import logging

import pytest

from hpsearch.coordination.plan import EndReason
from hpsearch.core.trial import State
from hpsearch.core.worker import Worker
from hpsearch.hyperopt import Domain, FMinIter, Trials, hp, rand
from hpsearch.hyperopt.mongo.monitor import SearchMonitor
from hpsearch.hyperopt.progress import NoProgress
from tests.support.progress_states import progress

WORKER = Worker(name="anna", host="machine", pid=1)


class Scene:
    """A monitor, its clock, and the states that it is shown."""

    def __init__(self, has_more_points=True, **limits) -> None:
        self.seconds, self.has_more_points = 0.0, has_more_points
        domain = Domain(lambda x: x, hp.uniform("x", 0, 1))
        rounds = FMinIter(rand.suggest, domain, Trials(), rstate=0, **limits)
        self.monitor = SearchMonitor(
            rounds, lambda: self.has_more_points, 0, NoProgress(), lambda: self.seconds
        )

    def after(
        self, seconds: float, *, pending=0, running=0, done=0, workers=(), n_left_idle=0
    ) -> EndReason | None:
        self.seconds += seconds
        counts = {
            **dict.fromkeys(State, 0),
            State.PENDING: pending,
            State.RUNNING: running,
            State.DONE: done,
        }
        state = progress(counts=counts, workers=tuple(workers), n_left_idle=n_left_idle)
        self.monitor.show(state)
        return self.monitor.check(state)


@pytest.fixture
def told(caplog):
    """The warnings so far."""
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_script_is_told_once_that_nobody_serves_its_search(told):
    scene = Scene()
    scene.after(4.9, pending=1)
    assert told() == []
    scene.after(0.2, pending=1)
    scene.after(99.0, pending=1)
    [message] = told()
    assert message.startswith("No worker serves ")
    assert "hpsearch worker --store URI --exp-key" in message


def test_a_script_is_told_that_workers_are_there_but_take_nothing(told):
    """They cannot load the objective, which their own logs explain."""
    scene = Scene()
    scene.after(19.0, pending=3, workers=[WORKER])
    scene.after(0.5, running=1, workers=[WORKER])
    scene.after(19.0, pending=3, workers=[WORKER])
    assert told() == []
    scene.after(2.0, pending=3, workers=[WORKER])
    assert "though 1 could: their logs say why" in told()[0]


def test_a_script_is_told_again_when_its_last_worker_goes(told):
    """As often as it happens, and each time only after a while without any."""
    scene = Scene()
    scene.after(6.0, pending=1)
    for n_told in (1, 2):
        assert len(told()) == n_told
        scene.after(9.0, running=1, workers=[WORKER])
        scene.after(0.5, pending=1, done=2)
        assert len(told()) == n_told
        scene.after(5.0, pending=1, done=2)
    assert all(message.startswith("No worker serves ") for message in told())


def test_a_script_is_told_that_workers_came_and_left_without_a_trial(told):
    """Also after it was told that nobody had come; a search with results has had better workers."""
    scene = Scene()
    scene.after(6.0, pending=1)
    scene.after(1.0, pending=1, n_left_idle=2)
    scene.after(6.0, pending=1, n_left_idle=3)
    assert len(told()) == 2
    assert (
        "have left, 3 of them without a trial: their logs say why (often another HPSEARCH_SECRET" in told()[1]
    )
    scene.after(6.0, pending=1, done=1, n_left_idle=3)
    scene.after(6.0, pending=1, done=1, n_left_idle=3)
    assert told()[2].startswith("No worker serves ")


def test_a_long_trial_is_no_reason_to_worry(told):
    scene = Scene()
    for _ in range(10):
        scene.after(1000.0, running=1)
    assert told() == []


def test_the_timeout_counts_from_the_call():
    scene = Scene(timeout=10)
    assert scene.after(9.9, pending=1) is None
    assert scene.after(0.2, pending=1) is EndReason.TIMEOUT


def test_an_algorithm_without_more_points_ends_the_search_when_nothing_is_open():
    scene = Scene(has_more_points=False)
    assert scene.after(1, pending=1, running=1) is None
    assert scene.after(1, running=1, done=1) is None
    assert scene.after(1, done=2) is EndReason.NO_MORE_POINTS
    assert Scene().after(1) is None


def test_a_rule_is_asked_once_for_each_state_in_which_more_trials_have_finished():
    calls = []

    def rule(trials, n=0):
        calls.append(n)
        return n == 2, [n + 1]

    scene = Scene(early_stop_fn=rule)
    answers = [scene.after(1, done=done, running=1) for done in (0, 1, 1, 3, 3, 4)]
    assert calls == [0, 1, 2]
    assert answers == [None] * 5 + [EndReason.EARLY_STOP]
