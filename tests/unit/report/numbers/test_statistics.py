"""Counts, durations and best values."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.core.trial import Holder, State
from hpsearch.report.numbers.best_values import BestOptions, BestRange, best_values, option_results
from hpsearch.report.numbers.ceiling import ceiling
from hpsearch.report.numbers.importance import loss_surrogate
from hpsearch.report.numbers.statistics import learning_curves, statistics
from hpsearch.space.tree import Space
from tests.support.explored import TRIAL_S, explored_trials
from tests.support.histories import history
from tests.support.sensitivity import FLAT, INTERACTION, auto_search, random_search


def test_failures_are_counted_by_reason_and_host() -> None:
    found = statistics(explored_trials())
    assert (found.n_done, found.n_failed, found.n_retried) == (90, 10, 0)
    [failure] = found.failures
    assert (failure.reason, failure.host, failure.n) == ("MemoryError", "host1", 10)
    assert [(h.host, h.n, h.n_failed) for h in found.hosts] == [("host0", 90, 0), ("host1", 10, 10)]


def test_durations_and_rates_are_those_of_the_trials() -> None:
    found = statistics(explored_trials())
    assert (found.durations.median, found.durations.long, found.durations.n) == (TRIAL_S, TRIAL_S, 90)
    assert found.failed_durations.n == 10
    assert sum(rate.n for rate in found.rates) == 100
    assert sum(rate.n_failed for rate in found.rates) == 10
    assert found.rates[5].per_hour == pytest.approx(3600 / TRIAL_S, rel=0.3)
    assert found.rates[-1].until - found.rates[0].since == timedelta(seconds=99 * TRIAL_S)


def test_trials_that_are_not_finished_do_not_count() -> None:
    trials = explored_trials()
    unfinished = [replace(trial, state=State.RUNNING) for trial in trials[:50]]
    retried = replace(trials[50], attempt=2, worker=Holder(name="w", host="h", pid=1))
    found = statistics([*unfinished, retried])
    assert (found.n_done, found.n_retried, found.rates) == (1, 1, ())
    assert statistics([]).durations is None


def test_learning_curves_are_those_of_the_best_trials() -> None:
    curves = learning_curves(explored_trials(), 3)
    best = min(t.loss for t in explored_trials() if t.loss is not None)
    assert (len(curves), curves[0].loss) == (3, best)
    assert curves[0].steps.tolist() == [1.0, 2.0, 4.0]
    assert curves[0].values == pytest.approx([best + 1, best + 0.5, best + 0.25])


def test_best_values_are_those_of_the_best_tenth() -> None:
    space = Space([hp.randint("n", 0, 100), hp.choice("k", ["a", "b", "c"])])
    points = [{"n": i, "k": i % 2} for i in range(100)]
    found = best_values(history(space, points, [float(i) for i in range(100)]))
    assert found["n"] == BestRange(low=1.0, high=8.0, n=10)
    assert found["k"] == BestOptions(names=("a", "b"), shares=(0.5, 0.5), n=10)
    assert best_values(history(space, points[:9], [1.0] * 9)) == {}


def test_each_option_has_its_best_loss_and_its_failures() -> None:
    space = Space(hp.choice("k", ["a", "b", "c"]))
    trials = history(space, [{"k": 0}, {"k": 0}, {"k": 1}, {"k": 0}], [3.0, 1.0, 0.5, None])
    found = [(r.option, r.n, r.n_failed, r.best, r.median) for r in option_results(trials)]
    assert found == [("b", 1, 0, 0.5, 0.5), ("a", 3, 1, 1.0, 2.0), ("c", 0, 0, None, None)]


def test_what_is_left_to_gain_is_more_after_fewer_trials() -> None:
    """The interaction's least loss is -1.08; random search is farther from it after fewer trials."""
    least = -1.08
    for n in (30, 100):
        trials = random_search(INTERACTION, n)
        found = ceiling(trials, loss_surrogate(trials), np.random.default_rng(0))
        left = float(trials.losses.min()) - least
        assert 0 <= found.median <= found.high
        assert found.high == pytest.approx(left, abs=0.15)


def test_nothing_is_said_of_what_is_left_if_it_may_be_more_than_was_gained() -> None:
    """One branch is smooth and good; the other is good here and bad there, and the model cannot say where."""
    rng = np.random.default_rng(0)
    rugged = {f"b{i}": hp.uniform(f"b{i}", 0, 1) for i in range(4)}
    space = Space(hp.choice("model", [{"a": hp.uniform("a", 0, 1)}, rugged]))
    points = [
        {"model": 0, "a": rng.random()}
        if i % 3
        else {"model": 1, **{label: rng.random() for label in rugged}}
        for i in range(30)
    ]
    losses = [
        0.014 + 0.002 * p["a"] if "a" in p else 0.05 + 0.8 * (p["b0"] > 0.5) * rng.random() for p in points
    ]
    trials = history(space, points, losses)
    assert loss_surrogate(trials).r2 > 0.5
    assert ceiling(trials, loss_surrogate(trials), np.random.default_rng(0)) is None


def test_little_is_left_to_gain_where_the_search_has_found_the_best() -> None:
    trials = auto_search(FLAT)
    found = ceiling(trials, loss_surrogate(trials), np.random.default_rng(0))
    assert found.high < 0.02
    assert ceiling(trials, None, np.random.default_rng(0)) is None
