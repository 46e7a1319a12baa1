"""Distributions agree with their closed forms and their supports."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from hpsearch import hp
from hpsearch.space.distribution import Categorical, Numeric, bounds_text
from tests.support.spaces import NUMBERS

#: Draws of each test of fit; at fixed seeds, so that a p-value is either always or never small.
N = 4000


def draws(node: object, n: int = N) -> np.ndarray:
    rng = np.random.default_rng(20240229)
    return np.array([node.distribution.sample(rng) for _ in range(n)])  # type: ignore[attr-defined]


def assert_fits(values: np.ndarray, expected: dict[float, float]) -> None:
    """Check counts of discrete values against probabilities, with rare values pooled."""
    assert set(values) <= set(expected), "a value that cannot occur"
    assert math.isclose(sum(expected.values()), 1, abs_tol=1e-9)
    common = {value: p for value, p in expected.items() if p * len(values) >= 5}
    counts = [np.sum(values == value) for value in common]
    rare = 1 - sum(common.values())
    if rare > 1e-9:
        counts.append(len(values) - sum(counts))
    weights = [*common.values(), *([rare] if rare > 1e-9 else [])]
    assert stats.chisquare(counts, np.array(weights) * len(values)).pvalue > 0.01


def bins(cdf: object, values: np.ndarray, q: float) -> dict[float, float]:
    """Return the probability of each bin ``[value - q/2, value + q/2]`` of a continuous distribution."""
    mass = {float(v): float(cdf(v + q / 2) - cdf(v - q / 2)) for v in values}  # type: ignore[operator]
    return {value: p for value, p in mass.items() if p > 0}


@pytest.mark.parametrize(
    ("node", "law"),
    [
        (hp.uniform("x", -2, 3), stats.uniform(-2, 5)),
        (hp.loguniform("x", -5, 1), stats.loguniform(math.exp(-5), math.e)),
        (hp.normal("x", 2, 3), stats.norm(2, 3)),
        (hp.lognormal("x", -1, 0.5), stats.lognorm(0.5, scale=math.exp(-1))),
    ],
    ids=["uniform", "loguniform", "normal", "lognormal"],
)
def test_continuous_distributions_fit(node: object, law: stats.rv_continuous) -> None:
    assert stats.kstest(draws(node), law.cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("node", "law", "q", "values"),
    [
        # Half a bin at each end, and no 10: as Hyperopt has it.
        (hp.quniform("x", 1, 10, 3), stats.uniform(1, 9), 3, [0, 3, 6, 9]),
        (hp.quniform("x", -1, 1, 0.5), stats.uniform(-1, 2), 0.5, [-1, -0.5, 0, 0.5, 1]),
        (hp.uniformint("x", 1, 5), stats.uniform(1, 4), 1, [1, 2, 3, 4, 5]),
        (hp.qloguniform("x", -1, 2, 1), stats.loguniform(math.exp(-1), math.exp(2)), 1, range(8)),
        (hp.qnormal("x", 1, 2, 1.5), stats.norm(1, 2), 1.5, np.arange(-20, 20) * 1.5),
        (hp.qlognormal("x", 1, 0.5, 0.5), stats.lognorm(0.5, scale=math.e), 0.5, np.arange(80) * 0.5),
    ],
    ids=["quniform", "quniform half", "uniformint", "qloguniform", "qnormal", "qlognormal"],
)
def test_quantized_distributions_fit(
    node: object, law: stats.rv_continuous, q: float, values: object
) -> None:
    """Each value has the probability of its bin, also at the ends."""
    expected = bins(law.cdf, np.asarray(values), q)  # type: ignore[arg-type]
    missing = 1 - sum(expected.values())
    assert abs(missing) < 1e-6
    assert_fits(draws(node), {v: p / (1 - missing) for v, p in expected.items()})


def test_the_ends_of_uniformint_have_half_the_mass() -> None:
    counts = np.bincount(draws(hp.uniformint("x", 1, 5)).astype(int))
    assert counts[1] + counts[5] == pytest.approx(N / 4, rel=0.1)
    assert counts[2] == pytest.approx(N / 4, rel=0.1)


@pytest.mark.parametrize(("low", "high"), [(0, 7), (-3, 2)])
def test_randint_fits(low: int, high: int) -> None:
    assert_fits(draws(hp.randint("x", low, high)), dict.fromkeys(range(low, high), 1 / (high - low)))


def test_randint_with_one_bound_starts_at_zero() -> None:
    assert set(draws(hp.randint("x", 3), 200)) == {0, 1, 2}


def test_choice_fits() -> None:
    assert_fits(draws(hp.choice("x", ["a", "b", "c"])), dict.fromkeys(range(3), 1 / 3))


def test_pchoice_fits_and_never_gives_an_option_without_mass() -> None:
    node = hp.pchoice("x", [(0, "a"), (0.7, "b"), (0.3, "c"), (0, "d")])
    assert_fits(draws(node), {1: 0.7, 2: 0.3})


class AlmostOne:
    """A generator whose draw is the largest float below 1."""

    def random(self) -> float:
        return math.nextafter(1, 0)


def test_rounding_of_probabilities_cannot_run_out_of_options() -> None:
    """One minus ten tenths is slightly positive in floats; the last draw is still an option."""
    categorical = Categorical(probabilities=(*(0.1 - 1e-16,) * 10, 0.0))
    assert 0 <= categorical.sample(AlmostOne()) < 10  # type: ignore[arg-type]


@given(st.sampled_from(sorted(NUMBERS)), st.floats(0.1, 5), st.floats(-50, 50))
def test_every_latent_value_gives_a_value_that_can_occur(name: str, width: float, z: float) -> None:
    """Any latent value of a suggester, even an infinity, maps to a value that can occur."""
    distribution = NUMBERS[name]("x", width).distribution
    if isinstance(distribution, Numeric):
        assert distribution.contains(distribution.from_latent(z))
        for end in distribution.support():
            assert math.isinf(end) or distribution.contains(end)


@pytest.mark.parametrize(
    ("node", "low", "high"),
    [
        (hp.uniform("x", -1, 2), -1, 2),
        (hp.loguniform("x", -1, 2), math.exp(-1), math.exp(2)),
        (hp.quniform("x", 1, 10, 3), 0, 9),
        # Half-way points at the ends have no probability beyond them.
        (hp.quniform("x", 0, 1.5, 1), 0, 1),
        (hp.quniform("x", 0.5, 3, 1), 1, 3),
        (hp.qloguniform("x", -1, 2, 1), 0, 7),
        (hp.uniformint("x", 1, 5), 1, 5),
        (hp.normal("x", 0, 1), -math.inf, math.inf),
        (hp.qlognormal("x", 0, 1, 1), 0, sys.float_info.max),
    ],
)
def test_support(node: object, low: float, high: float) -> None:
    assert node.distribution.support() == pytest.approx((low, high))  # type: ignore[attr-defined]


def test_values_off_the_grid_cannot_occur() -> None:
    distribution = hp.quniform("x", 0, 1, 0.1).distribution
    assert distribution.contains(0.3)  # though 3 * 0.1 is 0.30000000000000004
    assert distribution.contains(3 * 0.1)
    assert not distribution.contains(0.35)
    assert not distribution.contains(1.1)


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_no_number_is_nan_or_infinite(name: str) -> None:
    distribution = NUMBERS[name]("x", 1.0).distribution
    assert not any(map(distribution.contains, (math.nan, math.inf, -math.inf, 10**400)))


def test_extreme_lognormals_stay_finite_and_positive() -> None:
    values = draws(hp.lognormal("x", 0, 1e4), 200)
    assert np.all((values > 0) & np.isfinite(values))


def test_grids_of_huge_values_change_nothing() -> None:
    distribution = hp.qlognormal("x", 600, 1, 0.1).distribution
    values = [distribution.sample(np.random.default_rng(seed)) for seed in range(20)]
    assert all(math.isfinite(v) and distribution.contains(v) for v in values)


def test_rounding_is_half_to_even() -> None:
    distribution = hp.quniform("x", 0, 10, 1).distribution
    assert [distribution.from_latent(z) for z in (0.5, 1.5, 2.5, 3.5)] == [0, 2, 2, 4]


@pytest.mark.parametrize(
    ("node", "n"),
    [
        (hp.uniform("x", 0, 1), None),
        (hp.qnormal("x", 0, 1, 1), None),
        (hp.quniform("x", 1, 10, 3), 4),
        (hp.quniform("x", 0, 1, 0.1), 11),
        (hp.qloguniform("x", -1, 2, 1), 8),
        (hp.randint("x", -2, 3), 5),
        (hp.choice("x", [1, 2]), 2),
        (hp.pchoice("x", [(1, 1), (0, 2)]), 1),
    ],
)
def test_number_of_values(node: object, n: int | None) -> None:
    assert node.distribution.n_values == n  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (hp.loguniform("x", math.log(1e-5), math.log(0.1)), "1e-05 .. 0.1"),
        (hp.quniform("x", 1, 10, 3), "0 .. 9, step 3"),
        (hp.uniformint("x", 1, 10), "1 .. 10"),
        (hp.randint("x", 1, 10), "1 .. 9"),
        (hp.normal("x", 1, 2), "mean 1, sd 2"),
        (hp.lognormal("x", math.log(3), math.log(2)), "median 3, times or divided by 2"),
        (hp.choice("x", [1, 2]), "2 options"),
    ],
)
def test_ranges_are_shown_in_units_of_the_parameter(node: object, text: str) -> None:
    assert bounds_text(node.distribution) == text  # type: ignore[attr-defined]
