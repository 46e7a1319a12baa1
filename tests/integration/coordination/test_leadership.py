"""Who leads, and what becomes of a leader that does not any more."""

from __future__ import annotations

import pytest

from hpsearch.coordination.election import LEADER_LEASE_S
from hpsearch.core.trial import State, Trial
from hpsearch.errors import NotFoundError
from hpsearch.space.tree import Values
from tests.integration.coordination.fake_clock_store import KEY, Scene, search_through, thinking_slowly


def test_a_standby_suggests_nothing_until_the_leader_is_gone(scene):
    scene.open()
    leader, standby = scene.coordinator(), scene.coordinator()
    leader.tick()
    assert standby.tick().is_standby
    scene.seconds += LEADER_LEASE_S / 2
    assert standby.tick().is_standby
    scene.take()
    assert standby.tick().is_standby
    assert scene.in_state(State.PENDING) == []
    scene.seconds += LEADER_LEASE_S
    assert not standby.tick().is_standby
    assert len(scene.in_state(State.PENDING)) == 1
    assert leader.tick().is_standby


def test_a_leader_that_resigns_is_relieved_at_once(scene):
    scene.open()
    leader, standby = scene.coordinator(), scene.coordinator()
    leader.tick()
    leader.resign()
    assert not standby.tick().is_standby


def test_suggestions_of_a_leader_that_was_relieved_while_it_thought_are_dropped(scene):
    scene.open(max_evals=2)
    scene.hire("w", 8)
    first, second = scene.coordinator(), scene.coordinator()

    def relieved() -> None:
        scene.seconds += LEADER_LEASE_S + 1
        second.tick()

    thinking_slowly(first, relieved)
    assert first.tick().counts[State.PENDING] == 0
    assert len(scene.in_state(State.PENDING)) == 2
    assert first.tick().is_standby
    assert search_through(scene, second) == 2


def test_a_leader_that_thinks_longer_than_its_lease_goes_on_if_nobody_led_meanwhile(scene):
    scene.open()
    coordinator = scene.coordinator()
    thinking_slowly(coordinator, lambda: setattr(scene, "seconds", scene.seconds + 2 * LEADER_LEASE_S))
    coordinator.tick()
    assert len(scene.in_state(State.PENDING)) == 1


def test_a_leader_whose_numbers_are_taken_reads_the_experiment_anew(scene):
    scene.open(max_evals=3)
    scene.hire("w", 8)
    coordinator = scene.coordinator()
    foreign = Trial(exp_key=KEY, tid=0, values={"x": 1.0, "kind": 0}, origin="enqueued")
    thinking_slowly(coordinator, lambda: scene.insert([foreign]))
    coordinator.tick()
    assert [t.origin for t in scene.in_state(State.PENDING)] == ["enqueued"]
    assert search_through(scene, coordinator) == 3


@pytest.mark.parametrize("algorithm", ["random", "tpe"])
def test_a_coordinator_that_takes_over_suggests_what_the_first_would_have(algorithm):
    """The same seed and the same order of completion, once in one process and once in many."""

    def points(change_every: int) -> list[Values]:
        scene = Scene()
        scene.open(algorithm=algorithm, max_evals=30)
        scene.hire("w", 2)
        coordinator = scene.coordinator()
        for n in range(28):
            if n % change_every == change_every - 1:
                coordinator.resign()
                coordinator = scene.coordinator()
            coordinator.tick()
            trials = [scene.take()] if n else [scene.take(), scene.take()]
            oldest = scene.in_state(State.RUNNING)[0]
            assert trials[0] is not None
            scene.seconds += 60
            scene.finish_with(oldest, oldest.values["x"] ** 2 + oldest.values["kind"])
        return [t.values for t in scene.trials(KEY)]

    assert points(3) == points(1000)


def test_a_leader_that_takes_over_shows_the_best_trial_and_the_last_failure_whole(scene):
    scene.open()
    first = scene.coordinator()
    for loss in (2.0, 1.0, None):
        first.tick()
        scene.finish_with(scene.take(), loss)
    first.resign()
    progress = scene.coordinator().tick()
    assert progress.best == scene.trial(KEY, 1)
    assert progress.last_failure == scene.trial(KEY, 2)


def test_a_standby_counts_trials_no_more_often_than_it_can_afford(scene):
    """Counting millions takes seconds, in which the server should serve the workers."""
    scene.open()
    leader, standby = scene.coordinator(), scene.coordinator()
    leader.tick()
    n_counted = 0

    def count() -> None:
        nonlocal n_counted
        n_counted += 1
        scene.seconds += 1.0

    for _ in range(30):
        scene.before_count = count
        scene.lead(KEY, leader._candidate.token, LEADER_LEASE_S)
        assert standby.tick().is_standby
        scene.before_count = lambda: None
        scene.seconds += 1.0
    assert n_counted == 2


def test_a_search_that_is_deleted_under_its_leader_gets_no_more_trials(scene):
    """They would belong to nothing, or to the next search of that name."""
    scene.open()
    coordinator = scene.coordinator()
    coordinator.tick()
    scene.delete_experiment(KEY)
    with pytest.raises(NotFoundError):
        coordinator.tick()  # before it is time to look at the experiment again
    assert scene.in_state(*State) == []


def test_a_search_that_was_deleted_is_not_taken_for_another_of_its_name(scene):
    scene.open()
    coordinator = scene.coordinator()
    coordinator.tick()
    scene.delete_experiment(KEY)
    scene.seconds += 1
    scene.open()
    with pytest.raises(NotFoundError, match="was deleted, and there is another under its name"):
        coordinator.tick()
    assert scene.in_state(*State) == []


@pytest.mark.parametrize("back_s", [LEADER_LEASE_S, 3600.0, 1e8])
def test_a_leader_that_dies_as_the_stores_clock_is_set_back_is_relieved_after_its_lease(scene, back_s):
    scene.open()
    scene.coordinator().tick()
    standby = scene.coordinator()
    scene.step_s = -back_s
    for _ in range(int(LEADER_LEASE_S)):
        assert standby.tick().is_standby
        scene.seconds += 1
    scene.seconds += 1
    assert not standby.tick().is_standby


def test_a_leader_that_lives_leads_on_when_the_stores_clock_is_set_back(scene):
    scene.open()
    leader, standby = scene.coordinator(), scene.coordinator()
    leader.tick()
    scene.step_s = -3600.0
    for _ in range(60):
        assert not leader.tick().is_standby
        assert standby.tick().is_standby
        scene.seconds += 1
