"""What a coordinator learns from the values that trials report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hpsearch.coordination.coordinator import Coordinator
from hpsearch.core.experiment import Pruner
from hpsearch.core.stopping.curve import curve_of
from hpsearch.core.stopping.decision import decide
from hpsearch.core.trial import Report, Result, State, Trial
from tests.support.fake_clock_store import KEY, FakeClockStore

N_STEPS = 9


def open_search(store: FakeClockStore, pruner: Pruner, **budget: float) -> Coordinator:
    experiment = store.open_search(**budget)
    store.open_experiment(replace(experiment, pruner=pruner))
    return store.coordinator()


def train(store: FakeClockStore, trial: Trial) -> None:
    """Report as a worker does, by the policy at the start, and finish."""
    policy = store.policy(KEY)
    pairs: list[tuple[float, float]] = []
    for step in range(1, N_STEPS + 1):
        pairs.append((step, trial.values["x"] ** 2 + 4 / step))
        curve = curve_of(pairs)
        verdict = decide(policy, curve, trial.tid)
        reports = [Report(step=step, value=pairs[-1][1])]
        store.report(trial, reports, rungs=curve.rungs, verdict=verdict)
        if verdict is not None and verdict.is_stop:
            store.finish(trial, Result(loss=None, pruned=verdict.reason))
            return
    store.finish(trial, Result(loss=pairs[-1][1]))


def run(store: FakeClockStore, coordinator: Coordinator) -> None:
    while not (coordinator.tick() and coordinator.is_over()):
        store.seconds += 1
        if (trial := store.claim_next()) is not None:
            train(store, trial)
    coordinator.wind_down(grace_s=0)


@pytest.mark.parametrize("rule", ["auto", "asha"])
def test_trials_are_pruned_by_the_published_policy_and_count_towards_max_evals(rule: str) -> None:
    store = FakeClockStore()
    run(store, open_search(store, Pruner(name=rule), max_evals=40))

    trials = list(store.trials(KEY))
    pruned = [trial for trial in trials if trial.state is State.PRUNED]
    done = [trial for trial in trials if trial.state is State.DONE]
    assert len(pruned) + len(done) == 40
    assert len(pruned) >= 5
    assert all(trial.pruned == trial.verdict.reason for trial in pruned if trial.verdict)
    assert min(trial.loss for trial in done if trial.loss) < min(t.values["x"] ** 2 for t in pruned) + 4


def test_without_a_pruner_nothing_is_published() -> None:
    store = FakeClockStore()
    run(store, open_search(store, Pruner(), max_evals=5))
    assert store.policy(KEY) is None


def test_the_next_leader_continues_the_versions_and_replaces_the_policy_of_another_rule() -> None:
    store = FakeClockStore()
    first = open_search(store, Pruner(name="asha"), max_evals=20)
    run(store, first)
    first.resign()
    before = store.policy(KEY)
    assert before is not None

    open_search(store, Pruner(name="threshold", options={"upper": 3.0}), max_evals=30).tick()

    after = store.policy(KEY)
    assert after is not None
    assert (after["rule"], after["version"]) == ("threshold", before["version"] + 1)


def test_max_steps_ends_a_search_by_the_sum_of_all_steps() -> None:
    store = FakeClockStore()
    run(store, open_search(store, Pruner(), max_steps=4 * N_STEPS))
    assert store.experiment(KEY).ended_why == "max_steps"
    assert store.counts(KEY)[State.DONE] == 4
