"""``rdists``: continuous and quantised distributions."""

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from hpsearch.errors import SpaceError
from hpsearch.hyperopt import rdists

CONTINUOUS = [
    rdists.loguniform_gen(),
    rdists.loguniform_gen(low=-4, high=-0.5),
    rdists.lognorm_gen(0, 1),
    rdists.lognorm_gen(mu=-2, sigma=0.5),
]
QUANTISED = [
    rdists.quniform_gen(0, 10, 3),
    rdists.quniform_gen(3, 3.2, 1),
    rdists.qloguniform_gen(-1, 2, 1),
    rdists.qloguniform_gen(np.log(0.05), np.log(0.15), 0.5),
    rdists.qnormal_gen(1, 2, 0.5),
    rdists.qlognormal_gen(0, 1, 1),
]


@pytest.mark.parametrize("distribution", CONTINUOUS)
def test_pdf_cdf_and_ppf_agree(distribution: Any) -> None:
    q = np.linspace(0.01, 0.99, 21)
    x = distribution.ppf(q)
    assert distribution.cdf(x) == pytest.approx(q)
    assert distribution.sf(x) == pytest.approx(1 - q)
    assert np.exp(distribution.logcdf(x)) == pytest.approx(q)
    assert np.exp(distribution.logpdf(x)) == pytest.approx(distribution.pdf(x))
    between = integrate.quad(distribution.pdf, x[2], x[-3])[0]
    assert between == pytest.approx(q[-3] - q[2], rel=1e-6)
    assert distribution.mean() == pytest.approx(integrate.quad(distribution.ppf, 0, 1)[0], rel=1e-4)


@pytest.mark.parametrize("distribution", CONTINUOUS)
def test_loc_and_scale_transform_a_distribution(distribution: Any) -> None:
    x = distribution.ppf(np.linspace(0.1, 0.9, 5))
    assert distribution.cdf(2 * x - 3, -3, 2) == pytest.approx(distribution.cdf(x))
    frozen = distribution(loc=-3, scale=2)
    assert frozen.pdf(2 * x - 3) == pytest.approx(distribution.pdf(x) / 2)
    assert pickle.loads(pickle.dumps(distribution)).cdf(x) == pytest.approx(distribution.cdf(x))


@pytest.mark.parametrize("distribution", CONTINUOUS)
def test_draws_follow_the_distribution_and_the_seed(distribution: Any) -> None:
    drawn = distribution.rvs(size=2000, random_state=np.random.default_rng(0))
    assert stats.kstest(drawn, distribution.cdf).pvalue > 0.01
    assert distribution.rvs(random_state=3) == distribution.rvs(random_state=3)
    assert np.isscalar(distribution.rvs())


@pytest.mark.parametrize(
    "make", [rdists.quniform_gen, rdists.qloguniform_gen, rdists.qnormal_gen, rdists.qlognormal_gen]
)
def test_a_single_draw_is_a_python_number_of_the_type_of_q(make: Any) -> None:
    assert type(make(0, 10, 1).rvs()) is int
    assert type(make(0, 10, 1.0).rvs()) is float
    assert make(0, 3, 1).rvs(size=(2, 3)).shape == (2, 3)
    assert make(0, 3, 1).rvs(4).dtype == int


@pytest.mark.parametrize("distribution", QUANTISED)
def test_probabilities_match_the_frequencies_of_draws(distribution: Any) -> None:
    drawn, counts = np.unique(distribution.rvs(20_000, random_state=1), return_counts=True)
    for value, count in zip(drawn, counts, strict=True):
        mass = distribution.pmf(value)
        assert type(mass) is float
        assert mass == pytest.approx(count / 20_000, abs=0.015)
        assert distribution.logpmf(value) == pytest.approx(np.log(mass))
    assert distribution.pmf(drawn + 0.3 * distribution.q) == pytest.approx(np.zeros(len(drawn)))


def test_probabilities_can_be_read_from_a_table() -> None:
    distribution = rdists.quniform_gen(0, 10, 3)
    assert distribution.xs.tolist() == [0, 3, 6, 9]
    assert distribution.ps.sum() == pytest.approx(1)
    assert (distribution.qlow, distribution.qhigh) == (0, 9)
    table = (distribution.q, distribution.qlow, distribution.xs, distribution.ps)
    assert rdists.qtable_pmf(np.array([-3.0, 3, 4, 12]), *table).tolist() == [0, distribution.pmf(3), 0, 0]
    assert rdists.qtable_logpmf(4, *table) == -np.inf
    assert type(rdists.qtable_pmf(3, *table)) is float


def test_log_probabilities_are_finite_far_from_the_mean() -> None:
    distribution = rdists.qnormal_gen(0, 1, 1)
    far = distribution.logpmf(np.array([30.0, -30.0]))
    assert far[0] == far[1] == pytest.approx(stats.norm.logsf(29.5), rel=1e-3)
    assert np.isfinite(distribution.logpmf(500.0))


def test_numbers_arrays_and_lists_become_ints() -> None:
    assert rdists.safe_int_cast(3.7) == 3
    assert rdists.safe_int_cast([1.2, 2.0]) == [1, 2]
    assert rdists.safe_int_cast(np.array([1.5, -2.0])).tolist() == [1, -2]


@pytest.mark.parametrize("make", [lambda: rdists.quniform_gen(1, 1, 1), lambda: rdists.qnormal_gen(0, 0, 1)])
def test_invalid_arguments_are_rejected(make: Any) -> None:
    with pytest.raises(SpaceError, match="_gen: "):
        make()
