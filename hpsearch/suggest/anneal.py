"""Annealing: draw near one of the best points, in a neighbourhood that shrinks as trials add up.

One of the finished trials is taken as the centre, the ``i``-th best with the probability
``(1 - p)^i p``, where ``1 / p`` is ``avg_best_idx``. Each parameter is then drawn from its prior
narrowed around the centre by the factor ``1 / (1 + shrink_coef n)``, with ``n`` finished
trials in which the parameter was active: a range keeps that share of its width, a normal that
share of its deviation, and an index or a random integer stays as it is with the rest of the
probability. What the centre does not have is drawn from the prior.

It needs no model and no start-up, and is at its best where the objective is smooth.
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

#: Mean ranks beyond which no centre is looked for: further down lies one in e^40.
_MEAN_RANKS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnealOptions:
    """What can be set."""

    avg_best_idx: float = 2.0  #: mean rank, counted from 1, of the point that the next one is drawn near
    shrink_coef: float = 0.1  #: how fast the neighbourhoods shrink with the number of trials

    def __post_init__(self) -> None:
        if not self.avg_best_idx >= 1:
            raise ConfigurationError("The option avg_best_idx of anneal must be a number from 1 up.")
        if not 0 <= self.shrink_coef < math.inf:
            raise ConfigurationError("The option shrink_coef of anneal must be a finite number from 0 up.")


class Anneal:
    """Proposes points near good ones; keeps nothing between calls."""

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
            Of ``n`` trials with ``d`` parameters.
        ranked : (m,) array of int, m > 0
            Rows with a loss, the best first.
        widths : (d,) array
            The share of its prior that each parameter may still range over, in (0, 1].
        rng : Generator
            Of this point.
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
    """Return the rows of the ``n`` lowest losses, the oldest of equals first.

    NaN and infinite losses are no place to look near, and left out.
    """
    rows = np.flatnonzero(losses < np.inf)
    if len(rows) > n:  # sorting all of them would make a suggestion dearer with each trial
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
        The share of the prior that is left, in (0, 1].
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
    """Draw a latent value near another one."""
    match latent:
        case Normal(_, sigma):
            return float(rng.normal(z, sigma * width))
        case Uniform(low, high):
            z = min(max(z, low), high)
            half = width * (high - low) / 2
            return float(rng.uniform(max(low, z - half), min(high, z + half)))
