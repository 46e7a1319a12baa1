"""Kernels of categorical parameters: probabilities of the options.

A component that observed option ``j`` of a parameter with ``c`` options of prior ``p`` gives option ``i`` the
probability ``(1[i = j] + e c p_i) / (1 + e c)``, with ``e = 1 / (K + 1)`` when ``K`` components observed the
parameter. With a uniform prior this is an Aitchison-Aitken kernel. It sharpens with the number of
observations, but slowly enough that a choice with a large subspace does not lock on one branch.
A component that did not observe the parameter contributes ``p``. For each option the logarithm has only two
values, so sums over all parameters are matrix products.
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

    prior: Floats  #: (q, o) probability of each option; 0 in columns beyond a parameter's options
    cumulative: Floats  #: (q, o) cumulative probability; exactly 1 from the last possible option on
    n_options: Floats  #: (q,)
    #: (q,) largest weight of the prior beside one observation. Without a bound, observations of a choice of a
    #: hundred options would say nothing; below a nested one, more than the option is at stake.
    largest_pseudo: Floats
    first: NDArray[np.intp]  #: (q,) index of each parameter's first option among the options of all


def build_option_table(distributions: Sequence[Categorical], is_nested: Sequence[bool] = ()) -> OptionTable:
    """Return the priors of categorical parameters side by side.

    Parameters
    ----------
    distributions : sequence of q Categorical
        The priors.
    is_nested : sequence of q bool
        Which of them have parameters below their options; by default none.
    """
    sizes = np.array([len(d.probabilities) for d in distributions], dtype=np.intp)
    prior = np.zeros((len(sizes), int(sizes.max(initial=0))))
    for row, distribution in zip(prior, distributions, strict=True):
        row[: len(distribution.probabilities)] = distribution.probabilities
    cumulative = np.cumsum(prior, axis=1)
    cumulative /= cumulative[:, -1:]  # exactly 1 at the end, so that rounding admits no impossible option
    largest = (
        np.where(np.array(is_nested, dtype=bool), np.inf, 1.0) if len(is_nested) else np.ones(len(sizes))
    )
    return OptionTable(prior, cumulative, sizes.astype(np.float64), largest, np.cumsum(sizes) - sizes)


@dataclass(frozen=True, slots=True)
class CategoricalKernels:
    """Probabilities of the options of ``q`` parameters under ``k`` components."""

    option_table: OptionTable  #: the priors
    options: NDArray[np.intp]  #: (k, q) option that each component observed
    active: Bools  #: (k, q) false where the component contributes the prior
    pseudo: Floats  #: (q,) weight ``e c`` of the prior, relative to one observation

    def log_density(self, values: Floats, active: Bools) -> Floats:
        """Return the log probability of each point under each component, summed over the parameters.

        Parameters
        ----------
        values : (m, q) array
            Option indices that can occur; 0 where inactive.
        active : (m, q) array of bool
            Which parameters are active; the others do not count.

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
        """Draw option indices by inversion.

        Parameters
        ----------
        components : (m,) array of int
            Component of each point.
        uniforms : (m, q) array
            In [0, 1).

        Returns
        -------
        (m, q) array
            Option indices, as floats.
        """
        # The first 1 / (1 + e c) of the uniforms selects the observed option, the rest the prior.
        keeps = self.active[components] / (1 + self.pseudo)
        rest = np.clip((uniforms - keeps) / (1 - keeps), 0.0, 1 - 2**-53)
        drawn = (rest[:, :, None] >= self.option_table.cumulative).sum(axis=2)
        options: Floats = np.where(uniforms < keeps, self.options[components], drawn).astype(np.float64)
        return options

    def _one_hot(self, options: NDArray[np.intp], weights: Floats | Bools) -> Floats:
        """Return an (n, total options) table with the (n, q) weights at the (n, q) options."""
        table = np.zeros((len(options), int(self.option_table.n_options.sum())))
        np.put_along_axis(table, self.option_table.first + options, weights.astype(np.float64), axis=1)
        return table


def categorical_kernels(option_table: OptionTable, values: Floats, active: Bools) -> CategoricalKernels:
    """Return the kernels of observations.

    Parameters
    ----------
    option_table : OptionTable
        Priors of ``q`` parameters.
    values : (k, q) array
        Option indices; 0 where inactive.
    active : (k, q) array of bool
        Which components observed each parameter.
    """
    pseudo = np.minimum(option_table.n_options / (active.sum(axis=0) + 1.0), option_table.largest_pseudo)
    options = values.astype(np.intp)
    # An impossible option gets no weight.
    is_possible = option_table.prior[np.arange(len(pseudo)), options] > 0
    return CategoricalKernels(option_table, options, active & is_possible, pseudo)
