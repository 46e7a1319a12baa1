"""The acquisition function with several objectives or outcome limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from hpsearch import hp
from hpsearch.core.goal import Goal
from hpsearch.core.history import Floats, History
from hpsearch.core.outcomes import Limit, Objective, Outcomes
from hpsearch.space.tree import Space
from hpsearch.suggest.gp.acquisition import Acquisition
from hpsearch.suggest.objectives.acquisition import Observed, build_acquisition
from hpsearch.suggest.objectives.digest import Digest
from hpsearch.suggest.objectives.models import LimitScale, fit_outcomes
from tests.support.outcomes import add_outcomes, outcomes

SPACE = Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)])
GROUPS = np.arange(2)
WEIGHTS = np.array([0.7, 0.3])


def _history(declared: Outcomes | None, *, amount: float = 0.3, fails_above: float = 2.0) -> History:
    """Return 30 trials: losses trade x for 1 - x, limits want x above ``amount``."""
    history = History(SPACE, declared)
    assert declared is not None
    for x, y in np.random.default_rng(0).random((30, 2)).tolist():
        losses = [x + (y - 0.5) ** 2, 1 - x + (y - 0.5) ** 2, y][: len(declared.objectives)]
        failed = x + y > fails_above
        amounts = [amount - x] * len(declared.limits)
        add_outcomes(history, {"x": x, "y": y}, None if failed else losses, amounts)
    return history


def _acquisition(
    history: History,
    weights: Floats | None = None,
    pending: Sequence[Sequence[float]] = (),
    *,
    by_order: bool = False,
) -> Acquisition:
    fitted = fit_outcomes(history.values, GROUPS, history.objectives, history.violations)
    observed = Observed(
        history=history,
        features=history.values,
        groups=GROUPS,
        pending=np.array(pending).reshape(-1, 2),
        inside=np.flatnonzero(~np.isnan(history.objectives[:, 0])),
    )
    return build_acquisition(fitted, observed, weights, by_order=by_order)


@pytest.mark.parametrize(("m", "weights"), [(1, None), (2, None), (3, None), (2, WEIGHTS)])
def test_gradient_is_that_of_the_score(m: int, weights: Floats | None) -> None:
    """With a limit and failed trials, for the hypervolume and for one weighted number."""
    found = _acquisition(_history(outcomes(m, 1), fails_above=1.6), weights)
    at = np.random.default_rng(1).random((4, 2))

    values, gradient = found.with_gradient(at)

    assert values == pytest.approx(found.at(at))
    for row, slope in zip(at, gradient, strict=True):
        numeric = approx_fprime(row, lambda x: found.at(x[None])[0], 1e-6)
        assert slope == pytest.approx(numeric, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("m", [1, 2])
def test_score_falls_beyond_a_limit(m: int) -> None:
    """Where the losses alone would draw the search."""
    free, limited = (_acquisition(_history(outcomes(m, k))) if m + k > 1 else None for k in (0, 1))
    at = np.array([[0.02, 0.5], [0.6, 0.5]])
    assert limited is not None
    beyond, before = limited.at(at)
    assert beyond < before - 5
    if free is not None:
        assert free.at(at)[0] > beyond


def test_turns_by_order_draw_to_the_whole_front() -> None:
    """Which is where y is one half, for any x."""
    found = _acquisition(Digest().read(_history(outcomes(2))), by_order=True)
    scores = found.at(np.array([[x, y] for y in (0.5, 0.1, 0.9) for x in (0.25, 0.5, 0.75)]))
    assert scores[:3].min() > scores[3:].max()


def test_without_a_feasible_trial_only_the_limits_count() -> None:
    """The score is highest next to them, however the losses fall."""
    found = _acquisition(_history(outcomes(2, 1), amount=1.2))
    grid = np.linspace(0, 1, 41)
    scores = found.at(np.column_stack([grid, np.full(41, 0.5)]))
    assert grid[np.argmax(scores)] > 0.9


def test_pending_points_gain_no_volume() -> None:
    """Neither they nor their neighbours, whatever is predicted for them."""
    history, place = _history(outcomes(2)), np.array([[0.5, 0.5]])
    alone, crowded = _acquisition(history), _acquisition(history, pending=place.tolist())
    assert crowded.at(place)[0] < alone.at(place)[0] - 5
    assert crowded.at(place + 0.01)[0] < alone.at(place + 0.01)[0] - 1


def test_limit_of_an_objective_is_its_reference() -> None:
    """Beyond it nothing is gained, and no other factor counts it again."""
    limit = Limit(name="f0", bound=0.4)
    declared = Outcomes(
        objectives=(
            Objective(name="f0", goal=Goal(metric="f0"), limit=limit),
            Objective(name="f1", goal=Goal(metric="f1")),
        ),
        limits=(limit,),
    )
    history = History(SPACE, declared)
    for x, y in np.random.default_rng(0).random((30, 2)).tolist():
        losses = [x + (y - 0.5) ** 2, 1 - x + (y - 0.5) ** 2]
        add_outcomes(history, {"x": x, "y": y}, losses, {"f0": losses[0] - 0.4})
    at = np.array([[0.35, 0.5], [0.8, 0.5]])
    within, beyond = _acquisition(history).at(at)
    assert beyond < within - 5


def test_scale_of_a_limit_keeps_signs_and_bears_anything() -> None:
    """Positive targets, with their mean, are feasible; infinite amounts count as the largest finite one."""
    amounts = np.array([-3.0, 0.0, 1e9, np.inf, -np.inf, np.nan, 2.0])
    scale = LimitScale.of(amounts)
    assert np.sign(scale.targets + scale.mean).round(9).tolist() == [1, 0, -1, -1, 1, -1]
    for constant in (0.0, -2.0, 5.0):
        scale = LimitScale.of(np.full(4, constant))
        assert np.sign(scale.targets + scale.mean).tolist() == [-np.sign(constant)] * 4
    assert not len(LimitScale.of(np.full(2, np.nan)).targets)
