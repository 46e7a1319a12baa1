"""Densities and draws of kernels, compared with references in scalar loops."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.special import chdtrc
from scipy.stats import truncnorm

from hpsearch import hp
from hpsearch.core.history import Bools, Floats, History
from hpsearch.space.distribution import Categorical, Integer, Normal, Numeric
from hpsearch.space.tree import Space
from hpsearch.suggest.tpe.axis import Axes, Axis, axis
from hpsearch.suggest.tpe.bins import has_wide_bins
from hpsearch.suggest.tpe.choices import CategoricalKernels, build_option_table, categorical_kernels
from hpsearch.suggest.tpe.kernels import AxisTable, NumericKernels, numeric_kernels, section
from hpsearch.suggest.tpe.parzen import Mixtures, fit, kernel_layout
from hpsearch.suggest.tpe.split import bad_log_weights, good_log_weights
from tests.support.histories import LEAVES

NUMERIC = [kind for kind in LEAVES if not kind.endswith("choice")]
CONTINUOUS = ["uniform", "loguniform", "normal", "lognormal"]
GRIDS = [kind for kind in NUMERIC if kind not in CONTINUOUS]


@dataclass(frozen=True)
class Column:
    """The kernels of one parameter, without the axis of the parameters."""

    axis: Axis
    kernels: NumericKernels | CategoricalKernels

    def log_density(self, values: Floats) -> Floats:
        """Return the (m, k) log densities at (m,) values."""
        parts = np.array_split(values[:, None], 1 + len(values) // 1000)
        return np.concatenate([self.kernels.log_density(v.T, np.ones(v.T.shape, dtype=bool)) for v in parts])

    def probabilities(self, values: Floats) -> Floats:
        """Return the (m, k) probabilities of (m,) values on a grid."""
        low, high = (ends[0] for ends in Axes([self.axis]).bins(values[None]))
        is_wide = AxisTable([self.axis]).bins.is_wide(values[None])[0]
        return np.exp(self.log_density(values)) * np.where(is_wide, 1.0, high - low)[:, None]

    def draw(self, components: Any, uniforms: Floats) -> Floats:
        """Return one value for each component and uniform."""
        return self.kernels.draw(np.asarray(components), uniforms[None])[0]


def numeric(distribution: Any, values: Floats, active: Bools) -> Column:
    """Return numeric kernels on one axis."""
    line = axis(distribution)
    return Column(line, numeric_kernels(AxisTable([line]), values[None], active[None], [len(values)]))


def categorical(distribution: Categorical, values: Floats, active: Bools) -> Column:
    """Return categorical kernels of one parameter."""
    table = build_option_table([distribution])
    kernels = categorical_kernels(table, values[None], active[None], [len(values)])
    return Column(None, kernels)  # type: ignore[arg-type]


def values_at(line: Axis, x: Floats) -> Floats:
    """Map coordinates on one axis to values."""
    return Axes([line]).values(x[None])[0]


def coordinates_of(line: Axis, values: Floats) -> Floats:
    """Map values to coordinates on one axis."""
    return Axes([line]).coordinates(values[None])[0]


def distribution_of(node: Any) -> Any:
    """Return the distribution of the only parameter of a space."""
    return Space(node).parameters[0].distribution


def kernels_of(kind: str, n: int = 6, seed: int = 1) -> tuple[Column, Floats]:
    """Return kernels on ``n`` samples and, as the last component, one without the parameter."""
    distribution = distribution_of(LEAVES[kind]("x"))
    rng = np.random.default_rng(seed)
    values = np.array([distribution.sample(rng) for _ in range(n)] + [0.0])
    return numeric(distribution, values, np.arange(n + 1) < n), values


def mixture_of(space: Space, values: Floats, active: Bools, log_weights: Floats) -> Mixtures:
    """Return the mixture of all observations and the prior."""
    return fit(kernel_layout(space), values, active, [np.arange(len(values))], [log_weights])


def possible(line: Axis) -> Floats:
    """Return the values of a grid with relevant probability."""
    if math.isinf(line.prior_sigma):
        ends = [line.least, line.greatest]
    else:
        ends = values_at(line, np.array([-9.0, 1.8] if line.is_log else [-4.0, 4.0])).tolist()
    return np.arange(round(ends[0] / line.grid_step), round(ends[1] / line.grid_step) + 1.0) * line.grid_step


def phi(z: float) -> float:
    """Return the standard normal distribution function."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


class Reference:
    """Reference kernels of one parameter, by definition, one number at a time."""

    def __init__(self, kind: str, observed: list[float]) -> None:
        distribution = Space(LEAVES[kind]("x")).parameters[0].distribution
        assert not isinstance(distribution, Categorical)
        if isinstance(distribution, Integer):
            self.loc, self.range = distribution.low - 0.5, float(distribution.high - distribution.low)
            self.low, self.high, self.is_log, self.q = 0.0, 1.0, False, 1.0
            self.is_normal = False
        else:
            latent = distribution.latent
            self.is_log, self.q = distribution.is_log, distribution.q or 0.0
            self.is_normal = isinstance(latent, Normal)
            if isinstance(latent, Normal):
                self.loc, self.range, self.low, self.high = latent.mu, 6 * latent.sigma, -math.inf, math.inf
            else:
                self.loc, self.range, self.low, self.high = latent.low, latent.high - latent.low, 0.0, 1.0
        self.centres = [self.centre(v) for v in observed]
        self.widths = [self.width(i, v) for i, v in enumerate(observed)]

    def line(self, value: float) -> float:
        """Map a value to its axis, zero of a log grid to minus infinity."""
        if self.is_log:
            value = math.log(value) if value > 0 else -math.inf
        return (value - self.loc) / self.range

    def has_wide_bin(self, value: float) -> bool:
        """Whether the bin of a value is wider than a fiftieth of the range."""
        return bool(self.q) and self.line(value + self.q / 2) - self.line(value - self.q / 2) > 0.02

    def bin(self, value: float) -> tuple[float, float]:
        """Return the ends of a value's bin on the axis."""
        low, high = self.line(value - self.q / 2), self.line(value + self.q / 2)
        return min(max(low, self.low), self.high), min(max(high, self.low), self.high)

    def centre(self, value: float) -> float:
        """Return the centre of a kernel."""
        if self.is_log and value == 0:
            low, high = self.bin(value)
            return (max(low, high - 1) + high) / 2
        return min(max(self.line(value), self.low), self.high)

    def width(self, i: int, value: float) -> float:
        """Return the bandwidth: the gap to the farther neighbour, clipped; half a bin at least."""
        ordered = sorted(range(len(self.centres)), key=lambda k: self.centres[k])
        place = ordered.index(i)
        near = [ordered[k] for k in (place - 1, place + 1) if 0 <= k < len(ordered)]
        gap = max((abs(self.centres[k] - self.centres[i]) for k in near), default=math.inf)
        width = min(max(gap, 0.03, (len(ordered) + 2) ** -2), 1.0)
        if self.q:
            low, high = self.line(value - self.q / 2), self.line(value + self.q / 2)
            half = (high - max(low, self.low if low == -math.inf else low)) / 2
            width = max(width, min(half, 1.0))
        return width

    def kernel(self, k: int, value: float) -> float:
        """Return the density of one kernel at a value, or the probability of its bin if that is wide."""
        mu, sigma = self.centres[k], self.widths[k]
        mass = phi((self.high - mu) / sigma) - phi((self.low - mu) / sigma)
        if self.has_wide_bin(value):
            low, high = self.bin(value)
            return (phi((high - mu) / sigma) - phi((low - mu) / sigma)) / mass
        z = (self.line(value) - mu) / sigma
        return math.exp(-z * z / 2) / (sigma * mass * math.sqrt(2 * math.pi))

    def prior(self, value: float) -> float:
        """Return the prior density at a value, or the probability of its bin if that is wide."""
        if self.has_wide_bin(value):
            low, high = self.bin(value)
            return phi(6 * high) - phi(6 * low) if self.is_normal else high - low
        return (
            6 * math.exp(-((6 * self.line(value)) ** 2) / 2) / math.sqrt(2 * math.pi)
            if self.is_normal
            else 1.0
        )


@pytest.mark.parametrize("kind", NUMERIC)
@pytest.mark.parametrize("n", [1, 2, 9])
def test_numeric_densities_agree_with_the_definition(kind: str, n: int) -> None:
    kernels, values = kernels_of(kind, n)
    reference = Reference(kind, list(values[:-1]))
    points = (
        possible(kernels.axis)[:60]
        if kernels.axis.grid_step
        else values_at(kernels.axis, np.linspace(0.01, 0.9, 7))
    )
    got = np.exp(kernels.log_density(points))
    want = [[*(reference.kernel(k, v) for k in range(n)), reference.prior(v)] for v in points]
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_continuous_densities_integrate_to_one(kind: str) -> None:
    kernels, _ = kernels_of(kind)
    line = kernels.axis
    ends = np.array([0.0, 1.0]) if math.isinf(line.prior_sigma) else np.array([-8.0, 8.0])
    nodes, weights = np.polynomial.legendre.leggauss(1000)
    x = ends[0] + (nodes + 1) / 2 * (ends[1] - ends[0])
    integral = (weights / 2 * (ends[1] - ends[0])) @ np.exp(kernels.log_density(values_at(line, x)))
    np.testing.assert_allclose(integral, 1, rtol=1e-9)


@pytest.mark.parametrize("kind", GRIDS)
def test_grid_probabilities_add_up_to_one(kind: str) -> None:
    kernels, _ = kernels_of(kind)
    total = kernels.probabilities(possible(kernels.axis)).sum(axis=0)
    # The grid of a normal has no end, and the density stands for the mean over narrow bins of a log grid.
    tolerance = 1e-9 if math.isinf(kernels.axis.prior_sigma) and not kernels.axis.is_log else 1e-2
    np.testing.assert_allclose(total, 1, rtol=tolerance)


@pytest.mark.parametrize("kind", NUMERIC)
def test_draws_follow_the_densities(kind: str) -> None:
    """Chi-square over 20 cells of equal probability, or over the values of a grid; for kernel and prior."""
    kernels, _ = kernels_of(kind, 3)
    line, n = kernels.axis, 4000
    for component in (0, 3):
        uniforms = np.random.default_rng(component).random(n)
        drawn = kernels.draw(np.full(n, component), uniforms)
        if line.grid_step:
            cells, places = np.unique(drawn, return_inverse=True)
            expected = n * kernels.probabilities(cells)[:, component]
        else:
            edges = np.linspace(coordinates_of(line, drawn).min(), coordinates_of(line, drawn).max(), 4001)
            middles = (edges[1:] + edges[:-1]) / 2
            density = np.exp(kernels.log_density(values_at(line, middles))[:, component])
            cumulative = np.cumsum(density * np.diff(edges))
            positions = np.interp(coordinates_of(line, drawn), edges[1:], cumulative)
            places = np.minimum((positions * 20).astype(int), 19)
            expected = np.full(20, n / 20)
        counts = np.bincount(places, minlength=len(expected))
        often = expected >= 5
        statistic = ((counts - expected)[often] ** 2 / expected[often]).sum()
        assert chdtrc(max(int(often.sum()) - 1, 1), statistic) > 1e-4
        assert expected[~often].sum() < 0.01 * n or counts[~often].sum() == pytest.approx(
            expected[~often].sum(), rel=0.5
        )


@pytest.mark.parametrize("kind", NUMERIC)
def test_draws_from_the_prior_component_follow_the_prior(kind: str) -> None:
    """A two-sample Kolmogorov-Smirnov test at the 0.1 % level."""
    distribution = Space(LEAVES[kind]("x")).parameters[0].distribution
    kernels, _ = kernels_of(kind, 2)
    rng, n = np.random.default_rng(5), 3000
    drawn = np.sort(kernels.draw(np.full(n, 2), rng.random(n)))
    sampled = np.sort([distribution.sample(rng) for _ in range(n)])
    at = np.unique(sampled)
    gaps = np.searchsorted(drawn, at, side="right") - np.searchsorted(sampled, at, side="right")
    assert np.abs(gaps).max() / n < 1.95 * math.sqrt(2 / n)


def test_several_axes_side_by_side_are_the_same_as_one_by_one() -> None:
    """Smooth and coarse axes, points and components that lack some of them."""
    rng = np.random.default_rng(2)
    distributions = sorted(
        (distribution_of(LEAVES[kind]("x")) for kind in NUMERIC), key=lambda d: section(axis(d))
    )
    values = np.array([[d.sample(rng) for _ in range(12)] for d in distributions])
    active, asked = rng.random(values.shape) < 0.8, rng.random(values.shape) < 0.8
    kernels = numeric_kernels(AxisTable([axis(d) for d in distributions]), values, active, [12])
    single = [numeric(d, values[j], active[j]) for j, d in enumerate(distributions)]
    want = sum(one.log_density(values[j]) * asked[j, :, None] for j, one in enumerate(single))
    np.testing.assert_allclose(kernels.log_density(values * asked, asked), want, rtol=1e-9, atol=1e-9)
    components, uniforms = rng.integers(12, size=50), rng.random((len(distributions), 50))
    drawn = kernels.draw(components, uniforms)
    for j, one in enumerate(single):
        np.testing.assert_array_equal(drawn[j], one.draw(components, uniforms[j]))


def test_groups_side_by_side_are_the_same_as_one_by_one() -> None:
    """Neighbours, counts and weights of one mixture do not depend on another."""
    space = Space({kind: make(kind) for kind, make in LEAVES.items()})
    rng, layout, history = np.random.default_rng(4), kernel_layout(space), History(space)
    values = np.array([history.encode(space.sample(rng))[0] for _ in range(20)])
    active = rng.random(values.shape) < 0.8
    groups = [np.arange(3, 8), np.array([9]), np.arange(10, 20)]
    together = fit(layout, values, active, groups, [bad_log_weights(len(g), 1.0) for g in groups])
    points = together.draw(rng.random((1 + len(space.parameters), 30)))
    asked = rng.random(points.shape) < 0.8
    for group, got in zip(groups, together.log_density(points * asked, asked), strict=True):
        alone = fit(layout, values, active, [group], [bad_log_weights(len(group), 1.0)])
        np.testing.assert_allclose(got, alone.log_density(points * asked, asked)[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_continuous_densities_agree_with_scipy(kind: str) -> None:
    """Truncated normals where the parameter was observed; far from the range of a normal as well."""
    kernels, _ = kernels_of(kind)
    line, numbers = kernels.axis, kernels.kernels
    assert isinstance(numbers, NumericKernels)
    places = [0.01, 0.4, 0.97] if math.isinf(line.prior_sigma) else [-500.0, -70.0, -3.0, 0.4, 63.0, 65.0]
    for x in (xs for xs in places if line.low <= xs <= line.high):
        got = kernels.log_density(values_at(line, np.array([x])))[0, :-1]
        mu, sigma = numbers.mu[0, :-1], numbers.sigma[0, :-1]
        want = truncnorm.logpdf(x, (line.low - mu) / sigma, (line.high - mu) / sigma, mu, sigma)
        np.testing.assert_allclose(got, want, rtol=1e-9)


def test_narrow_kernels_far_out_agree_with_scipy() -> None:
    """Ten thousand ranges from the mean, squares of coordinates lose the digits of a bandwidth."""
    line = axis(distribution_of(hp.normal("x", 0, 1)))
    x = 10_000 + np.linspace(0, 0.1, 5)
    kernels = numeric(distribution_of(hp.normal("x", 0, 1)), values_at(line, x), np.ones(5, dtype=bool))
    got = kernels.log_density(values_at(line, np.array([10_000.02])))[0]
    want = truncnorm.logpdf(10_000.02, -np.inf, np.inf, x, max(0.03, 7**-2))
    np.testing.assert_allclose(got, want, rtol=1e-8)


def test_a_fine_grid_is_treated_as_continuous() -> None:
    """For bins narrower than a fiftieth of the range, the density at a value replaces that of the bin."""
    values = np.array([3.0, 40.0, 41.0, 0.0])
    active = np.array([True, True, True, False])
    fine = numeric(distribution_of(hp.quniform("x", 0, 100, 1)), values, active)
    line = numeric(distribution_of(hp.uniform("x", 0, 100)), values, active)
    assert not has_wide_bins(fine.axis)
    np.testing.assert_allclose(fine.log_density(values), line.log_density(values), rtol=1e-12)
    assert has_wide_bins(axis(distribution_of(hp.quniform("x", 0, 40, 1))))
    assert has_wide_bins(axis(distribution_of(hp.qloguniform("x", 0, 7, 1))))
    assert not has_wide_bins(axis(distribution_of(hp.qloguniform("x", 5, 7, 1))))


@pytest.mark.parametrize(
    "node", [hp.quniform("x", 0, 100, 1), hp.uniformint("x", 1, 9), hp.qloguniform("x", 3, 5, 1)]
)
def test_on_any_grid_a_kernel_is_at_least_half_a_bin_wide(node: Any) -> None:
    """Else a long search, whose smallest bandwidth shrinks, would only repeat the values of good trials."""
    line = axis(distribution_of(node))
    values = np.full((1, 60), line.greatest - line.grid_step)
    active = np.ones(values.shape, dtype=bool)
    kernels = numeric_kernels(AxisTable([line]), values, active, [60], min_bandwidth=1e-5)
    np.testing.assert_allclose(kernels.sigma, Axes([line]).half_bins(values), rtol=1e-12)


def test_categorical_kernels_favour_the_observed_option_and_keep_the_prior() -> None:
    """Two observations and the prior: ``e = 1/3``, so (1 + 3 e p) / (1 + 3 e) with ``c e = 1``."""
    distribution = Categorical(probabilities=(0.5, 0.3, 0.2))
    kernels = categorical(distribution, np.array([0.0, 2.0, 0.0]), np.array([True, True, False]))
    want = [[0.75, 0.25, 0.5], [0.15, 0.15, 0.3], [0.1, 0.6, 0.2]]  # a row for each option
    np.testing.assert_allclose(np.exp(kernels.log_density(np.array([0.0, 1.0, 2.0]))), want, rtol=1e-12)


def test_categorical_densities_of_several_parameters_add_up_over_the_active_ones() -> None:
    """The matrix products give the sum over the single parameters."""
    distributions = [Categorical(probabilities=p) for p in ((0.5, 0.5), (0.2, 0.0, 0.8), (1.0,))]
    rng = np.random.default_rng(0)
    values = np.array([[d.sample(rng) for _ in range(9)] for d in distributions]).astype(float)
    active, asked = rng.random((3, 9)) < 0.7, rng.random((3, 9)) < 0.7
    kernels = categorical_kernels(build_option_table(distributions), values, active, [9])
    single = [categorical(d, values[j], active[j]) for j, d in enumerate(distributions)]
    want = sum(one.log_density(values[j]) * asked[j, :, None] for j, one in enumerate(single))
    np.testing.assert_allclose(kernels.log_density(values, asked), want, rtol=1e-12)


def test_categorical_draws_follow_the_densities_without_impossible_options() -> None:
    """An option with probability zero gets no weight, even if a history contains it."""
    distribution = Categorical(probabilities=(0.2, 0.0, 0.8, 0.0))
    kernels = categorical(distribution, np.array([1.0, 0.0, 2.0]), np.array([True, False, True]))
    n = 4000
    for component in (0, 1, 2):
        drawn = kernels.draw(np.full(n, component), np.random.default_rng(3).random(n))
        counts = np.bincount(drawn.astype(int), minlength=4)
        assert counts[1] == counts[3] == 0
        want = np.exp(kernels.log_density(np.array([0.0]))[0, component])
        assert counts[0] / n == pytest.approx(want, abs=0.025)


def test_rounding_admits_no_impossible_option() -> None:
    """Ten tenths add up to slightly less than 1 in floats, and a uniform may lie between."""
    distribution = Categorical(probabilities=(0.1,) * 10 + (0.0,))
    kernels = categorical(distribution, np.zeros(1), np.zeros(1, dtype=bool))
    assert kernels.draw([0], np.array([1 - 2.0**-53])) == 9


def test_mixture_shares_one_component_among_all_parameters() -> None:
    """With two tight clusters, drawn points keep the pairs, and mixed points are far less likely."""
    n = 20
    space = Space({"a": LEAVES["uniform"]("a"), "b": LEAVES["uniform"]("b")})
    values = np.array([[-1.5, 2.5], [2.5, -1.5]] * (n // 2))
    mixture = mixture_of(space, values, np.ones((n, 2), dtype=bool), bad_log_weights(n, 0.01))
    drawn = mixture.draw(np.random.default_rng(0).random((3, 500)))
    assert np.mean(drawn.prod(axis=0) < 0) > 0.9
    points = np.array([[-1.5, -1.5], [2.5, -1.5]])
    ((paired, mixed),) = mixture.log_density(points, np.ones((2, 2), dtype=bool))
    assert paired - mixed > 3


def test_mixture_density_is_the_weighted_sum_of_products() -> None:
    """Three components over two parameters, the second of which one component and one point lack."""
    space = Space({"a": LEAVES["uniform"]("a"), "b": LEAVES["randint"]("b")})
    values, active = np.array([[0.0, 3.0], [1.0, 0.0]]), np.array([[True, True], [True, False]])
    mixture = mixture_of(space, values, active, np.log([0.5, 0.5 / 3, 1 / 3]))
    a, b = Reference("uniform", [0.0, 1.0]), Reference("randint", [3.0])
    both = (
        1.5 * a.kernel(0, 0.3) * b.kernel(0, 5)
        + 0.5 * a.kernel(1, 0.3) * b.prior(5)
        + a.prior(0.3) * b.prior(5)
    ) / 3
    one = (1.5 * a.kernel(0, 0.3) + 0.5 * a.kernel(1, 0.3) + a.prior(0.3)) / 3
    (got,) = mixture.log_density(np.array([[0.3, 0.3], [5.0, 99.0]]), np.array([[True, True], [True, False]]))
    np.testing.assert_allclose(np.exp(got), [both, one], rtol=1e-6)


def test_mixture_without_observations_is_the_prior() -> None:
    space = Space({kind: make(kind) for kind, make in LEAVES.items()})
    empty = np.zeros((0, len(space.parameters)))
    mixture = mixture_of(space, empty, empty.astype(bool), good_log_weights(0, 1.0))
    points = mixture.draw(np.random.default_rng(0).random((1 + len(space.parameters), 5)))
    want = np.zeros(5)
    for column, row in zip(mixture.layout.columns, points, strict=True):
        distribution, none = space.parameters[column].distribution, np.zeros(1, dtype=bool)
        make = categorical if isinstance(distribution, Categorical) else numeric
        want += make(distribution, np.zeros(1), none).log_density(row)[:, 0]
    np.testing.assert_allclose(
        mixture.log_density(points, np.ones(points.shape, dtype=bool))[0], want, rtol=1e-6
    )


@pytest.mark.parametrize("kind", [*NUMERIC, "fine grid"])
def test_densities_are_finite_at_the_limits_of_floats(kind: str) -> None:
    node = LEAVES[kind]("x") if kind in LEAVES else hp.qnormal("x", 0, 1e250, 1e-60)
    distribution = Space(node).parameters[0].distribution
    assert not isinstance(distribution, Categorical)
    line = axis(distribution)
    values = np.clip([-1e308, -1e300, -1e10, 0.0, 5e-324, 1e10, 1e300, 1e308], line.least, line.greatest)
    kernels = numeric(distribution, values, np.ones(len(values), dtype=bool))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        density = kernels.log_density(values)
        drawn = kernels.draw(np.arange(len(values)), np.linspace(0, 1 - 2**-53, len(values)))
    assert np.all(np.isfinite(density))
    assert all(distribution.contains(value) for value in drawn.tolist())


def test_the_axis_of_an_extreme_normal_covers_its_draws() -> None:
    distribution = Space(hp.normal("x", 1e305, 1e300)).parameters[0].distribution
    assert isinstance(distribution, Numeric)
    line = axis(distribution)
    assert values_at(line, np.array([-6.5, 6.5])).tolist() == pytest.approx(
        [1e305 - 3.9e301, 1e305 + 3.9e301], rel=1e-9
    )


def test_the_axis_of_a_grid_excludes_values_that_no_draw_gives() -> None:
    """0.5 rounds to 0, but no draw from above 0.5 does. Zero has no sign."""
    for node, want in (
        (hp.quniform("x", 0.5, 2.5, 1), [1.0, 2.0]),
        (hp.quniform("x", -0.4, 1.2, 1), [0.0, 1.0]),
    ):
        distribution = Space(node).parameters[0].distribution
        assert isinstance(distribution, Numeric)
        ends = values_at(axis(distribution), np.array([0.0, 1.0]))
        assert ends.tolist() == want
        assert not np.signbit(ends).any()
