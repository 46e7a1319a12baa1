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
from hpsearch.suggest.tpe.activation import active_mask
from hpsearch.suggest.tpe.parzen import Mixtures

#: Suggestions whose candidates are drawn and ranked together; more would cost memory and save no time.
_BATCH = 32


def ranked_candidates(
    mixtures: Mixtures, n: int, rngs: Sequence[np.random.Generator]
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
        active = active_mask(layout.activation, values)
        values *= active
        good, bad = mixtures.log_density(values, active)
        for i, log_ratio in enumerate((good - bad).reshape(len(batch), n)):
            order = i * n + np.argsort(-log_ratio, kind="stable")
            yield ((values[:, column], active[:, column]) for column in order.tolist())
