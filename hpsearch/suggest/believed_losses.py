"""Believed losses: what the losses of a noisy search would be without noise.

The lowest of many noisy losses is mostly luck. The posterior of a GP at the tried points, fitted for noise
(``gp.noisy_model``), says which trials are good: a low loss among high ones says little, and so does one far
from all others. Trials are therefore ranked by their posterior mean plus two standard deviations.

They exist only where repeats have shown that losses are noisy (``noise``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpsearch.core.history import Floats, History
from hpsearch.suggest.gp.encoding import Encoding
from hpsearch.suggest.gp.kernel import Indices
from hpsearch.suggest.gp.noisy_model import fit_noisy
from hpsearch.suggest.noise import Noise, Repeats, learned_noise

#: Largest number of trials that the GP learns from ...
_MAX_TRIALS = 400
#: ... which are those nearest to this many trials with the lowest losses.
_N_LOWEST = 50
#: Trials with a loss that they need.
_MIN_TRIALS = 8
#: Standard deviations that count against a trial: what is uncertain may have been lucky.
_CAUTION = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BelievedLosses:
    """What is believed of the ``n`` trials of a history."""

    losses: Floats  #: (n,) losses without noise; NaN for a failed trial
    cautious: Floats  #: (n,) the same plus two standard deviations, for ranking; NaN for a failed trial

    @property
    def best(self) -> int:
        """The row of the trial that is most likely best."""
        return int(np.nanargmin(self.cautious))


def believed_losses(history: History) -> BelievedLosses | None:
    """Return what is believed of the trials of a history.

    In long searches, the trials far from the lowest losses keep their losses.

    Returns
    -------
    BelievedLosses or None
        None where losses are not known to be noisy, fewer than 8 trials have one, or one is infinite.
    """
    losses = np.where(history.measured < np.inf, history.measured, np.nan)
    works = np.flatnonzero(~np.isnan(losses))
    is_noisy = learned_noise(losses, Repeats().read(history)) is Noise.NOISY
    if not is_noisy or len(works) < _MIN_TRIALS or not np.isfinite(losses[works]).all():
        return None
    encoding = Encoding(history.space)
    features = encoding.features(encoding.coordinates(history.values[works]), history.active[works])
    near = _near_lowest(features, losses[works])
    rows, others = works[near], np.delete(works, near)
    fitted = fit_noisy(features[near], encoding.groups, losses[rows])
    predicted = fitted.posterior.predict(features[near])
    scale = _Scale(losses[rows], fitted.targets)
    believed, cautious = np.array(losses), np.array(losses)
    believed[rows] = scale.losses(predicted.mean)
    cautious[rows] = scale.losses(predicted.mean + _CAUTION * np.sqrt(predicted.variance))
    # The others are farther from anything good than these.
    cautious[others] = np.maximum(losses[others], np.median(cautious[rows]))
    return BelievedLosses(losses=believed, cautious=cautious)


def _near_lowest(features: Floats, losses: Floats) -> Indices:
    """Return the rows that the GP learns from: all of a few, else those nearest to the lowest losses.

    They are chosen by where they are, not by their losses, which would leave only the lucky ones.
    """
    if len(losses) <= _MAX_TRIALS:
        return np.arange(len(losses))
    lowest = features[np.argsort(losses, kind="stable")[:_N_LOWEST]]
    squares = (features**2).sum(axis=1)[:, None] + (lowest**2).sum(axis=1) - 2 * features @ lowest.T
    order = np.argsort(squares.min(axis=1), kind="stable")
    return np.sort(order[:_MAX_TRIALS])


class _Scale:
    """The way back from targets of the GP to losses; the warp keeps their order.

    Parameters
    ----------
    losses : (m,) array
        The losses.
    targets : (m,) array
        The same, warped; those that were clipped are equal.
    """

    def __init__(self, losses: Floats, targets: Floats) -> None:
        order = np.argsort(losses, kind="stable")
        self._targets, first = np.unique(targets[order], return_index=True)
        last = np.append(first[1:], len(order)) - 1
        # Of losses clipped to one target, the one next to the others: the highest of the lowest ones.
        self._losses = losses[order][np.where(first == 0, last, first)]

    def losses(self, targets: Floats) -> Floats:
        """Return losses for targets, within the range of the observed ones."""
        return np.asarray(np.interp(targets, self._targets, self._losses))
