from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from hpsearch.core.stopping.curve import Curve, curve_of
from hpsearch.core.stopping.decision import decide, share_of
from hpsearch.core.trial import State
from hpsearch.suggest.stopping.learner import Learner
from hpsearch.suggest.stopping.rules import make_rule

N_STEPS = 30
#: Values of a trial after each step.
Curves = Callable[[np.random.Generator], "np.ndarray[Any, Any]"]


def falling(rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Curves that keep their order: what is bad early is bad in the end."""
    asymptote = rng.uniform(0.1, 1.0)
    return asymptote + 0.5 * np.arange(1, N_STEPS + 1) ** -0.7 + rng.normal(0, 0.003, N_STEPS)


def crossing(rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Curves that reverse their order: what falls slowly ends lowest."""
    rate = rng.uniform(0.05, 1.0)
    shares = np.arange(1, N_STEPS + 1) / N_STEPS
    return (1 - rate) * (1 - shares) + 0.6 * rate * shares + 0.2


def search(
    learner: Learner,
    curves: Curves,
    n: int,
    *,
    to_report: Callable[[float], float] = float,
    steps: Callable[[int], float] = float,
    seed: int = 0,
) -> tuple[dict[int, int], list[float]]:
    """Run trials one after the other; return the stopped ones with their step, and all final losses."""
    rng = np.random.default_rng(seed)
    stopped: dict[int, int] = {}
    finals = []
    policy: Mapping[str, Any] | None = None
    for tid in range(n):
        losses, curve = curves(rng), Curve()
        finals.append(float(losses[-1]))
        state, loss = State.DONE, float(losses[-1])
        for i, value in enumerate(losses, 1):
            curve.add(steps(i), to_report(float(value)))
            verdict = decide(policy, curve, tid)
            if verdict is not None and verdict.is_stop:
                stopped[tid], state, loss = i, State.PRUNED, math.nan
                break
        known = None if math.isnan(loss) else loss
        learner.set(
            tid, curve.rungs, known, state, (curve.last_step or 0.0, curve.last_value or 0.0), curve.reports
        )
        policy = learner.policy(tid) or policy
    return stopped, finals


def learner_of(name: str = "auto", **options: Any) -> Learner:
    return Learner(make_rule(name, options))


@pytest.mark.parametrize("seed", range(3))
def test_auto_stops_most_bad_trials_early_and_keeps_the_best_where_curves_keep_their_order(seed: int) -> None:
    stopped, finals = search(learner_of(), falling, 80, seed=seed)
    assert len(stopped) > 45
    assert np.median(list(stopped.values())) <= 10
    best = int(np.argmin(finals))
    assert best not in stopped or finals[best] > 0.97 * min(
        f for i, f in enumerate(finals) if i not in stopped
    )


@pytest.mark.parametrize("seed", range(3))
def test_auto_keeps_what_starts_worst_and_ends_best_where_curves_cross(seed: int) -> None:
    stopped, finals = search(learner_of(), crossing, 60, seed=seed)
    assert np.argmin(finals) not in stopped
    assert len(stopped) > 10


def test_asha_stops_the_best_trials_where_curves_cross_as_its_users_must_know() -> None:
    stopped, finals = search(learner_of("asha"), crossing, 60)
    assert {int(i) for i in np.argsort(finals)[:5]} & set(stopped)


def test_the_same_trials_stop_at_the_same_steps_again() -> None:
    assert search(learner_of(), falling, 50) == search(learner_of(), falling, 50)


def test_reported_accuracies_stop_trials_as_losses_do_once_the_direction_is_known() -> None:
    stopped, _ = search(learner_of(), falling, 60, to_report=lambda loss: 1 - loss)
    assert len(stopped) > 25
    stopped, finals = search(learner_of(maximize=True), falling, 60, to_report=lambda loss: 1 - loss)
    assert len(stopped) > 25
    assert np.argmin(finals) not in stopped


def test_steps_below_one_and_skipped_steps_are_as_good() -> None:
    fractions, _ = search(learner_of(), falling, 60, steps=lambda i: i / N_STEPS)
    skipped, _ = search(learner_of(), lambda rng: falling(rng)[::4], 60, steps=lambda i: 4.0 * i - 3)
    assert len(fractions) > 25
    assert len(skipped) > 15


def test_reports_that_say_nothing_about_the_loss_stop_no_trial() -> None:
    rng = np.random.default_rng(1)
    stopped, _ = search(learner_of(), falling, 60, to_report=lambda _: float(rng.uniform()))
    assert len(stopped) <= 3


@pytest.mark.parametrize("rule", ["auto", "median", "asha", "hyperband", "paired"])
@pytest.mark.parametrize("constant", [0.0, 1e300, -1e-300])
def test_equal_trials_do_not_stop(rule: str, constant: float) -> None:
    stopped, _ = search(learner_of(rule), lambda _: np.full(N_STEPS, constant), 20)
    assert stopped == {}


def test_trials_of_different_lengths_learn_from_each_other() -> None:
    def either(rng: np.random.Generator) -> np.ndarray[Any, Any]:
        losses = falling(rng)
        return losses if rng.random() < 0.5 else losses[:12]

    stopped, finals = search(learner_of(), either, 80)
    assert len(stopped) > 25
    assert np.argmin(finals) not in stopped


def test_diverged_trials_stop_and_do_not_blur_the_others() -> None:
    def sometimes(rng: np.random.Generator) -> np.ndarray[Any, Any]:
        losses = falling(rng)
        if rng.random() < 0.3:
            losses[7:] = np.nan
        return losses

    stopped, _ = search(learner_of(), sometimes, 80)
    diverged = {tid for tid, step in stopped.items() if step == 8}
    assert len(diverged) > 5
    assert len(stopped) - len(diverged) > 25


def test_running_trials_are_rivals_before_the_first_is_done_if_the_length_is_known() -> None:
    learner = Learner(make_rule("auto", {"maximize": False}, max_resource=N_STEPS))
    for tid in range(8):
        losses = falling(np.random.default_rng(tid))
        learner.set(
            tid, curve_of(zip(range(1, 17), losses.tolist(), strict=False)).rungs, None, State.RUNNING
        )
    policy = learner.policy(1)
    assert policy is not None
    assert policy["best"] is None
    verdict = decide(policy, curve_of((step, 5.0) for step in range(1, 17)), 100)
    assert verdict is not None
    assert verdict.is_stop


def test_a_policy_is_due_when_a_trial_is_done_or_a_twentieth_more_is_known() -> None:
    learner = learner_of()
    search(learner, falling, 40)
    assert learner.policy(50) is None
    learner.set(100, curve_of([(1, 0.7)]).rungs, None, State.RUNNING)
    assert learner.policy(50) is None
    learner.set(100, curve_of([(1, 0.7)]).rungs, 0.5, State.DONE)
    policy = learner.policy(51)
    assert policy is not None
    assert policy["version"] == 51


def test_a_discarded_trial_is_no_goal_any_more() -> None:
    learner = learner_of()
    search(learner, falling, 30)
    learner.set(77, (), -5.0, State.DONE)
    assert (learner.policy(1) or {})["best"] == -5.0
    learner.discard(77)
    assert (learner.policy(2) or {})["best"] > 0
    learner.discard(78)


def test_a_policy_is_a_small_document() -> None:
    learner = Learner(make_rule("auto", {}))
    search(learner, lambda rng: np.repeat(falling(rng), 30), 40)
    learner.set(50, curve_of([(1, 0.7)]).rungs, 0.5, State.DONE)
    policy = learner.policy(3)
    assert len(json.dumps(policy)) < 6000


def test_forecasts_of_stopped_trials_are_losses_no_better_than_the_best() -> None:
    learner = learner_of()
    stopped, finals = search(learner, falling, 80)
    forecasts = learner.forecasts()
    known = [tid for tid in stopped if tid in forecasts]
    assert len(known) > 0.8 * len(stopped)
    best = min(f for tid, f in enumerate(finals) if tid not in stopped)
    assert all(best <= forecasts[tid].loss <= forecasts[tid].upper for tid in known)
    errors = np.array([forecasts[tid].loss - finals[tid] for tid in known])
    assert np.median(np.abs(errors)) < 0.1


def test_hyperband_lets_its_last_bracket_run_to_the_end() -> None:
    stopped, _ = search(Learner(make_rule("hyperband", {}, max_resource=N_STEPS)), falling, 100)
    last = {tid for tid in range(100) if share_of(tid) >= 0.967}
    assert len(stopped) > 40
    assert last
    assert not last & set(stopped)


def test_median_stops_half_of_the_trials() -> None:
    stopped, _ = search(learner_of("median"), falling, 60)
    assert 20 < len(stopped) < 55


def test_threshold_needs_no_trial_to_learn_from() -> None:
    policy = learner_of("threshold", upper=2.0).policy(1)
    verdict = decide(policy, curve_of([(1, 3.0)]), 0)
    assert verdict is not None
    assert verdict.is_stop


def test_paired_stops_worse_folds_only() -> None:
    def folds(rng: np.random.Generator) -> np.ndarray[Any, Any]:
        return np.linspace(0.2, 0.8, 10) + rng.choice([0.0, 0.1]) + rng.normal(0, 0.01, 10)

    stopped, finals = search(learner_of("paired"), folds, 40)
    assert stopped
    assert np.argmin(finals) not in stopped
