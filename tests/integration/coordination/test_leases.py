"""Trials whose worker was not heard of."""

from __future__ import annotations

import pytest

from hpsearch.coordination.election import LEADER_LEASE_S
from hpsearch.core.trial import State
from tests.integration.coordination.fake_clock_store import KEY, LEASE_S, watched


def test_a_lost_worker_costs_its_trial_a_lease_and_a_rerun(scene):
    scene.open()
    coordinator = scene.coordinator()
    coordinator.tick()
    trial = scene.take()
    assert trial is not None
    watched(scene, coordinator, LEASE_S + 6)
    [ended] = scene.trial(KEY, trial.tid).history
    assert (ended.attempt, ended.why) == (1, "lease expired")


def test_after_an_outage_no_lease_expires_before_every_worker_could_renew_twice(scene):
    """The coordinator's question waited out an outage in which every lease ran out."""
    scene.open()
    coordinator = scene.coordinator()
    watched(scene, coordinator, LEASE_S)
    trial = scene.take()
    assert trial is not None
    scene.before_count = lambda: setattr(scene, "seconds", scene.seconds + 10 * LEASE_S)
    coordinator.tick()
    assert watched(scene, coordinator, LEASE_S / 2 - 1, until=State.PENDING, trial=trial) is None
    scene.renew(trial)
    assert watched(scene, coordinator, LEASE_S - 1, until=State.PENDING, trial=trial) is None


def test_a_coordinator_that_stood_still_expires_nothing_before_every_worker_could_renew_twice(scene):
    scene.open()
    coordinator = scene.coordinator()
    watched(scene, coordinator, LEASE_S)
    trial = scene.take()
    assert trial is not None
    scene.seconds += 10 * LEASE_S
    expired_after = watched(scene, coordinator, LEASE_S, until=State.PENDING, trial=trial)
    assert expired_after is not None
    assert LEASE_S / 2 <= expired_after <= LEASE_S / 2 + 6


@pytest.mark.parametrize("step_s", [-3600.0, 10 * LEASE_S])
def test_after_a_step_of_the_stores_clock_no_lease_expires_before_workers_could_renew(scene, step_s):
    """It may be set right, or be another server's after a fail-over: forwards, all leases run out at once."""
    scene.open()
    coordinator = scene.coordinator()
    watched(scene, coordinator, LEASE_S)
    trial = scene.take()
    assert trial is not None
    scene.step_s = step_s
    assert watched(scene, coordinator, LEASE_S / 2 - 1, until=State.PENDING, trial=trial) is None
    scene.renew(trial)
    assert watched(scene, coordinator, LEASE_S - 1, until=State.PENDING, trial=trial) is None
    assert watched(scene, coordinator, 6, until=State.PENDING, trial=trial) is not None


@pytest.mark.parametrize("back_s", [LEASE_S, 3600.0, 1e8])
def test_a_worker_that_dies_as_the_stores_clock_is_set_back_costs_its_trial_a_lease(scene, back_s, caplog):
    scene.open()
    coordinator = scene.coordinator()
    watched(scene, coordinator, LEASE_S)
    trial = scene.take()
    assert trial is not None
    scene.step_s = -back_s
    waited_s = watched(scene, coordinator, LEASE_S + 6, until=State.PENDING, trial=trial)
    assert waited_s is not None
    assert waited_s >= LEASE_S
    assert "1 leases of search count from now" in caplog.text


def test_a_standby_expires_nothing(scene):
    scene.open()
    leader = scene.coordinator()
    leader.tick()
    trial = scene.take()
    assert trial is not None
    standby = scene.coordinator()
    for _ in range(100):
        scene.lead(KEY, leader._candidate.token, LEADER_LEASE_S)  # it leads, and does nothing
        standby.tick()
        scene.seconds += 1
    assert scene.trial(KEY, trial.tid).state is State.RUNNING
