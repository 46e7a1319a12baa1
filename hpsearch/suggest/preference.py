"""How much a user's beliefs count, as the trials come in.

The acquisition, and TPE's score, are multiplied by ``r_j^(10 t_j / n)`` for each believed parameter ``j``
after ``n`` finished trials, with the ratio ``r_j`` of belief to prior (``beliefs``). The exponent ``10 / n``
is that of piBO (Hvarfner et al. 2022, "piBO: augmenting acquisition functions with user beliefs for Bayesian
optimization", section 4.1), so every belief fades.

A wrong belief should cost less than that. The trust ``t_j`` compares the ratio in the best fifth of the
trials with that in the others: the probability ``a`` that it is higher (the statistic of Mann and Whitney
1947), as ``(a - 0.3) / 0.3`` within 0 and 1. Where the best trials contradict a belief, it counts no
more; where trials say nothing (``a = 0.5``), it keeps the benefit of the doubt. No ``t_j`` is above the trust
in all beliefs together, which compares the losses of the trials where the product of the ratios is above 1,
such as those drawn from the beliefs, with the losses of the others. Beliefs that are wrong in many parameters
lose it after six trials, when the best of them say little about each parameter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import Bools, Floats, History
from hpsearch.suggest.beliefs import Belief, Beliefs

#: Number of finished trials after which a belief has the weight of the acquisition.
_STRENGTH = 10.0
#: Trials that can contradict a belief; later ones hardly depend on it.
_N_EVIDENCE = 100
#: Fewest trials that can contradict one.
_MIN_EVIDENCE = 6
#: Fewest trials that agree with all beliefs together, and fewest others, that can contradict them.
_MIN_AGREEING = 3
#: Share of the best trials.
_BEST = 0.2
#: Probabilities up to which a belief is not trusted, and from which it is trusted fully.
_REFUTED, _CONFIRMED = 0.3, 0.6
#: Largest share of candidates that are drawn from beliefs.
_DRAWN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Beliefs with their weights after some trials."""

    beliefs: Beliefs
    trust: Mapping[int, float]  #: by column, from 0 to 1
    power: float  #: exponent of the ratio of a fully trusted belief

    def scores(self, x: Floats, active: Bools) -> Floats:
        """Return what beliefs add to the log acquisition.

        Parameters
        ----------
        x : (m, d) array
            Coordinates, with the index of its option for a choice; see ``gp.encoding``.
        active : (m, d) array of bool
            Which parameters are active; the others do not count.

        Returns
        -------
        (m,) array
            Finite.
        """
        found = np.zeros(len(x))
        for j, belief in self._counting():
            rows = np.flatnonzero(active[:, j])
            found[rows] += self.power * self.trust[j] * belief.log_ratio(x[rows, j])
        return found

    def scores_of_values(self, values: Floats, active: Bools) -> Floats:
        """Return the same for raw values.

        Parameters
        ----------
        values : (m, d) array
            Raw values; arbitrary where inactive.
        active : (m, d) array of bool
            Which parameters are active.
        """
        x = np.array(values)
        for j, belief in self._counting():
            x[:, j] = belief.coordinates(x[:, j])
        return self.scores(x, active)

    def slope(self, x: Floats, columns: NDArray[np.intp]) -> Floats:
        """Return the derivatives of the scores in some coordinates of active numbers.

        Parameters
        ----------
        x : (k,) array
            Coordinates.
        columns : (k,) array of int
            The parameter of each.

        Returns
        -------
        (k,) array
            0 where there is no belief.
        """
        found = np.zeros(len(x))
        for j, belief in self._counting():
            at = columns == j
            found[at] = self.power * self.trust[j] * belief.slope(x[at])
        return found

    def mixed_in(self, values: Floats, rng: np.random.Generator, share: float = _DRAWN) -> Floats:
        """Draw the believed parameters of the first candidates from the beliefs, as far as these count.

        Candidates near the good trials alone would never test a belief that no trial has tested.

        Parameters
        ----------
        values : (m, d) array
            Raw values of candidates.
        rng : Generator
            Source of randomness.
        share : float
            Share of the candidates to change while beliefs have their full weight.

        Returns
        -------
        (m, d) array
            Raw values.
        """
        found = np.array(values)
        n = math.ceil(share * len(values) * min(1.0, self.power))
        for j, belief in self._counting():
            drawn = belief.draw(n, rng)
            found[:n, j] = np.where(rng.random(n) < self.trust[j], drawn, found[:n, j])
        return found

    def _counting(self) -> list[tuple[int, Belief]]:
        """Return the columns and beliefs that are still trusted."""
        return [(j, belief) for j, belief in self.beliefs.by_column.items() if self.trust[j] > 0]


def preference(beliefs: Beliefs, history: History) -> Preference:
    """Return how much beliefs count after the trials of a history.

    Parameters
    ----------
    beliefs : Beliefs
        About parameters of the history's space.
    history : History
        Finished trials.
    """
    losses = history.losses[:_N_EVIDENCE]
    losses = np.where(losses < np.inf, losses, np.inf)
    in_all, concerned = np.zeros(len(losses)), np.zeros(len(losses), dtype=bool)
    trust = {}
    for j, belief in beliefs.by_column.items():
        active = history.active[:_N_EVIDENCE, j]
        ratios = belief.log_ratio(belief.coordinates(history.values[:_N_EVIDENCE, j][active]))
        trust[j] = _trust(ratios, losses[active])
        in_all[active] += ratios
        concerned |= active
    together = _trust_in_all(in_all[concerned], losses[concerned])
    trust = {j: min(together, single) for j, single in trust.items()}
    return Preference(beliefs=beliefs, trust=trust, power=_STRENGTH / max(len(history), 1))


def _trust(ratios: Floats, losses: Floats) -> float:
    """Return how far the best trials agree with a belief, from 0 to 1.

    Parameters
    ----------
    ratios : (m,) array
        Log ratios of belief to prior.
    losses : (m,) array
        ``inf`` for a failed trial.
    """
    if len(losses) < _MIN_EVIDENCE:
        return 1.0
    ordered = ratios[np.argsort(losses, kind="stable")]
    n_best = max(2, int(_BEST * len(ordered)))
    return _trust_from(_share_above(ordered[:n_best], ordered[n_best:]))


def _trust_in_all(ratios: Floats, losses: Floats) -> float:
    """Return how far the trials that agree with all beliefs together are better than others, from 0 to 1.

    Parameters
    ----------
    ratios : (m,) array
        Sums of the log ratios of belief to prior.
    losses : (m,) array
        ``inf`` for a failed trial.
    """
    agrees = ratios > 0
    if min(np.count_nonzero(agrees), np.count_nonzero(~agrees)) < _MIN_AGREEING:
        return 1.0
    return _trust_from(_share_above(losses[~agrees], losses[agrees]))


def _share_above(a: Floats, b: Floats) -> float:
    """Return the probability that a value of ``a`` is above one of ``b``; ties count half."""
    return float((a[:, None] > b).mean() + 0.5 * (a[:, None] == b).mean())


def _trust_from(probability: float) -> float:
    return min(max((probability - _REFUTED) / (_CONFIRMED - _REFUTED), 0.0), 1.0)
