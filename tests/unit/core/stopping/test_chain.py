from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student

from hpsearch.core.stopping.chain import Scale, Stage, chance_below, final_moments

STAGES = (
    Stage((0.1, 0.9, 0.3), (0.2, 0.1, 0.1, 0.02, 0.0, 0.01), 0.04, 12.0),
    Stage((-0.2, 0.7, 0.1), (0.1, 0.05, 0.2, 0.0, 0.03, 0.0), 0.09, 8.0),
    Stage((0.0, 1.0, 0.2), (0.1, 0.1, 0.1, 0.0, 0.0, 0.0), 0.01, 30.0),
)


def test_mean_and_variance_are_those_of_values_drawn_stage_by_stage() -> None:
    rng = np.random.default_rng(0)
    n = 200_000
    u, before = np.full(n, 0.8), np.full(n, 1.1)
    for stage in STAGES:
        i00, i11, i22, i01, i02, i12 = stage.inverse
        inverse = np.array([[i00, i01, i02], [i01, i11, i12], [i02, i12, i22]])
        b = rng.multivariate_normal(stage.mean, stage.variance * inverse, n)
        noise = rng.normal(0, np.sqrt(stage.variance), n)
        before, u = u, b[:, 0] + b[:, 1] * u + b[:, 2] * (u - before) + noise
    mean, variance = final_moments(STAGES, 0.8, 1.1)
    assert mean == pytest.approx(u.mean(), abs=5e-3)
    assert variance == pytest.approx(u.var(), rel=0.02)


def test_moments_of_several_trials_are_those_of_each() -> None:
    u, before = np.array([0.8, -1.0]), np.array([1.1, 0.0])
    means, variances = final_moments(STAGES, u, before)
    assert (means[1], variances[1]) == pytest.approx(final_moments(STAGES, -1.0, 0.0))


@pytest.mark.parametrize("freedom", [3.0, 10.0, 200.0])
@pytest.mark.parametrize("limit", [-4.0, -1.5, 0.2])
def test_the_chance_is_that_of_students_t(limit: float, freedom: float) -> None:
    expected = student.cdf(limit / 0.7, freedom)
    assert chance_below(limit, 0.0, 0.49, freedom) == pytest.approx(expected, rel=0.12)


def test_a_scale_keeps_the_order_of_values_and_leads_back_to_them() -> None:
    assert Scale(0.9, 0.05).scaled(0.9) < Scale(0.9, 0.05).scaled(0.95)
    higher_is_better = Scale(-0.9, 0.05, -1.0)
    assert higher_is_better.scaled(0.95) < higher_is_better.scaled(0.9)
    assert higher_is_better.values(higher_is_better.scaled(0.93)) == pytest.approx(0.93)
    assert Scale(0.0, 1.0).scaled(float("nan")) == Scale(0.0, 1.0).scaled(float("inf")) == 4.0
