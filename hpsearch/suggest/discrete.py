"""Points of discrete spaces that were not tried yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

import numpy as np

from hpsearch.core.history import Floats, History
from hpsearch.space.distribution import Categorical, Distribution, Integer, Numeric
from hpsearch.space.tree import Space, Values


class TriedPoints:
    """The points of a history, kept as it grows."""

    _history: History | None  #: the one that was read last
    _n: int  #: how many of its trials were read
    _keys: set[bytes]

    def __init__(self) -> None:
        self._reset(None)

    def read(self, history: History) -> Set[bytes]:
        """Return the keys of all points of a history; of the one read last, only the new ones are read."""
        if history is not self._history or len(history) < self._n:
            self._reset(history)
        self._keys.update(_key(row) for row in history.values[self._n :])
        self._n = len(history)
        return self._keys

    def _reset(self, history: History | None) -> None:
        self._history = history
        self._n = 0
        self._keys = set()


class KnownPoints:
    """The points that were tried or are about to be; grows with each suggestion of a batch.

    Parameters
    ----------
    history : History
        Of the space; only its code for points is used.
    tried : set of bytes
        The keys of the finished points; left as it is.
    pending : sequence of Values
        The open points.
    """

    def __init__(self, history: History, tried: Set[bytes], pending: Sequence[Values]) -> None:
        self._encode = history.encode
        self._tried = tried
        self._open: set[bytes] = set()
        for values in pending:
            self.add(values)

    def __contains__(self, values: Values) -> bool:
        key = _key(self._encode(values)[0])
        return key in self._tried or key in self._open

    def add(self, values: Values) -> None:
        """Count a point as known."""
        self._open.add(_key(self._encode(values)[0]))


def is_discrete(space: Space) -> bool:
    """Whether a point of the space can come up twice: every parameter has separate values."""
    return all(not isinstance(p.distribution, Numeric) or p.distribution.q for p in space.parameters)


def find_new_point(space: Space, known: KnownPoints, rng: np.random.Generator) -> Values | None:
    """Find a point of a finite space that was not known, for certain.

    The walk goes down the tree from random starts and stops at the first new point. All
    that it visits before were known, so it visits at most one point more than those.

    Parameters
    ----------
    space : Space
        One with ``n_points``.
    known : KnownPoints
        The points tried.
    rng : Generator
        Chooses where the walk starts.

    Returns
    -------
    Values or None
        None when every point was known.
    """
    return next((values for values in _points(space, {}, 0, rng) if values not in known), None)


def _key(row: Floats) -> bytes:
    """Identify a point by its row in a history: the choices in it tell which zeros are values."""
    return (row + 0.0).tobytes()  # adding zero makes a negative zero positive


def _points(
    space: Space, above: Mapping[str, float | int], depth: int, rng: np.random.Generator
) -> Iterator[Values]:
    """Yield every point that continues the values of the first ``depth`` parameters."""
    if depth == len(space.parameters):
        yield above
        return
    parameter = space.parameters[depth]
    if not parameter.is_active(above):
        yield from _points(space, above, depth + 1, rng)
        return
    for value in _values(parameter.distribution, rng):
        yield from _points(space, {**above, parameter.label: value}, depth + 1, rng)


def _values(distribution: Distribution, rng: np.random.Generator) -> Iterator[float | int]:
    """Yield the values of a finite distribution, round once from a random start."""
    match distribution:
        case Categorical(probabilities=probabilities):
            possible = [i for i, p in enumerate(probabilities) if p > 0]
            yield from (possible[i] for i in _round(len(possible), rng))
        case Integer(low=low, high=high):
            yield from (low + i for i in _round(high - low, rng))
        case Numeric(q=float(q), n_values=int(n_values)):
            least = round(distribution.support()[0] / q)
            yield from ((least + i) * q for i in _round(n_values, rng))
        case _:
            raise ValueError(f"the values of {distribution.name} cannot be counted")


def _round(n: int, rng: np.random.Generator) -> Iterator[int]:
    """Yield 0 to n - 1, from a random one on."""
    start = int(rng.integers(n))
    yield from range(start, n)
    yield from range(start)
