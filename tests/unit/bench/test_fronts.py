"""Problems and scores of ``scripts/bench/fronts.py``."""

from __future__ import annotations

import numpy as np
import pytest
from objectives import fronts, limits
from objectives.searches import best_feasible, run, volumes

from hpsearch.core.hypervolume import hypervolume


@pytest.mark.parametrize("number", [1, 3])
def test_known_volume_is_that_of_the_front(number: int) -> None:
    """Of 2,000 points of it, which lie where all but the first parameter are 0."""
    problem = fronts.zdt(number, d=3)
    points = [problem.measure({"x0": x, "x1": 0.0, "x2": 0.0})[0] for x in np.linspace(0, 1, 2001)]
    assert hypervolume(np.array(points), np.array(problem.reference)) == pytest.approx(
        problem.volume, rel=1e-3
    )


def test_volume_of_the_sphere_is_that_of_its_complement() -> None:
    """With two objectives."""
    problem = fronts.dtlz2(2, d=3)
    points = [problem.measure({"x0": x, "x1": 0.5, "x2": 0.5})[0] for x in np.linspace(0, 1, 2001)]
    assert hypervolume(np.array(points), np.array(problem.reference)) == pytest.approx(
        problem.volume, rel=1e-3
    )


def test_known_optima_of_limited_problems_are_feasible() -> None:
    """At the points that the papers give."""
    loss, amounts = limits.corner().measure({"x": 0.1954, "y": 0.4044})
    assert loss[0] == pytest.approx(0.5998, abs=1e-3)
    assert max(amounts) < 1e-3
    loss, amounts = limits.vessel().measure({"shell": 12, "head": 6, "radius": 38.8601, "length": 221.3655})
    assert loss[0] == pytest.approx(5850.4, abs=1)
    assert max(amounts[:2]) < 1e-3
    assert amounts[2] < 10


def test_scores_count_feasible_trials_in_order() -> None:
    """Shares grow, and a search without a feasible trial has none."""
    losses = np.array([[3.0, 3.0], [1.0, 2.0], [2.0, 1.0]])
    assert volumes(losses, [4.0, 4.0], [1, 2, 3]) == [1.0, 6.0, 8.0]
    amounts = np.array([[1.0], [-1.0], [0.0]])
    assert best_feasible(losses[:, :1], amounts, [1, 2, 3]) == [np.inf, 1.0, 1.0]


def test_search_measures_each_trial() -> None:
    """With our own algorithms, in one process."""
    found = run("tpe", "corner", seed=0, n_evals=3)
    assert len(found["losses"]) == len(found["amounts"]) == 3
    assert {len(amounts) for amounts in found["amounts"]} == {2}
