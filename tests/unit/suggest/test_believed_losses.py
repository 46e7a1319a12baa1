"""Believed losses of noisy searches."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpsearch import hp
from hpsearch.core.history import Floats, History
from hpsearch.space.tree import Space
from hpsearch.suggest.believed_losses import believed_losses
from tests.support.histories import add, history

PLANE = Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)])


def noisy_search(
    noise: Floats, seed: int, n: int = 60, repeats: tuple[int, ...] = (3, 7)
) -> tuple[History, Floats]:
    """Return a history of random points, some of them twice, and the losses without noise.

    Parameters
    ----------
    noise : (n + r,) array
        Added to the losses.
    seed : int
        Of the points.
    n : int
        Number of points.
    repeats : tuple of r int
        Points evaluated again.
    """
    rng = np.random.default_rng(seed)
    points = [PLANE.sample(rng) for _ in range(n)]
    points += [points[i] for i in repeats]
    true = np.array([(p["x"] - 0.3) ** 2 + (p["y"] - 0.6) ** 2 for p in points])
    return history(PLANE, points, [*(true + noise)]), true


KINDS = {
    "normal": lambda rng, n: 0.15 * rng.normal(size=n),
    "heavy tails": lambda rng, n: 0.08 * rng.standard_t(2, size=n),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_trial_believed_best_is_truly_better_than_the_one_with_the_lowest_loss(kind: str) -> None:
    believed, lowest = [], []
    for seed in range(6):
        noise = KINDS[kind](np.random.default_rng([seed, 1]), 62)
        finished, true = noisy_search(noise, seed)
        found = believed_losses(finished)
        assert found is not None
        believed.append(true[found.best])
        lowest.append(true[np.argmin(finished.losses)])
        assert np.abs(found.losses - true).mean() < 0.6 * np.abs(noise).mean()
    assert np.mean(believed) < 0.5 * np.mean(lowest)


def test_without_differing_repeats_nothing_is_believed() -> None:
    """A rugged loss looks like noise to a model; only a repeat tells them apart."""
    noise = 0.15 * np.random.default_rng(1).normal(size=62)
    noise[60], noise[61] = noise[3], noise[7]
    finished, _ = noisy_search(noise, 0)
    assert believed_losses(finished) is None
    assert believed_losses(noisy_search(noise[:60], 0, repeats=())[0]) is None


def test_one_absurdly_low_loss_is_not_believed() -> None:
    noise = 0.05 * np.random.default_rng(2).normal(size=62)
    noise[20] = -1e6
    finished, true = noisy_search(noise, 0)
    found = believed_losses(finished)
    assert found is not None
    assert found.best != 20
    assert true[found.best] < np.quantile(true, 0.2)


def test_a_good_loss_among_others_is_preferred_to_one_far_from_all() -> None:
    rng = np.random.default_rng(8)
    points = [{"x": 0.3 + 0.2 * rng.random(), "y": 0.6 + 0.2 * rng.random()} for _ in range(30)]
    points += [points[3], {"x": 0.95, "y": 0.05}]
    losses = 0.1 + 0.1 * rng.normal(size=32)
    losses[-1] = 0.05
    found = believed_losses(history(PLANE, points, [*losses]))
    assert found is not None
    assert found.best != 31
    assert found.cautious[31] - found.losses[31] > 0.05


def test_where_noise_grows_with_the_loss_good_trials_keep_their_order() -> None:
    """Uniform noise would smooth the best trials as much as the worst."""
    rng = np.random.default_rng(3)
    finished, true = noisy_search(np.zeros(62), 4)
    losses = true * np.exp(0.5 * rng.normal(size=62))
    finished = history(PLANE, [finished.point(i) for i in range(62)], losses)
    found = believed_losses(finished)
    assert found is not None
    assert true[found.best] <= np.sort(true)[5]


def test_failed_trials_have_no_belief_and_a_few_trials_none_at_all() -> None:
    noise = 0.1 * np.random.default_rng(5).normal(size=62)
    finished, _ = noisy_search(noise, 5)
    for loss in (None, math.inf):
        add(finished, {"x": 0.3, "y": 0.6}, loss)
    found = believed_losses(finished)
    assert found is not None
    assert np.isnan(found.losses[62:]).all()
    assert found.best < 62
    assert believed_losses(noisy_search(noise[:5], 5, n=4, repeats=(0,))[0]) is None
    add(finished, {"x": 0.3, "y": 0.6}, -math.inf)
    assert believed_losses(finished) is None


def test_in_a_long_search_only_trials_near_the_lowest_losses_have_beliefs() -> None:
    noise = 0.1 * np.random.default_rng(6).normal(size=502)
    finished, true = noisy_search(noise, 6, n=500)
    found = believed_losses(finished)
    assert found is not None
    assert np.count_nonzero(found.losses != finished.losses) == 400
    assert true[found.best] < 0.02


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_extreme_losses_have_finite_beliefs(scale: float) -> None:
    noise = 0.1 * np.random.default_rng(7).normal(size=62)
    finished, true = noisy_search(noise, 7)
    finished = history(PLANE, [finished.point(i) for i in range(62)], scale * (true + noise))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = believed_losses(finished)
    assert found is not None
    assert np.isfinite(found.losses).all()
