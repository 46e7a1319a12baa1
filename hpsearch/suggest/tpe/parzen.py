"""Parzen estimator: one mixture density over the conditional tree of parameters.

A component is an observed trial: the product of a kernel for each parameter that the trial had, and of the
prior for each that it lacked. The product form is that of Falkner et al. 2018, "BOHB", arXiv 1807.01774; one
mixture for all branches draws a choice together with its subspace. The last component is the prior. The
density of a point uses its active parameters alone::

    f(x) = sum_k w_k prod_{j active in x} f_kj(x_j)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats
from hpsearch.space.distribution import Categorical
from hpsearch.space.tree import Space
from hpsearch.suggest.tpe.activation import Activation, activation_of
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
    numeric_kernels,
    section,
)

Columns = NDArray[np.intp]

#: Logarithm of a term that does not change a sum with a term of 1.
_NEGLIGIBLE = -80.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelLayout:
    """How kernels are arranged over the ``d`` parameters of a space: in rows, the numeric ones first."""

    columns: Columns  #: (d,) column of each row's parameter
    rows: Columns  #: (d,) row of each column's parameter
    axis_table: AxisTable  #: of the first ``p`` rows
    option_table: OptionTable  #: of the other ``q`` rows
    activation: Activation  #: which rows are active, by row


def kernel_layout(space: Space) -> KernelLayout:
    """Return the layout of kernels for a space."""
    axes, choices = {}, {}
    nested = {condition.label for p in space.parameters for path in p.paths for condition in path}
    for column, parameter in enumerate(space.parameters):
        if isinstance(parameter.distribution, Categorical):
            choices[column] = parameter.distribution
        else:
            axes[column] = axis(parameter.distribution)
    numeric = sorted(axes, key=lambda column: section(axes[column]))
    columns = np.array([*numeric, *choices], dtype=np.intp)
    rows = np.argsort(columns)
    return KernelLayout(
        columns=columns,
        rows=rows,
        axis_table=AxisTable([axes[column] for column in numeric]),
        option_table=build_option_table(
            list(choices.values()), [space.parameters[column].label in nested for column in choices]
        ),
        activation=activation_of(space, columns.tolist()),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixtures:
    """Mixtures of product kernels over ``d`` parameters, side by side: ``k`` components in all."""

    layout: KernelLayout
    sizes: Sequence[int]  #: number of components of each mixture
    log_weights: Floats  #: (k,) normalized in each mixture: ``logsumexp(log_weights) == 0``
    numeric: NumericKernels  #: of ``k`` components on ``p`` axes
    categorical: CategoricalKernels  #: of ``k`` components and ``q`` parameters

    def log_density(self, values: Floats, active: Bools) -> Floats:
        """Return the log density of points under each mixture.

        Parameters
        ----------
        values : (d, m) array
            Raw values that can occur, in the rows of the layout; 0 where inactive.
        active : (d, m) array of bool
            Which parameters are active; the others do not count.

        Returns
        -------
        (mixtures, m) array
            With respect to ``x`` on continuous axes, and to counting for wide bins and options.
        """
        p = len(self.numeric.mu)
        logs = self.numeric.log_density(values[:p], active[:p])  # (m, k)
        logs += self.categorical.log_density(values[p:], active[p:])
        logs += self.log_weights
        found = np.empty((len(self.sizes), len(logs)))
        for i, (start, end) in enumerate(pairwise([0, *accumulate(self.sizes)])):
            own = logs[:, start:end]
            highest = own.max(axis=1)
            own -= highest[:, None]
            np.maximum(own, _NEGLIGIBLE, out=own)
            # Of a sum whose largest term is 1, single precision keeps enough, and takes a fifth of the time.
            sums = np.exp(own.astype(np.float32)).sum(axis=1, dtype=np.float64)
            np.add(highest, np.log(sums), out=found[i])
        return found

    def draw(self, uniforms: Floats) -> Floats:
        """Draw points from the first mixture.

        Given the component, parameters are independent, so dropping inactive ones afterwards is equivalent to
        drawing down the tree.

        Parameters
        ----------
        uniforms : (1 + d, m) array
            In [0, 1). The first row selects the component of each point; the others are in the order of the
            space's parameters.

        Returns
        -------
        (d, m) array
            Raw values of all parameters, active or not, in the rows of the layout.
        """
        cumulative = np.cumsum(np.exp(self.log_weights[: self.sizes[0]]))
        components = np.searchsorted(cumulative / cumulative[-1], uniforms[0], side="right")
        uniforms = uniforms.take(1 + self.layout.columns, axis=0)
        p = len(self.numeric.mu)
        return np.concatenate(
            [
                self.numeric.draw(components, uniforms[:p]),
                self.categorical.draw(components, uniforms[p:]),
            ]
        )


def fit(
    layout: KernelLayout,
    values: Floats,
    active: Bools,
    groups: Sequence[Columns],
    log_weights: Sequence[Floats],
    min_bandwidth: float = MIN_BANDWIDTH,
) -> Mixtures:
    """Build a mixture of some observations and the prior for each of several groups.

    Parameters
    ----------
    layout : KernelLayout
        Layout of the space.
    values : (n, d) array
        Raw values; 0 where inactive.
    active : (n, d) array of bool
        Which parameters each observation had.
    groups : sequence of arrays of int
        The observations of each mixture.
    log_weights : sequence of arrays
        For each mixture the log weights of its observations and, last, of the prior; see ``with_prior``.
    min_bandwidth : float
        Of the numeric kernels, in units of the range; positive.
    """
    # The prior is a component without any parameter, the last of each mixture.
    sizes = [len(group) + 1 for group in groups]
    priors = np.cumsum(sizes) - 1
    rows = np.zeros(sum(sizes), dtype=np.intp)
    for group, prior in zip(groups, priors.tolist(), strict=True):
        rows[prior - len(group) : prior] = group
    if len(values):
        observed, mask = values.take(rows, axis=0), active.take(rows, axis=0)
        observed[priors], mask[priors] = 0.0, False
    else:
        observed = np.zeros((len(rows), values.shape[1]))
        mask = observed > 0
    by_row, is_active = observed.T.take(layout.columns, axis=0), mask.T.take(layout.columns, axis=0)
    p = len(layout.axis_table.low)
    return Mixtures(
        layout=layout,
        sizes=sizes,
        log_weights=np.concatenate(log_weights),
        numeric=numeric_kernels(layout.axis_table, by_row[:p], is_active[:p], sizes, min_bandwidth),
        categorical=categorical_kernels(layout.option_table, by_row[p:], is_active[p:], sizes),
    )
