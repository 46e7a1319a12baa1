"""Whether losses are noisy: the same point evaluated more than once.

A model cannot tell noise from a rugged loss, since both look like differences between neighbours. Two
evaluations of one point can. So a search repeats its best point once, and, while the losses differ, again
after every few dozen trials, of which never more than 3 % are repeats. Where they agree, the loss is
deterministic, and the search makes no further repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np

from hpsearch.core.history import Bools, Floats, History
from hpsearch.space.tree import Space, Values
from hpsearch.suggest.discrete import point_key

#: Trials, finished or pending, from which a point is repeated ...
FIRST_REPEAT = 20
#: ... and how many of them must have finished.
_MIN_FINISHED = 10
#: Share of all trials that may be repeats, from the second one on.
_SHARE = 0.03
#: Points of a finite space from which one of them is repeated: in a smaller one, each trial counts.
_MIN_POINTS = 1000
#: Losses of one point that differ by less than this share of the spread of all losses are equal.
_TOLERANCE = 1e-3


class Noise(Enum):
    """What the repeats of a search say about its losses."""

    UNKNOWN = "unknown"  #: no point has two losses, or too few have
    NONE = "none"  #: losses of one point are equal
    NOISY = "noisy"  #: they differ


class Repeats:
    """The points of a history that have several trials, updated as it grows."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._history: History | None = None
        self._n = 0
        self._rows: dict[bytes, list[int]] = {}
        self._repeated: dict[bytes, list[int]] = {}

    def read(self, history: History) -> list[list[int]]:
        """Return the rows of each point with several trials; reads only the new rows of the last history."""
        if history is not self._history or len(history) < self._n:
            self._forget()
            self._history = history
        for row in range(self._n, len(history)):
            key = point_key(history.values[row])
            rows = self._rows.setdefault(key, [])
            rows.append(row)
            if len(rows) > 1:
                self._repeated[key] = rows
        self._n = len(history)
        return list(self._repeated.values())

    def are_first(self, history: History, start: int = 0) -> Bools:
        """Return which trials of a history are the first of their point.

        Parameters
        ----------
        history : History
            ``n`` trials.
        start : int
            The first trial to look at.

        Returns
        -------
        (n - start,) array of bool
            For each trial from ``start`` on.
        """
        are_first = np.ones(len(history), dtype=bool)
        for rows in self.read(history):
            are_first[rows[1:]] = False
        return are_first[start:]

    def count_known(self, points: Sequence[Values], history: History) -> int:
        """Return how many of some points have a trial in the history read last, or an equal one before them.

        Parameters
        ----------
        points : sequence of Values
            Points that wait or are under evaluation.
        history : History
            Encodes points of the space.
        """
        keys = [point_key(history.encode(values)[0]) for values in points]
        return sum(key in self._rows or key in keys[:i] for i, key in enumerate(keys))


def learned_noise(losses: Floats, repeated: Sequence[Sequence[int]]) -> Noise:
    """Return what the repeats of a search say about its losses.

    Where the repeated loss also occurs at other points, as with an error rate on few examples, agreement may
    be chance, and a second repeat must confirm it.

    Parameters
    ----------
    losses : (n,) array
        NaN or ``inf`` for a failed trial.
    repeated : sequence of sequences of int
        The rows of each point with several trials.
    """
    usable = losses[losses < np.inf]
    finite = usable[np.isfinite(usable)]
    if not len(finite):
        return Noise.UNKNOWN
    low, middle = np.quantile(finite, [0.05, 0.5])
    n_equal, n_needed = 0, 1
    for rows in repeated:
        own = losses[list(rows)]
        own = own[np.isfinite(own)]
        if len(own) < 2:
            continue
        # Halved, since a difference of floats may overflow.
        if own.max() / 2 - own.min() / 2 > _TOLERANCE * (middle / 2 - low / 2):
            return Noise.NOISY
        n_equal += len(own) - 1
        if np.count_nonzero(losses == own[0]) > np.count_nonzero(own == own[0]):
            n_needed = 2
    return Noise.NONE if n_equal >= n_needed else Noise.UNKNOWN


def may_repeat(space: Space) -> bool:
    """Whether repeats are worth a trial in a space: not in a small finite one."""
    return bool(space.parameters) and (space.n_points is None or space.n_points >= _MIN_POINTS)


def is_repeat_due(n_finished: int, n_pending: int, n_repeats: int) -> bool:
    """Whether the next trial is a repeat, unless the losses are known to be deterministic.

    Parameters
    ----------
    n_finished : int
        Finished trials.
    n_pending : int
        Trials that wait or are under evaluation.
    n_repeats : int
        How many of both are repeats.
    """
    n = n_finished + n_pending
    if n < FIRST_REPEAT or n_finished < _MIN_FINISHED:
        return False
    return n_repeats < max(1, int(_SHARE * (n + 1)))
