"""How far many experiments have come, in one question."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpsearch.core.trial import FINISHED, Result, State
from hpsearch.store.protocol import RECENT_TRIALS, TrialSummary
from tests.integration.store.conftest import START, Bench

LOSSES = st.sampled_from([0.0, -1.5, 7.25, float("inf"), float("-inf")])
STATES = st.sampled_from([State.DONE, State.FAILED, State.CANCELLED, State.PENDING])


def beside(bench: Bench, name: str) -> Bench:
    return replace(bench, exp_key=f"{bench.exp_key}-{name}")


@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_summaries_say_what_reading_each_experiment_says(bench, data):
    """Together, in any order, the trials in any state."""
    benches = [beside(bench, uuid.uuid4().hex) for _ in range(3)]
    for one in benches:
        one.store.open_experiment(one.experiment())
        states = data.draw(st.lists(STATES, max_size=8))
        one.store.insert(
            [
                one.trial(
                    tid,
                    params={"x": tid / 2},
                    state=state,
                    loss=data.draw(LOSSES) if state is State.DONE else None,
                    finished_at=START.replace(minute=data.draw(st.integers(0, 59)))
                    if state.is_final
                    else None,
                )
                for tid, state in enumerate(states)
            ]
        )
    found = bench.store.summaries([one.exp_key for one in benches])
    assert found.keys() == {one.exp_key for one in benches}
    for one in benches:
        assert found[one.exp_key] == expected(one)


def expected(bench: Bench) -> TrialSummary:
    newest = list(bench.store.trials(bench.exp_key, sort="newest", limit=RECENT_TRIALS))
    times = [t.finished_at for t in newest if t.state in FINISHED and t.finished_at]
    best = next(bench.store.trials(bench.exp_key, sort="loss", limit=1), None)
    points = {point.tid: point for point in bench.store.points(bench.exp_key)}
    return TrialSummary(
        counts=bench.store.counts(bench.exp_key),
        best=best and replace(points[best.tid], params=best.params),
        n_recent=len(times),
        recent_since=min(times, default=None),
        recent_until=max(times, default=None),
    )


def test_the_rate_is_measured_by_the_trials_that_were_suggested_last(bench, store):
    store.open_experiment(bench.experiment())
    n = RECENT_TRIALS + 5
    store.insert(
        [
            bench.trial(t, state=State.FAILED, finished_at=START.replace(hour=t // 60, minute=t % 60))
            for t in range(n)
        ]
    )
    summary = store.summaries([bench.exp_key])[bench.exp_key]
    assert summary.n_recent == RECENT_TRIALS
    assert (summary.recent_since, summary.recent_until) == (
        START.replace(minute=5),
        START.replace(minute=n - 1),
    )


def test_running_trials_are_counted_and_what_they_finish_shows_at_once(bench, store):
    store.open_experiment(bench.experiment())
    bench.insert(2)
    trial = bench.claim()
    assert store.summaries([bench.exp_key])[bench.exp_key].counts[State.RUNNING] == 1
    store.finish(trial, Result(loss=0.5))
    summary = store.summaries([bench.exp_key])[bench.exp_key]
    assert (summary.best.tid, summary.best.loss, summary.n_recent) == (trial.tid, 0.5, 1)


@pytest.mark.parametrize("keys", [[], ["nowhere"]])
def test_what_is_not_there_has_no_trials(store, keys):
    nothing = TrialSummary(counts=dict.fromkeys(State, 0))
    assert store.summaries(keys) == dict.fromkeys(keys, nothing)


def test_experiments_in_short_are_the_same_without_their_spaces(bench, store):
    opened = store.open_experiment(bench.experiment())
    assert opened.space
    (found,) = [e for e in store.experiments(omit_space=True) if e.exp_key == bench.exp_key]
    assert found == replace(opened, space={})
