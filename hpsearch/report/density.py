"""What samples of a space look like, one parameter at a time: curves and bars, before anything is drawn.

A continuous parameter gets a kernel density estimate (Silverman 1986, section 2.4) of its latent
variable, which has one scale everywhere. Up to a bound that would leak half of each kernel, so
what falls beyond is reflected (section 2.10). A log parameter is shown twice: over the logarithm,
where ``loguniform`` is flat, and by the value itself, ``p(x) = p(log x) / x``, where the same
samples crowd at the low end. What has steps or options gets a bar for each, or for several
together where there are too many to tell apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gaussian_kde

from hpsearch.runtime.arithmetic import own_arithmetic
from hpsearch.space.distribution import (
    MAX_LOG,
    MIN_LOG,
    Categorical,
    Distribution,
    Normal,
    Numeric,
    Uniform,
    bounds_text,
)
from hpsearch.space.parameters import Parameter
from hpsearch.space.tree import Space, Values

Floats = NDArray[np.float64]

#: Fewer samples of a parameter make no picture.
MIN_SAMPLES = 10

#: Bars, and options with names, that a picture has room for.
MAX_BARS, MAX_OPTIONS = 40, 12

#: From this ratio of the largest to the smallest value on, bars stand on a log axis.
_WIDE = 100

#: Points of a curve.
_N_POINTS = 400

#: Numbers beyond this, and ranges below its inverse, are not drawn.
_END = 1e150

#: Half the width of a normal's axis in standard deviations; 0.05 % of the mass lies beyond.
_REACH = 3.5

#: Share of a heavy tail's samples, the largest, that would leave no room for the others.
_TAIL = 0.05

#: Leading share of an axis by value in which a density may leave the picture at the top: 1/x has no end.
_CROWD = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A density over an axis."""

    x: Floats  #: (m,) increasing; on a log axis positive
    density: Floats  #: (m,) mass for each unit of x, or for each decade on a log axis
    is_log: bool = False  #: whether the axis is logarithmic
    is_by_value: bool = False  #: whether this is the second view of a log parameter
    ceiling: float  #: what is worth showing; at the crowded end of an axis the density may be higher
    beyond: float = 0.0  #: share of the samples above the last x


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """How many samples lie between edges."""

    edges: Floats  #: (m + 1,) increasing, half-way between values
    n_steps: Floats  #: (m,) values that each bar stands for
    shares: Floats  #: (m,) of the samples
    is_log: bool  #: whether the axis is logarithmic
    beyond: float  #: share of the samples above the last edge

    @property
    def heights(self) -> Floats:
        """The share of one value, (m,), or of a decade on a log axis: bars may be of unequal width."""
        return self.shares / (np.diff(np.log10(self.edges)) if self.is_log else self.n_steps)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """How many samples have each option."""

    names: tuple[str, ...]  #: m options, as a person reads them
    shares: Floats  #: (m,) of the samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """There is nothing to show."""

    reason: str  #: in a few words for a person


Shape = Curve | Bars | Options | Nothing

_TOO_WIDE = Nothing(reason="the range fits on no axis")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """One picture of one parameter; a log parameter has two."""

    label: str
    distribution: str  #: its name: "loguniform"
    bounds: str  #: its range in words, in units of the value
    is_conditional: bool  #: whether choices decide if there is such a parameter
    active: float  #: share of all samples that have the parameter; the shape is of these alone
    shape: Shape


@own_arithmetic()
def space_panels(space: Space, samples: Sequence[Values]) -> tuple[Panel, ...]:
    """Return the pictures of a space's parameters, in their order, from at least one sample of it."""
    panels = []
    for parameter in space.parameters:
        label, distribution = parameter.label, parameter.distribution
        values = np.array([sample[label] for sample in samples if label in sample], dtype=float)
        panels += [
            Panel(
                label=label,
                distribution=distribution.name,
                bounds=bounds_text(distribution),
                is_conditional=parameter.paths != ((),),
                active=values.size / len(samples),
                shape=shape,
            )
            for shape in _shapes(space, parameter, values)
        ]
    return tuple(panels)


def _shapes(space: Space, parameter: Parameter, values: Floats) -> list[Shape]:
    """Return what there is to see of a parameter's values, (n,)."""
    if values.size < MIN_SAMPLES:
        return [Nothing(reason=f"{values.size} samples are too few")]
    match parameter.distribution:
        case Numeric(q=None) as distribution:
            return _curves(distribution, values)
        case Categorical(probabilities=probabilities) if len(probabilities) <= MAX_OPTIONS:
            return [_options(space, parameter.label, len(probabilities), values)]
        case distribution:
            return [_bars(distribution, values)]


def _options(space: Space, label: str, n_options: int, values: Floats) -> Options:
    """Return how often each option was drawn."""
    names = (str(space.params({label: index})[label]) for index in range(n_options))
    return Options(
        names=tuple(names), shares=np.bincount(values.astype(int), minlength=n_options) / values.size
    )


def _bars(distribution: Distribution, values: Floats) -> Shape:
    """Return how often each step of a grid was drawn, or each group of steps where there are many."""
    match distribution:
        case Numeric(q=float(q), is_log=is_log, latent=latent):
            has_tail = is_log and isinstance(latent, Normal)
        case _:
            q, is_log, has_tail = 1.0, False, False
    if q < 1 / _END or np.abs(values).max() > _END * min(q, 1.0):
        return _TOO_WIDE
    steps = np.round(values / q)
    low, high = steps.min(), steps.max()
    spread = np.geomspace if is_log and 0 < _WIDE * low <= high else np.linspace
    if has_tail and spread is np.linspace:
        high = np.quantile(steps, 1 - _TAIL, method="higher")
    n_bars = int(min(high - low + 1, MAX_BARS))
    edges = np.unique(np.round(spread(low, high + 1, n_bars + 1))).astype(np.float64) - 0.5
    return Bars(
        edges=edges * q,
        n_steps=np.diff(edges),
        shares=np.histogram(steps, edges)[0] / values.size,
        is_log=spread is np.geomspace,
        beyond=float(np.mean(steps > edges[-1])),
    )


def _curves(distribution: Numeric, values: Floats) -> list[Shape]:
    """Return the density of a continuous parameter; that of a log one over both its axes."""
    if np.ptp(values) == 0:
        return [Options(names=(f"{values[0]:g}",), shares=np.ones(1))]
    grid, bounds = _latent_axis(distribution.latent)
    x = np.exp(np.clip(grid, MIN_LOG, MAX_LOG)) if distribution.is_log else grid
    if not _has_room(x) or (distribution.is_log and not _has_room(1 / x)):
        return [_TOO_WIDE]
    density = _density(np.log(values) if distribution.is_log else values, grid, bounds)
    if not distribution.is_log:
        return [Curve(x=x, density=density, ceiling=density.max())]
    by_decade = density * math.log(10)
    over_log = Curve(x=x, density=by_decade, is_log=True, ceiling=by_decade.max())
    return [over_log, _by_value(x, density / x, values, has_tail=bounds is None)]


def _latent_axis(latent: Uniform | Normal) -> tuple[Floats, tuple[float, float] | None]:
    """Return the points to show of a latent variable, (m,), and its bounds if it has any."""
    match latent:
        case Uniform(low, high):
            return np.linspace(low, high, _N_POINTS), (low, high)
        case Normal(mu, sigma):
            return np.linspace(mu - _REACH * sigma, mu + _REACH * sigma, _N_POINTS), None


def _has_room(x: Floats) -> bool:
    """Whether an axis can hold these numbers: close to the range of floats there are no ticks."""
    return bool(np.abs(x).max() <= _END and np.ptp(x) >= 1 / _END)


def _density(z: Floats, grid: Floats, bounds: tuple[float, float] | None) -> Floats:
    """Estimate a density from samples ``z``, (n,), at the points of a grid, (m,), mirrored at bounds."""
    # In units of the grid, so that neither tiny nor huge ranges leave the range of floats.
    origin, width = grid[0], grid[-1] - grid[0]
    estimate = gaussian_kde((z - origin) / width)
    points = (grid - origin) / width
    total = estimate(points)
    if bounds is not None:
        total += estimate(-points) + estimate(2 - points)
    return np.asarray(total / width)


def _by_value(x: Floats, density: Floats, values: Floats, *, has_tail: bool) -> Curve:
    """Return the density of a log parameter's value itself, without most of a heavy tail."""
    end = np.quantile(values, 1 - _TAIL) if has_tail else x[-1]
    x, density = x[x <= end], density[x <= end]
    ceiling = density[x >= x[0] + _CROWD * (x[-1] - x[0])].max()
    return Curve(x=x, density=density, is_by_value=True, ceiling=ceiling, beyond=float(np.mean(values > end)))
