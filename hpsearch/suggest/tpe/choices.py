"""The kernels of the categorical parameters: probabilities of the options.

A component that observed option ``j`` of a parameter with ``c`` options of prior ``p`` gives
option ``i`` the probability ``(1[i = j] + e c p_i) / (1 + e c)``, with ``e = 1 / (K + 1)`` when
``K`` components observed the parameter: sharper as observations come in, but never so sharp
that a choice with much below it locks on one branch. One that did not observe it contributes
``p``. So the logarithm takes two values for an option, whichever it is that was observed, and
sums over all parameters are products of matrices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats
from hpsearch.space.distribution import Categorical
from hpsearch.suggest.tpe.gauss import LEAST


@dataclass(frozen=True, slots=True)
class OptionTable:
    """The priors of ``q`` categorical parameters, side by side."""

    prior: Floats  #: (q, o) probability of each option; 0 beyond a parameter's own
    cumulative: Floats  #: (q, o) of the options up to each; exactly 1 from the last possible one on
    n_options: Floats  #: (q,)
    first: NDArray[np.intp]  #: (q,) number of the first option when those of all are numbered through


def build_option_table(distributions: Sequence[Categorical]) -> OptionTable:
    """Return the priors of categorical parameters side by side."""
    sizes = np.array([len(d.probabilities) for d in distributions], dtype=np.intp)
    prior = np.zeros((len(sizes), int(sizes.max(initial=0))))
    for row, distribution in zip(prior, distributions, strict=True):
        row[: len(distribution.probabilities)] = distribution.probabilities
    cumulative = np.cumsum(prior, axis=1)
    cumulative /= cumulative[:, -1:]  # ends in exactly 1, so that rounding lets no impossible option in
    return OptionTable(prior, cumulative, sizes.astype(np.float64), np.cumsum(sizes) - sizes)


@dataclass(frozen=True, slots=True)
class CategoricalKernels:
    """Probabilities that ``k`` components give the options of ``q`` parameters."""

    option_table: OptionTable  #: the priors
    options: NDArray[np.intp]  #: (k, q) index of the option that each component observed
    active: Bools  #: (k, q) false where the component contributes the prior
    pseudo: Floats  #: (q,) the weight ``e c`` of the prior beside one observation

    def log_density(self, values: Floats, active: Bools) -> Floats:
        """Sum over the parameters of the log probabilities that each component gives each point.

        Parameters
        ----------
        values : (m, q) array
            Option indices that can occur; 0 where inactive.
        active : (m, q) array of bool
            Which parameters each point has; the others do not count.

        Returns
        -------
        (m, k) array
            Finite.
        """
        options = values.astype(np.intp)
        p = self.option_table.prior[np.arange(len(self.pseudo)), options]  # (m, q)
        share = self.pseudo * p
        unseen = np.log(np.maximum(share / (1 + self.pseudo), LEAST))
        bonus = np.log((1 + share) / (1 + self.pseudo)) - unseen
        prior = np.log(np.maximum(p, LEAST))
        logs: Floats = (prior * active).sum(axis=1, keepdims=True) + (
            (unseen - prior) * active
        ) @ self.active.T
        return logs + self._one_hot(options, bonus * active) @ self._one_hot(self.options, self.active).T

    def draw(self, components: NDArray[np.intp], uniforms: Floats) -> Floats:
        """Return (m, q) option indices; see ``NumericKernels.draw``."""
        # The observed option takes the first 1 / (1 + e c) of the uniforms, the prior the rest.
        keeps = self.active[components] / (1 + self.pseudo)
        rest = np.clip((uniforms - keeps) / (1 - keeps), 0.0, 1 - 2**-53)
        drawn = (rest[:, :, None] >= self.option_table.cumulative).sum(axis=2)
        options: Floats = np.where(uniforms < keeps, self.options[components], drawn).astype(np.float64)
        return options

    def _one_hot(self, options: NDArray[np.intp], weights: Floats | Bools) -> Floats:
        """Return an (n, total options) table with (n, q) weights in the places of (n, q) options."""
        table = np.zeros((len(options), int(self.option_table.n_options.sum())))
        np.put_along_axis(table, self.option_table.first + options, weights.astype(np.float64), axis=1)
        return table


def categorical_kernels(option_table: OptionTable, values: Floats, active: Bools) -> CategoricalKernels:
    """Put weight on the option that each observation had, and the rest on the prior.

    Parameters
    ----------
    option_table : OptionTable
        The priors of ``q`` parameters.
    values : (k, q) array
        Option indices; 0 where inactive.
    active : (k, q) array of bool
        Which components observed each parameter.
    """
    pseudo = option_table.n_options / (active.sum(axis=0) + 1.0)
    options = values.astype(np.intp)
    # An option that cannot occur attracts nothing.
    is_possible = option_table.prior[np.arange(len(pseudo)), options] > 0
    return CategoricalKernels(option_table, options, active & is_possible, pseudo)
