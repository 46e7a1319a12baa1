"""One mixture over a whole conditional tree of parameters.

A component is an observed trial: a product of one kernel for each parameter that the trial
had, and of the prior for each that it did not have (Falkner et al. 2018, "BOHB", for the
product form; one mixture for all branches, rather than one for each, lets a choice and what
hangs below it be drawn together). The last component is the prior itself. A point's density
is that of its active parameters alone::

    f(x) = sum_k w_k prod_{j active in x} f_kj(x_j)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from hpsearch.history import Bools, Floats
from hpsearch.space.distribution import Categorical
from hpsearch.space.tree import Space
from hpsearch.suggest.tpe.axis import Axis, axis
from hpsearch.suggest.tpe.kernels import Kernels, categorical_kernels, numeric_kernels


@dataclass(frozen=True, slots=True)
class Mixture:
    """``k`` product kernels over ``d`` parameters."""

    log_weights: Floats  #: (k,) with ``logsumexp(log_weights) == 0``
    kernels: tuple[Kernels, ...]  #: (d,) of ``k`` kernels each

    def log_density(self, values: Floats, active: Bools) -> Floats:
        """Log density of points.

        Parameters
        ----------
        values : (m, d) array
            Raw values that can occur; anything where inactive.
        active : (m, d) array of bool
            Which parameters each point has; the others do not count.

        Returns
        -------
        (m,) array
            With respect to each axis' ``x``, or to counting where a parameter is discrete.
        """
        logs = np.tile(self.log_weights, (len(values), 1))  # (m, k)
        for j, kernels in enumerate(self.kernels):
            rows = np.flatnonzero(active[:, j])
            if len(rows):
                logs[rows] += kernels.log_density(values[rows, j])
        return logsumexp(logs, axis=1)

    def draw(self, uniforms: Floats) -> Floats:
        """Return (m, d) raw values of all parameters, active or not, from (m, 1 + d) uniforms in [0, 1).

        The first column picks the component, which all parameters of a point share. Given
        the component they are independent, so that dropping afterwards what the drawn
        choices make inactive is the same as drawing down the tree.
        """
        cumulative = np.cumsum(np.exp(self.log_weights))
        components = np.searchsorted(cumulative / cumulative[-1], uniforms[:, 0], side="right")
        values = np.empty((len(uniforms), len(self.kernels)))
        for j, kernels in enumerate(self.kernels):
            values[:, j] = kernels.draw(components, uniforms[:, j + 1])
        return values


#: What kernels are placed on: a line, or the options of a choice.
Ground = Axis | Categorical


def grounds(space: Space) -> tuple[Ground, ...]:
    """Return the ground of each parameter of a space, in its order."""
    return tuple(
        p.distribution if isinstance(p.distribution, Categorical) else axis(p.distribution)
        for p in space.parameters
    )


def fit(
    grounds: tuple[Ground, ...], values: Floats, active: Bools, weights: Floats, prior_weight: float
) -> Mixture:
    """Build the mixture of some observations and the prior.

    Parameters
    ----------
    grounds : tuple of d grounds
        What ``grounds`` returned for the space.
    values : (n, d) array
        Raw values; anything where inactive.
    active : (n, d) array of bool
        Which parameters each observation had.
    weights : (n,) array
        Positive.
    prior_weight : float
        Weight of the prior component, positive.
    """
    # The prior is a component that had no parameter at all.
    values = np.vstack([values, np.zeros(len(grounds))])
    active = np.vstack([active, np.zeros(len(grounds), dtype=bool)])
    weights = np.append(weights, prior_weight)
    return Mixture(
        log_weights=np.log(weights / weights.sum()),
        kernels=tuple(_kernels(g, values[:, j], active[:, j]) for j, g in enumerate(grounds)),
    )


def _kernels(ground: Ground, values: Floats, active: Bools) -> Kernels:
    """Place the kernels of one parameter."""
    if isinstance(ground, Categorical):
        return categorical_kernels(ground, values, active)
    return numeric_kernels(ground, values, active)
