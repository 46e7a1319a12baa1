"""The best trial, the front, and the trial closest to the limits."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.core.standing import standing_of
from hpsearch.core.trial import Invalid, State, Trial
from tests.support.declared_outcomes import START, declared, done

TWO = declared(["error:min", "accuracy:max"])


def test_the_best_trial_keeps_all_limits() -> None:
    limited = declared(limits=["ms <= 20"])
    trials = [done(0, 0.1, {"ms": 3.0}), done(1, 0.5, {"ms": -1.0}), done(2, 0.3, {"ms": 0.0})]
    standing = standing_of(trials, limited)
    assert standing.best == trials[2]
    assert standing.least_violated is None
    assert standing.front is None


def test_without_a_feasible_trial_the_least_violated_one_is_known() -> None:
    limited = declared(limits=["ms <= 20", "size <= 1"])
    trials = [done(0, 0.1, {"ms": 3.0, "size": -9.0}), done(1, 0.5, {"ms": 1.0, "size": 1.0})]
    standing = standing_of(trials, limited)
    assert standing.best is None
    assert standing.least_violated == trials[1]


def test_trials_that_are_invalid_or_not_done_do_not_count() -> None:
    wrong = done(0, {"error": 0.0, "accuracy": 1.0}, invalid=Invalid(at=START, why=""))
    failed = Trial(exp_key="search", tid=1, values={}, state=State.FAILED, finished_at=START)
    front = standing_of([wrong, failed, done(2, {"error": 0.5, "accuracy": 0.5})], TWO).front
    assert front is not None
    assert [trial.tid for trial in front.trials] == [2]
    assert front.n_done == 1


def test_a_front_is_sorted_by_its_first_objective_and_knows_its_last_change() -> None:
    losses = [(0.5, 0.9), (0.2, 0.5), (0.6, 0.8), (0.2, 0.6), (0.9, 0.1), (math.inf, 1.0)]
    trials = [done(i, {"error": e, "accuracy": a}) for i, (e, a) in enumerate(losses)]
    front = standing_of(trials, TWO).front
    assert front is not None
    assert [trial.tid for trial in front.trials] == [3, 0]
    assert (front.n_done, front.n_since) == (6, 2)
    assert front.ranges == {"error": (0.2, 0.5), "accuracy": (0.6, 0.9)}
    assert [trial.tid for trial in front.sorted_by("accuracy")] == [0, 3]
    assert [trial.tid for trial in front.thinned(1)] in ([0], [3])
    assert front.knee in front.trials


def test_a_front_without_trials_has_no_knee() -> None:
    front = standing_of([], TWO).front
    assert front is not None
    assert (front.trials, front.knee, dict(front.ranges) if front.trials else {}) == ((), None, {})


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), max_size=400), st.integers(1, 9)
)
def test_the_front_does_not_depend_on_how_often_it_is_read(
    points: list[tuple[int, int, bool]], every: int
) -> None:
    """Against a comparison of all pairs."""
    trials = [
        done(i, {"error": float(e), "accuracy": float(a)}, {} if ok else {"ms": 1.0})
        for i, (e, a, ok) in enumerate(points)
    ]
    standing = standing_of(trials[: len(trials) // 2], TWO)
    for i, trial in enumerate(trials[len(trials) // 2 :]):
        standing.add(trial)
        if i % every == 0:
            assert standing.front is not None
    assert standing.front is not None
    feasible = [(e, -a, i) for i, (e, a, ok) in enumerate(points) if ok]
    rows = np.array([(e, a) for e, a, _ in feasible]).reshape(-1, 2)
    expected = {
        i for (e, a, i) in feasible if not ((rows <= (e, a)).all(axis=1) & (rows < (e, a)).any(axis=1)).any()
    }
    assert {trial.tid for trial in standing.front.trials} == expected
