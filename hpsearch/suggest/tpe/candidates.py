"""Candidates of TPE, ranked by expected improvement.

Expected improvement below the split's threshold grows with ``l(x) / g(x)``, the density of the good trials
over that of the bad ones (Bergstra et al. 2011, equation 3). Candidates are drawn from ``l`` and ranked by
that ratio. Twice as many, or an optimizer for the ratio, were measured to be no better: the random draw is
the exploration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Bools, Floats
from hpsearch.suggest.tpe.activation import Activation, active_mask
from hpsearch.suggest.tpe.parzen import Mixture

#: Suggestions whose candidates are drawn and ranked together; more would cost memory and save no time.
_BATCH = 32


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates of one suggestion, the best first."""

    values: Floats  #: (m, d) raw values, 0 where inactive
    active: Bools  #: (m, d)


def ranked_candidates(
    good: Mixture, bad: Mixture, activation: Activation, n: int, rngs: Sequence[np.random.Generator]
) -> Iterator[Candidates]:
    """Draw candidates from ``good`` and rank them by falling ``log good - log bad``.

    Parameters
    ----------
    good, bad : Mixture
        Densities of the good and the bad trials.
    activation : Activation
        Of the space's ``d`` parameters.
    n : int
        Candidates of each suggestion.
    rngs : sequence of Generators
        One for each suggestion.

    Yields
    ------
    Candidates
        ``n`` for each generator, in order.
    """
    for first in range(0, len(rngs), _BATCH):
        batch = rngs[first : first + _BATCH]
        drawn = good.draw(np.concatenate([rng.random((n, 1 + len(activation))) for rng in batch]))
        active = active_mask(activation, drawn)
        values = np.where(active, drawn, 0.0)
        ratios = good.log_density(values, active) - bad.log_density(values, active)
        for i, log_ratio in enumerate(ratios.reshape(len(batch), n)):
            order = i * n + np.argsort(-log_ratio, kind="stable")
            yield Candidates(values=values[order], active=active[order])
