"""Kernels of categorical parameters: probabilities of the options.

A component that observed option ``j`` of a parameter with ``c`` options of prior ``p`` gives option ``i`` the
probability ``(1[i = j] + e c p_i) / (1 + e c)``, with ``e = 1 / (K + 1)`` when ``K`` components observed the
parameter. With a uniform prior this is an Aitchison-Aitken kernel. It sharpens with the number of
observations, but slowly enough that a choice with a large subspace does not lock on one branch.
A component that did not observe the parameter contributes ``p``. With a column for each option of each
parameter, the sum over the parameters is a matrix product.

Arrays have a row for each parameter, as those of ``kernels``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats
from hpsearch.space.distribution import Categorical
from hpsearch.suggest.tpe.gauss import LEAST

Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class OptionTable:
    """The priors of ``q`` categorical parameters, side by side, with ``o`` options in all."""

    prior: Floats  #: (q, most options) probability of each option; 0 beyond a parameter's options
    cumulative: Floats  #: the same, cumulative; exactly 1 from the last possible option on
    n_options: Floats  #: (q,)
    #: (q,) largest weight of the prior beside one observation. Without a bound, observations of a choice of a
    #: hundred options would say nothing; below a nested one, more than the option is at stake.
    largest_pseudo: Floats
    first: Indices  #: (q,) index of each parameter's first option among the options of all
    parameter: Indices  #: (o,) the parameter of each option
    probability: Floats  #: (o,) its prior probability
    log_prior: Floats  #: (o, 1) logarithm of that; finite


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
    nested = np.array(is_nested or [False] * len(sizes), dtype=bool)
    probability = np.array([p for d in distributions for p in d.probabilities], dtype=np.float64)
    return OptionTable(
        prior=prior,
        cumulative=cumulative,
        n_options=sizes.astype(np.float64),
        largest_pseudo=np.where(nested, np.inf, 1.0),
        first=np.cumsum(sizes) - sizes,
        parameter=np.repeat(np.arange(len(sizes)), sizes),
        probability=probability,
        log_prior=np.log(np.maximum(probability, LEAST))[:, None],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoricalKernels:
    """Probabilities of the options of ``q`` parameters under ``k`` components."""

    option_table: OptionTable  #: the priors
    options: Indices  #: (q, k) option that each component observed
    active: Bools  #: (q, k) false where the component contributes the prior
    pseudo: Floats  #: (q, groups) weight ``e c`` of the prior, relative to one observation
    sizes: Sequence[int]  #: numbers of components of successive groups

    def log_density(self, values: Floats, active: Bools) -> Floats:
        """Return the log probability of each point under each component, summed over the parameters.

        Parameters
        ----------
        values : (q, m) array
            Option indices that can occur; 0 where inactive.
        active : (q, m) array of bool
            Which parameters are active; the others do not count.

        Returns
        -------
        (m, k) array
            Finite.
        """
        table = self.option_table
        n = values.shape[1]
        has_option = np.zeros((len(table.parameter), n))
        options = table.first[:, None] + values.astype(np.intp)
        has_option.put(options * n + np.arange(n), active)
        found: Floats = has_option.T @ self._log_probabilities()
        return found

    def draw(self, components: Indices, uniforms: Floats) -> Floats:
        """Draw option indices by inversion.

        Parameters
        ----------
        components : (m,) array of int
            Component of each point.
        uniforms : (q, m) array
            In [0, 1).

        Returns
        -------
        (q, m) array
            Option indices, as floats.
        """
        pseudo = self.pseudo.repeat(self.sizes, axis=1)
        options, active = self.options.take(components, axis=1), self.active.take(components, axis=1)
        # The first 1 / (1 + e c) of the uniforms selects the observed option, the rest the prior.
        keeps = active / (1 + pseudo.take(components, axis=1))
        rest = np.clip((uniforms - keeps) / (1 - keeps), 0.0, 1 - 2**-53)
        drawn = (rest[:, :, None] >= self.option_table.cumulative[:, None]).sum(axis=2)
        return np.where(uniforms < keeps, options, drawn).astype(np.float64)

    def _log_probabilities(self) -> Floats:
        """Return the (o, k) log probabilities of all options under each component."""
        table, n = self.option_table, self.options.shape[1]
        pseudo = self.pseudo.take(table.parameter, axis=0)  # (o, groups)
        share, total = pseudo * table.probability[:, None], 1 + pseudo
        unseen, seen = np.log(np.maximum(share / total, LEAST)), np.log((1 + share) / total)
        found = unseen.repeat(self.sizes, axis=1)
        np.copyto(found, table.log_prior, where=~self.active.take(table.parameter, axis=0))
        observed, component = (table.first[:, None] + self.options)[self.active], np.nonzero(self.active)[1]
        group = np.arange(len(self.sizes)).repeat(self.sizes).take(component)
        found.put(observed * n + component, seen.take(observed * len(self.sizes) + group))
        return found


def categorical_kernels(
    option_table: OptionTable, values: Floats, active: Bools, sizes: Sequence[int]
) -> CategoricalKernels:
    """Return the kernels of observations.

    Parameters
    ----------
    option_table : OptionTable
        Priors of ``q`` parameters.
    values : (q, k) array
        Option indices; 0 where inactive.
    active : (q, k) array of bool
        Which components observed each parameter.
    sizes : sequence of int
        Numbers of components of successive groups; ``K`` counts those of a group.
    """
    starts = [0, *accumulate(sizes)][:-1]
    n_observed = np.add.reduceat(active, starts, axis=1, dtype=np.float64)  # (q, groups)
    pseudo = np.minimum(
        option_table.n_options[:, None] / (n_observed + 1.0), option_table.largest_pseudo[:, None]
    )
    options = values.astype(np.intp)
    # An impossible option gets no weight.
    is_possible = option_table.probability.take(option_table.first[:, None] + options) > 0
    return CategoricalKernels(
        option_table=option_table, options=options, active=active & is_possible, pseudo=pseudo, sizes=sizes
    )
