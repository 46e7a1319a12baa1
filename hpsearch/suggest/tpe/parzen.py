"""Parzen estimator: one mixture density over the conditional tree of parameters.

A component is an observed trial: the product of a kernel for each parameter that the trial had, and of the
prior for each that it lacked. The product form is that of Falkner et al. 2018, "BOHB", arXiv 1807.01774; one
mixture for all branches draws a choice together with its subspace. The last component is the prior. The
density of a point uses its active parameters alone::

    f(x) = sum_k w_k prod_{j active in x} f_kj(x_j)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats
from hpsearch.space.distribution import Categorical
from hpsearch.space.tree import Space
from hpsearch.suggest.tpe.axis import axis
from hpsearch.suggest.tpe.choices import (
    CategoricalKernels,
    OptionTable,
    build_option_table,
    categorical_kernels,
)
from hpsearch.suggest.tpe.kernels import (
    MIN_BANDWIDTH,
    AxisTable,
    NumericKernels,
    build_axis_table,
    is_coarse,
    numeric_kernels,
)

Columns = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class KernelLayout:
    """How kernels are arranged over the ``d`` parameters of a space."""

    numeric: Columns  #: (p,) columns of the numeric parameters, in the order of ``axis_table``
    axis_table: AxisTable
    categorical: Columns  #: (q,) columns of the choices, in the order of ``option_table``
    option_table: OptionTable


def kernel_layout(space: Space) -> KernelLayout:
    """Return the layout of kernels for a space."""
    axes, choices = {}, {}
    nested = {condition.label for p in space.parameters for path in p.paths for condition in path}
    for column, parameter in enumerate(space.parameters):
        if isinstance(parameter.distribution, Categorical):
            choices[column] = parameter.distribution
        else:
            axes[column] = axis(parameter.distribution)
    numeric = sorted(axes, key=lambda column: is_coarse(axes[column]))
    return KernelLayout(
        numeric=np.array(numeric, dtype=np.intp),
        axis_table=build_axis_table([axes[column] for column in numeric]),
        categorical=np.array(list(choices), dtype=np.intp),
        option_table=build_option_table(
            list(choices.values()), [space.parameters[column].label in nested for column in choices]
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """``k`` product kernels over ``d`` parameters."""

    layout: KernelLayout
    log_weights: Floats  #: (k,) normalized: ``logsumexp(log_weights) == 0``
    numeric: NumericKernels  #: of ``k`` components on ``p`` axes
    categorical: CategoricalKernels  #: of ``k`` components and ``q`` parameters

    def log_density(self, values: Floats, active: Bools) -> Floats:
        """Return the log density of points.

        Parameters
        ----------
        values : (m, d) array
            Raw values that can occur; 0 where inactive.
        active : (m, d) array of bool
            Which parameters are active; the others do not count.

        Returns
        -------
        (m,) array
            With respect to ``x`` on continuous axes, and to counting for discrete parameters.
        """
        numeric, categorical = self.layout.numeric, self.layout.categorical
        logs = self.numeric.log_density(values[:, numeric], active[:, numeric])  # (m, k)
        logs += self.categorical.log_density(values[:, categorical], active[:, categorical])
        logs += self.log_weights
        highest: Floats = logs.max(axis=1)
        logs -= highest[:, None]
        sums: Floats = np.exp(logs, out=logs).sum(axis=1)
        return highest + np.log(sums)

    def draw(self, uniforms: Floats) -> Floats:
        """Draw (m, d) raw values of all parameters, active or not, from (m, 1 + d) uniforms in [0, 1).

        The first column selects the component of each point. Given the component, parameters are
        independent, so dropping inactive ones afterwards is equivalent to drawing down the tree.
        """
        cumulative = np.cumsum(np.exp(self.log_weights))
        components = np.searchsorted(cumulative / cumulative[-1], uniforms[:, 0], side="right")
        numeric, categorical = self.layout.numeric, self.layout.categorical
        values = np.empty((len(uniforms), uniforms.shape[1] - 1))
        values[:, numeric] = self.numeric.draw(components, uniforms[:, 1 + numeric])
        values[:, categorical] = self.categorical.draw(components, uniforms[:, 1 + categorical])
        return values


def fit(
    layout: KernelLayout,
    values: Floats,
    active: Bools,
    weights: Floats,
    prior_weight: float,
    min_bandwidth: float = MIN_BANDWIDTH,
) -> Mixture:
    """Build the mixture of some observations and the prior.

    Parameters
    ----------
    layout : KernelLayout
        Layout of the space.
    values : (n, d) array
        Raw values; 0 where inactive.
    active : (n, d) array of bool
        Which parameters each observation had.
    weights : (n,) array
        Weights of the observations; positive, in any unit.
    prior_weight : float
        Weight of the prior component in the same unit; positive.
    min_bandwidth : float
        Of the numeric kernels, in units of the range; positive.
    """
    # The prior is a component without any parameter.
    values = np.vstack([values, np.zeros(values.shape[1])])
    active = np.vstack([active, np.zeros(values.shape[1], dtype=bool)])
    weights = np.append(weights, prior_weight)
    numeric, categorical = layout.numeric, layout.categorical
    return Mixture(
        layout=layout,
        log_weights=np.log(weights / weights.sum()),
        numeric=numeric_kernels(layout.axis_table, values[:, numeric], active[:, numeric], min_bandwidth),
        categorical=categorical_kernels(layout.option_table, values[:, categorical], active[:, categorical]),
    )
