"""Candidates of TPE, ranked by expected improvement.

Expected improvement below the split's threshold grows with ``l(x) / g(x)``, the density of the good trials
over that of the bad ones (Bergstra et al. 2011, equation 3). Candidates are drawn from ``l`` and ranked by
that ratio. Twice as many, or an optimizer for the ratio, were measured to be no better: the random draw is
the exploration.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hpsearch.core.history import Bools, Floats
from hpsearch.suggest.allowed import AllowedPoints
from hpsearch.suggest.preference import Preference
from hpsearch.suggest.tpe.activation import active_mask
from hpsearch.suggest.tpe.parzen import Mixtures

#: Suggestions whose candidates are drawn and ranked together; more would cost memory and save no time.
_BATCH = 32


def ranked_candidates(
    mixtures: Mixtures,
    n: int,
    rngs: Sequence[np.random.Generator],
    prefer: Preference | None = None,
    allowed: AllowedPoints | None = None,
) -> Iterator[Iterator[tuple[Floats, Bools]]]:
    """Draw candidates from the good mixture and rank them by falling ``log good - log bad``.

    Parameters
    ----------
    mixtures : Mixtures
        Densities of the good and of the bad trials.
    n : int
        Candidates of each suggestion.
    rngs : sequence of Generators
        One for each suggestion.
    prefer : Preference, optional
        Beliefs to rank by, too.
    allowed : AllowedPoints, optional
        Conditions of the space; candidates that violate them are left out.

    Yields
    ------
    iterator of pairs of (d,) arrays
        For each generator its candidates, the best first: raw values in the rows of the layout, 0 where
        inactive, and which parameters are active.
    """
    layout = mixtures.layout
    for first in range(0, len(rngs), _BATCH):
        batch = rngs[first : first + _BATCH]
        uniforms = [rng.random((n, 1 + len(layout.columns))).T for rng in batch]
        values = mixtures.draw(np.concatenate(uniforms, axis=1))
        if prefer is not None:
            sets = np.split(values[layout.rows].T, len(batch))
            mixed = [prefer.mixed_in(one, rng) for one, rng in zip(sets, batch, strict=True)]
            values = np.vstack(mixed).T[layout.columns]
        active = active_mask(layout.activation, values)
        values *= active
        good, bad = mixtures.log_density(values, active)
        scores = good - bad
        if prefer is not None:
            scores += prefer.scores_of_values(values[layout.rows].T, active[layout.rows].T)
        if allowed is not None:
            scores[~allowed.mask(values[layout.rows].T, active[layout.rows].T)] = -np.inf
        for i, log_ratio in enumerate(scores.reshape(len(batch), n)):
            order = i * n + np.argsort(-log_ratio, kind="stable")[: np.count_nonzero(log_ratio > -np.inf)]
            yield ((values[:, column], active[:, column]) for column in order.tolist())
