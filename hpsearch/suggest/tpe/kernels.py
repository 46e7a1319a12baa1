"""The kernels of one parameter: one for each component of a mixture.

A component that did not have the parameter, or is the prior component, contributes the
parameter's own prior here: a row of ``active`` is false. Everything is an array over the
components; nothing loops over them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hpsearch.history import Bools, Floats
from hpsearch.space.distribution import Categorical
from hpsearch.suggest.tpe.axis import Axis
from hpsearch.suggest.tpe.gauss import LOG_SQRT_2PI, log_interval, quantile

#: No kernel is narrower than this share of the range, however many observations there are.
MIN_BANDWIDTH = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericKernels:
    """Normal kernels on an axis, each truncated to its range."""

    axis: Axis
    mu: Floats  #: (k,) centres in ``x``, inside the range
    sigma: Floats  #: (k,) bandwidths in ``x``
    active: Bools  #: (k,) false where the component contributes the prior

    @property
    def mass_below(self) -> Floats:
        """(k,) probability that each kernel had below the range before it was truncated."""
        return ndtr((self.axis.low - self.mu) / self.sigma)

    @property
    def mass(self) -> Floats:
        """(k,) probability that each kernel had inside the range before it was truncated."""
        # The centre lies inside, so the two terms straddle 1/2: no cancellation.
        return ndtr((self.axis.high - self.mu) / self.sigma) - self.mass_below

    def log_density(self, values: Floats) -> Floats:
        """Log density in ``x`` of each component at each value; on a grid, log probability of its bin.

        Parameters
        ----------
        values : (m,) array
            Raw values that can occur.

        Returns
        -------
        (m, k) array
            Finite.
        """
        if self.axis.step:
            points, places = np.unique(values, return_inverse=True)  # candidates crowd on a few of them
            low, high = ((ends[:, None] - self.mu) / self.sigma for ends in self.axis.bins(points))
            kernels = (log_interval(low, high) - np.log(self.mass))[places]
        else:
            z = (self.axis.coordinates(values)[:, None] - self.mu) / self.sigma
            kernels = -0.5 * z * z - (LOG_SQRT_2PI + np.log(self.sigma * self.mass))
        return np.where(self.active, kernels, self.axis.prior_log_density(values)[:, None])

    def draw(self, components: NDArray[np.intp], uniforms: Floats) -> Floats:
        """Return (m,) values, one from each of the (m,) components, by the inverse distribution function.

        Parameters
        ----------
        components : (m,) array of int
            Numbers of components.
        uniforms : (m,) array
            In [0, 1).
        """
        p = self.mass_below[components] + uniforms * self.mass[components]
        x = self.mu[components] + self.sigma[components] * quantile(p)
        return self.axis.values(np.where(self.active[components], x, self.axis.prior_quantile(uniforms)))


@dataclass(frozen=True, slots=True)
class CategoricalKernels:
    """Probabilities of the options."""

    probabilities: Floats  #: (k, c) one row for each component, adding up to 1

    def log_density(self, values: Floats) -> Floats:
        """Log probability of each component at each of (m,) option indices, an (m, k) array."""
        with np.errstate(divide="ignore"):  # an option of probability 0 is never asked for
            return np.asarray(np.log(self.probabilities[:, values.astype(np.intp)].T))

    def draw(self, components: NDArray[np.intp], uniforms: Floats) -> Floats:
        """Return (m,) option indices, one from each of the (m,) components; see ``NumericKernels.draw``."""
        cumulative = np.cumsum(self.probabilities, axis=1)[components]
        cumulative /= cumulative[:, -1:]  # ends in exactly 1, so that rounding lets no impossible option in
        options: Floats = (uniforms[:, None] >= cumulative).sum(axis=1).astype(np.float64)
        return options


Kernels = NumericKernels | CategoricalKernels


def numeric_kernels(axis: Axis, values: Floats, active: Bools) -> NumericKernels:
    """Place a kernel on each observation.

    The bandwidth is the distance to the farther of the two neighbours on the line (Bergstra
    et al. 2011, "Algorithms for hyper-parameter optimization", section 4; ends of the range
    are no neighbours), at least ``max(0.03, (K + 2)^-2)`` and at most 1, the range (the magic
    clipping of Watanabe 2023, arXiv 2304.11127, with its exponent at 2). On a grid it is at
    least half a bin: narrower, a value would forget its neighbours.

    Parameters
    ----------
    axis : Axis
        The line of the parameter.
    values : (k,) array
        Raw values; anything where inactive.
    active : (k,) array of bool
        Which components observed the parameter; ``K`` is their number.
    """
    mu, sigma = np.zeros(len(values)), np.ones(len(values))
    seen = values[active]
    x = axis.coordinates(seen)
    narrowest = max(MIN_BANDWIDTH, (len(x) + 2.0) ** -2)
    bandwidths = np.clip(_gaps(x), narrowest, 1.0)
    mu[active] = x
    if axis.step:
        bandwidths = np.maximum(bandwidths, np.minimum(axis.half_bins(seen), 1.0))
    sigma[active] = bandwidths
    return NumericKernels(axis=axis, mu=mu, sigma=sigma, active=active)


def categorical_kernels(distribution: Categorical, values: Floats, active: Bools) -> CategoricalKernels:
    """Put weight on the option that each observation had, and the rest on the prior.

    With ``c`` options of prior ``p`` and ``e = 1 / (K + 1)``, option ``j`` has the probability
    ``(1[j observed] + e c p_j) / (1 + e c)``: sharper as observations come in, but never so
    sharp that a choice with much below it locks on one branch.

    Parameters
    ----------
    distribution : Categorical
        The prior.
    values : (k,) array
        Option indices; anything where inactive.
    active : (k,) array of bool
        Which components observed the parameter; ``K`` is their number.
    """
    prior = np.asarray(distribution.probabilities)
    rows = np.flatnonzero(active)
    observed = np.zeros((len(values), len(prior)))
    observed[rows, values[rows].astype(np.intp)] = 1.0
    observed[:, prior == 0] = 0.0  # an option that cannot occur attracts nothing
    pseudo = len(prior) / (len(rows) + 1.0)
    counts = observed + pseudo * prior
    return CategoricalKernels(counts / counts.sum(axis=1, keepdims=True))


def _gaps(x: Floats) -> Floats:
    """Return the distance of each of (n,) points to the farther of its neighbours; infinite for one alone."""
    if len(x) < 2:
        return np.full(len(x), np.inf)
    order = np.argsort(x, kind="stable")
    between = np.diff(x[order])
    gaps = np.empty(len(x))
    gaps[order] = np.maximum(np.append(between, 0.0), np.append(0.0, between))
    return gaps
