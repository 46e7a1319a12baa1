"""How much is left to gain in the whole space, as far as the model knows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats, History
from hpsearch.report.numbers.loss_scale import spread_rows
from hpsearch.report.numbers.surrogate import MIN_R2, Surrogate
from hpsearch.runtime.numerics import isolated_numerics
from hpsearch.suggest.gp.encoding import Encoding

#: Drawn functions, and points of the space at which all are evaluated.
_N_FUNCTIONS, _N_POINTS = 64, 512
#: Then each is searched around its lowest point within these distances, in units of each parameter's range,
#: at so many points.
_RADII, _N_NEAR = (0.3, 0.2, 0.1, 0.05), 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """By how much the best loss can still improve."""

    median: float
    high: float  #: with a probability of 90 %, not more


@isolated_numerics()
def ceiling(history: History, surrogate: Surrogate | None, rng: np.random.Generator) -> Ceiling | None:
    """Return by how much the best loss can improve, None where the model cannot be trusted, or says little.

    The lowest value of each function drawn from the posterior, by a random search of the space and around the
    lowest points, is compared with the best loss. If they may gain more on it than it has gained on a typical
    trial of the space, they tell nothing.

    Parameters
    ----------
    history : History
        Finished trials.
    surrogate : Surrogate, optional
        Of their losses; see ``importance.loss_surrogate``.
    rng : Generator
        Source of randomness.
    """
    if surrogate is None or surrogate.r2 < MIN_R2 or surrogate.scale is None:
        return None
    encoding = surrogate.encoding
    usable = np.flatnonzero(np.isfinite(history.losses))
    box = encoding.box(encoding.coordinates(history.values[usable]))
    functions = surrogate.draw(_N_FUNCTIONS, rng)

    def at(x: Floats) -> Floats:
        return functions(encoding.features(x, encoding.active(x)))

    x = encoding.snap(np.vstack([encoding.draw(_N_POINTS, box, rng), _best(history, encoding)]))
    values = at(x)
    for radius in _RADII:
        centres = x[np.unique(values.argmin(axis=0))]
        near = [_around(encoding, centre, encoding.near(centre, radius, box), rng) for centre in centres]
        x = np.vstack([centres, *near])
        values = at(x)
    lowest = values.min(axis=0)
    losses = history.losses[usable]
    incumbent = float(surrogate.scale.apply(losses).min())
    reached = surrogate.scale.losses(np.minimum(lowest, incumbent))
    gains = surrogate.scale.losses(np.array([incumbent]))[0] - reached
    median, high = np.quantile(gains, [0.5, 0.9])
    features = encoding.features(encoding.coordinates(history.values[usable]), history.active[usable])
    typical = float(np.median(losses[spread_rows(features)]))
    if high > typical - losses.min():
        return None
    return Ceiling(median=float(median), high=float(high))


def _best(history: History, encoding: Encoding) -> Floats:
    """Return the coordinates of the best trial, (1, d)."""
    losses = np.where(np.isfinite(history.losses), history.losses, np.inf)
    return encoding.coordinates(history.values[[int(losses.argmin())]])


def _around(
    encoding: Encoding, centre: Floats, box: tuple[Floats, Floats], rng: np.random.Generator
) -> Floats:
    """Draw points of a box with the options of its centre."""
    x = encoding.draw(_N_NEAR, box, rng)
    x[:, encoding.is_choice] = centre[encoding.is_choice]
    return encoding.snap(x)
