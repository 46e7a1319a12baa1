"""Histograms of samples of a space, one parameter at a time, before anything is drawn.

A log parameter has two: over the logarithm, where ``loguniform`` is flat, and by value, where the same
samples crowd at the low end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.runtime.numerics import isolated_numerics
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

#: Fewer samples of a parameter are not drawn.
MIN_SAMPLES = 10

#: Bars, and options with names, that fit into a picture.
MAX_BARS, MAX_OPTIONS = 40, 12

#: Ratio of the largest to the smallest step from which bars get a log axis.
_WIDE = 100

#: Larger numbers, and ranges below its inverse, are not drawn: matplotlib finds no ticks for them.
_MAX_DRAWN = 1e150

#: Half the width of a normal's axis in standard deviations; 0.05 % of the mass lies outside.
_HALF_WIDTH = 3.5

#: Share of the largest samples of a heavy tail that an axis leaves out.
_TAIL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bars:
    """The share of the samples between edges."""

    edges: Floats  #: (m + 1,) increasing
    n_steps: Floats  #: (m,) values in each bar of a stepped parameter; 1 for a continuous one
    shares: Floats  #: (m,) of the samples
    is_log: bool  #: whether the axis is logarithmic

    @property
    def heights(self) -> Floats:
        """The share of one value, (m,), or of a decade on a log axis, since bars may differ in width."""
        return self.shares / (np.diff(np.log10(self.edges)) if self.is_log else self.n_steps)

    @property
    def outside(self) -> float:
        """The share of the samples outside the edges."""
        return 1 - float(self.shares.sum())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Options:
    """The share of the samples with each option."""

    names: tuple[str, ...]  #: m options, as a person reads them
    shares: Floats  #: (m,) of the samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """There is nothing to draw."""

    reason: str  #: in a few words for a person


Shape = Bars | Options | Nothing

_TOO_WIDE = Nothing(reason="the range fits on no axis")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """One picture of one parameter; a log parameter has two."""

    label: str
    view: str  #: the name of the distribution, or "by value" for the second picture of a log parameter
    bounds: str  #: the range in words
    is_conditional: bool  #: whether the parameter is only active under some options
    remark: str  #: what may surprise in the picture; empty if nothing
    active: float  #: share of all samples that have the parameter; ``shape`` describes only these
    shape: Shape


@isolated_numerics()
def space_panels(space: Space, samples: Sequence[Values]) -> tuple[Panel, ...]:
    """Return the pictures of a space's parameters, in their order.

    Parameters
    ----------
    space : Space
        The space.
    samples : sequence of Values
        At least one sample of it.
    """
    panels = []
    for parameter in space.parameters:
        label, distribution = parameter.label, parameter.distribution
        values = np.array([sample[label] for sample in samples if label in sample], dtype=float)
        panels += [
            Panel(
                label=label,
                view=view,
                bounds=bounds_text(distribution),
                is_conditional=parameter.paths != ((),),
                remark=_remark(distribution),
                active=values.size / len(samples),
                shape=shape,
            )
            for view, shape in zip(
                (distribution.name, "by value"), _shapes(space, parameter, values), strict=False
            )
        ]
    return tuple(panels)


def _remark(distribution: Distribution) -> str:
    """Return why the bars at the ends have half the height of the others, if they have."""
    match distribution:
        case Numeric(latent=Uniform(low, high), is_log=False, q=float(q)) if low % q == 0 and high % q == 0:
            return "ends half as likely: Hyperopt's rounding"
    return ""


def _shapes(space: Space, parameter: Parameter, values: Floats) -> list[Shape]:
    """Return the histograms of a parameter's values, (n,): one, or two of a log parameter."""
    if values.size < MIN_SAMPLES:
        return [Nothing(reason=f"{values.size} samples are too few")]
    match parameter.distribution:
        case Numeric(q=None) as distribution:
            return _continuous(distribution, values)
        case Categorical(probabilities=probabilities) if len(probabilities) <= MAX_OPTIONS:
            return [_options(space, parameter.label, len(probabilities), values)]
        case distribution:
            return [_steps(distribution, values)]


def _options(space: Space, label: str, n_options: int, values: Floats) -> Options:
    names = (str(space.params({label: index})[label]) for index in range(n_options))
    return Options(
        names=tuple(names), shares=np.bincount(values.astype(int), minlength=n_options) / values.size
    )


def _continuous(distribution: Numeric, values: Floats) -> list[Shape]:
    """Return the histogram of a continuous parameter; of a log one over its logarithm and by value."""
    if np.ptp(values) == 0:
        return [Options(names=(f"{values[0]:g}",), shares=np.ones(1))]
    match distribution.latent:
        case Uniform(low, high):
            pass
        case Normal(mu, sigma):
            low, high = mu - _HALF_WIDTH * sigma, mu + _HALF_WIDTH * sigma
    edges = np.linspace(low, high, MAX_BARS + 1)
    if not distribution.is_log:
        return [_bars(values, edges)] if _has_ticks(edges) else [_TOO_WIDE]
    edges = np.exp(np.clip(edges, MIN_LOG, MAX_LOG))
    if not (_has_ticks(edges) and _has_ticks(1 / edges)):
        return [_TOO_WIDE]
    has_tail = isinstance(distribution.latent, Normal)
    end = np.quantile(values, 1 - _TAIL) if has_tail else edges[-1]
    return [_bars(values, edges, is_log=True), _bars(values, np.linspace(edges[0], end, MAX_BARS + 1))]


def _has_ticks(x: Floats) -> bool:
    return bool(np.abs(x).max() <= _MAX_DRAWN and np.ptp(x) >= 1 / _MAX_DRAWN)


def _bars(values: Floats, edges: Floats, *, is_log: bool = False) -> Bars:
    edges = np.unique(edges)
    shares = np.histogram(values, edges)[0] / values.size
    return Bars(edges=edges, n_steps=np.ones_like(shares), shares=shares, is_log=is_log)


def _steps(distribution: Distribution, values: Floats) -> Shape:
    """Return a bar for each step of a grid, or for each group of steps if there are many."""
    match distribution:
        case Numeric(q=float(q), is_log=is_log, latent=latent):
            has_tail = is_log and isinstance(latent, Normal)
        case _:
            q, is_log, has_tail = 1.0, False, False
    if q < 1 / _MAX_DRAWN or np.abs(values).max() > _MAX_DRAWN * min(q, 1.0):
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
    )
