"""Annealing: draw near one of the best points, in a neighbourhood that shrinks with the number of trials.

The centre is a finished trial: the ``i``-th best, counted from 0, with probability ``(1 - p)^i p``, where ``1
/ p`` is ``avg_best_idx``. Each parameter is drawn from its prior, narrowed around the centre by the factor
``1 / (1 + shrink_coef n)``, with ``n`` finished trials in which the parameter was active. The factor scales
the width of a range and the standard deviation of a normal; an index or a random integer is drawn from the
prior with that probability, else kept. Parameters that the centre lacks are drawn from the prior.

This is Hyperopt's ``anneal``. It needs no model and no start-up, and works best on smooth objectives.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpsearch.core.history import History
from hpsearch.errors import ConfigurationError
from hpsearch.space.distribution import Categorical, Distribution, Integer, Normal, Numeric, Uniform
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.protocol import Suggestion

#: Centres are among the best ``_MEAN_RANKS * avg_best_idx`` trials; a lower rank has a probability of e^-40.
_MEAN_RANKS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnealOptions:
    """Options of ``anneal``."""

    avg_best_idx: float = 2.0  #: mean rank, counted from 1, of the centre; at least 1
    shrink_coef: float = 0.1  #: how fast the neighbourhoods shrink with the number of trials; not negative

    def __post_init__(self) -> None:
        if not self.avg_best_idx >= 1:
            raise ConfigurationError("The option avg_best_idx of anneal must be a number from 1 up.")
        if not 0 <= self.shrink_coef < math.inf:
            raise ConfigurationError("The option shrink_coef of anneal must be a finite number from 0 up.")


class Anneal:
    """Proposes points near good ones; has no state between calls.

    Parameters
    ----------
    space : Space
        The space to search.
    options : AnnealOptions, optional
        The defaults if not given.
    """

    def __init__(self, space: Space, options: AnnealOptions | None = None) -> None:
        self.space = space
        self.options = options or AnnealOptions()

    def suggest(
        self, history: History, pending: Sequence[Values], rngs: Sequence[np.random.Generator]
    ) -> list[Suggestion]:
        """Propose as many points as there are generators; see ``Suggester``."""
        ranked = best_rows(history.losses, math.ceil(_MEAN_RANKS * self.options.avg_best_idx))
        if not len(ranked):
            return [Suggestion(values=self.space.sample(rng), origin="random") for rng in rngs]
        widths = 1 / (1 + self.options.shrink_coef * history.active.sum(axis=0))
        return [Suggestion(values=self._near(history, ranked, widths, rng), origin="anneal") for rng in rngs]

    def _near(
        self,
        history: History,
        ranked: NDArray[np.intp],
        widths: NDArray[np.float64],
        rng: np.random.Generator,
    ) -> Values:
        """Draw a point near a good one.

        Parameters
        ----------
        history : History
            ``n`` trials with ``d`` parameters.
        ranked : (m,) array of int, m > 0
            Rows with a loss, the best first.
        widths : (d,) array
            Factor by which the prior of each parameter is narrowed, in (0, 1].
        rng : Generator
            Generator of this point.
        """
        rank = min(int(rng.geometric(1 / self.options.avg_best_idx)) - 1, len(ranked) - 1)
        row = ranked[rank]
        values: dict[str, float | int] = {}
        for j, parameter in enumerate(self.space.parameters):
            if not parameter.is_active(values):
                continue
            if history.active[row, j]:
                centre = float(history.values[row, j])
                values[parameter.label] = neighbour(parameter.distribution, centre, float(widths[j]), rng)
            else:
                values[parameter.label] = parameter.distribution.sample(rng)
        return values


def best_rows(losses: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """Return the rows of the ``n`` lowest losses; of equal ones, the older first.

    Parameters
    ----------
    losses : (m,) array
        Rows with NaN or ``inf`` are left out.
    n : int
        Number of rows, if there are as many; positive.
    """
    rows = np.flatnonzero(losses < np.inf)
    if len(rows) > n:  # sorting all rows would make each suggestion costlier than the one before
        rows = rows[losses[rows] <= np.partition(losses[rows], n - 1)[n - 1]]
    ranked: NDArray[np.intp] = rows[np.argsort(losses[rows], kind="stable")]
    return ranked[:n]


def neighbour(
    distribution: Distribution, centre: float, width: float, rng: np.random.Generator
) -> float | int:
    """Draw a value from a distribution narrowed around one of its values.

    Parameters
    ----------
    distribution : Distribution
        The prior.
    centre : float
        A raw value that can occur.
    width : float
        Factor by which the prior is narrowed, in (0, 1].
    rng : Generator
        The source of randomness.

    Returns
    -------
    float or int
        A raw value that can occur.
    """
    match distribution:
        case Categorical() | Integer():
            return distribution.sample(rng) if rng.random() < width else int(centre)
        case Numeric(is_log=is_log, latent=latent):
            # A rounded log value may be 0, or lie outside the latent range.
            z = math.log(max(centre, sys.float_info.min)) if is_log else centre
            return distribution.from_latent(_draw_near(latent, z, width, rng))


def _draw_near(latent: Uniform | Normal, z: float, width: float, rng: np.random.Generator) -> float:

    match latent:
        case Normal(_, sigma):
            return float(rng.normal(z, sigma * width))
        case Uniform(low, high):
            z = min(max(z, low), high)
            half = width * (high - low) / 2
            return float(rng.uniform(max(low, z - half), min(high, z + half)))
